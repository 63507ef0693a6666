"""Makes ``secured:`` known to Twisted's endpoint descriptions."""

from tempmail.secured import SecuredParser

secured = SecuredParser()
