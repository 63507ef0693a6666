"""Which parser made a view: known to the daemon too, which loads no parser."""

from __future__ import annotations

PARSER_VERSION = 4
"""Grows whenever the same bytes give another view."""
