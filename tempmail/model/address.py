"""Mail addresses as this service understands them: which are ours, and which mailbox they mean.

A mailbox's address is lower case, without a tag, under one of our domains in its A-label
form (RFC 5890).  ``Box+Tag@Example.COM`` and ``box@example.com`` are the same mailbox.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import frozen

from tempmail.model.errors import InvalidInput

MAX_LOCAL_PART = 64
"""Octets, RFC 5321 section 4.5.3.1.1."""

MAX_DOMAIN = 253
"""Characters of a domain name in text, RFC 1035 section 2.3.4 less its lengths and root."""

RESERVED = frozenset(
    "postmaster abuse hostmaster webmaster mailer-daemon admin administrator root noreply no-reply "
    "security support info ssl-admin ssladmin ssladministrator sslwebmaster sysadmin is it "
    "mis".split()
)
"""Local parts that nobody can ask for: RFC 2142's roles, and those by which certificate
authorities let the holder of a mailbox prove that a domain is theirs (CA/Browser Forum
Baseline Requirements 3.2.2.4.4)."""

_LOCAL_PART = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?\Z")


@frozen
class Recipient:
    """One recipient of an envelope, already mapped to the mailbox that it means.

    :ivar address: the mailbox, ``local@domain`` in its canonical form.
    :ivar tag: what stood behind ``+`` in the local part, or the empty string.
    :ivar given: the forward-path as the sender wrote it, without angle brackets.
    """

    address: str
    tag: str
    given: str


class Domains:
    """The domains that this service receives mail for.

    :param names: at least one domain, as U-labels or A-labels; the first is the default.
    :raises InvalidInput: for a name that is no domain name.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(dict.fromkeys(domain_name(name) for name in names))
        if not self.names:
            raise InvalidInput("at least one domain is needed")
        self._known = {name: name for name in self.names}

    @property
    def default(self) -> str:
        return self.names[0]

    def ours(self, domain: str) -> str | None:
        """The canonical form of ``domain`` where it is one of ours, else None."""
        known = self._known.get(domain)
        if known is not None:
            return known
        try:
            return self._known.get(domain_name(domain))
        except InvalidInput:
            return None

    def recipient(self, given: str) -> Recipient | None:
        """Map a forward-path's mailbox (``local@domain``, unquoted) to ours.

        :returns: None where the domain is not ours.
        """
        local, _, domain = given.rpartition("@")
        ours = self._known.get(domain) or self.ours(domain)
        if ours is None:
            return None
        box, _, tag = local.partition("+")
        if not box:  # "+tag@" has no box in front of it: the whole is the name
            box, tag = local, ""
        return Recipient(f"{box.lower()}@{ours}", tag, given)

    def canonical(self, address: str) -> str:
        """The mailbox that an address means, in however many ways it can be written."""
        recipient = self.recipient(address)
        return recipient.address if recipient is not None else address.lower()


def domain_name(text: str) -> str:
    """The lower-case A-label form of a domain name (RFC 5890), without a final dot.

    :raises InvalidInput: where it is no host name.
    """
    if len(text) > MAX_DOMAIN:  # an A-label is never shorter; IDNA is slow on long ones
        raise InvalidInput("a domain name has at most 253 characters")
    name = text.strip().rstrip(".").lower()
    try:
        name = name.encode("ascii").decode("ascii")
    except UnicodeEncodeError:
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            raise InvalidInput(f"{text!r} is not a domain name") from None
    if len(name) > MAX_DOMAIN or not all(
        re.fullmatch(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", label) for label in name.split(".")
    ):
        raise InvalidInput(f"{text!r} is not a domain name")
    return name


def local_part(text: str) -> str:
    """A local part that somebody asks for, in its canonical form.

    :raises InvalidInput: for a reserved or impossible one; the detail says what is allowed.
    """
    name = text.strip().lower()
    if not _LOCAL_PART.match(name) or ".." in name:
        raise InvalidInput(
            f"a username has 1 to {MAX_LOCAL_PART} letters, digits, dots, hyphens or underscores, "
            "begins and ends with a letter or digit, and has no two dots in a row"
        )
    return name
