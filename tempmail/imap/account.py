"""An account to fetch mail from, as the operator writes it: one URL, with no secret in it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from attrs import frozen

from tempmail.core.forwarding import header_names
from tempmail.model.address import Domains
from tempmail.model.errors import InvalidInput, Unavailable

_PORTS = {"imaps": 993, "imap": 143}
_PARAMETERS = (
    *("mailbox", "headers", "delete", "start", "password_file", "password_env"),
    *("ca_file", "insecure"),
)
_ONE_LINE = re.compile(r"[^\x00-\x1f\x7f]{1,255}")


@frozen
class Account:
    """Where mail is fetched, and what is done with it.

    :ivar folder: such as ``INBOX``.
    :ivar tls: ``tls`` from the start, ``starttls``, or ``none``.
    :ivar mailbox: who gets what no header names an address of ours in; None for nobody.
    :ivar headers: those that are trusted to say whom a mail was for; may be none.
    :ivar delete: whether what has been delivered is removed from the account.
    :ivar old: whether what is there at the first look is fetched too.
    :ivar ca_file: PEM file of authorities to trust, None for the system's.
    """

    user: str
    host: str
    port: int
    folder: str
    tls: str
    mailbox: str | None
    headers: tuple[str, ...]
    delete: bool
    old: bool
    password_file: Path | None
    password_env: str | None
    ca_file: Path | None

    @property
    def name(self) -> str:
        """What the account is called in logs, metrics and storage."""
        return f"{self.user}@{self.host}/{self.folder}"

    def secret(self, environ: Mapping[str, str]) -> bytes:
        """The password as it is now.

        :raises Unavailable: it is not where the operator said.
        """
        if self.password_env is not None:
            secret = environ.get(self.password_env, "")
            where = f"the variable {self.password_env}"
        else:
            where = f"{self.password_file}"
            try:
                secret = Path(where).read_text("utf-8").removesuffix("\n").removesuffix("\r")
            except (OSError, UnicodeError) as error:
                why = getattr(error, "strerror", None) or "is no text"
                raise Unavailable(f"{where} with the password: {why}") from error
        if not _ONE_LINE.fullmatch(secret):
            raise Unavailable(f"{where} holds no password of one line")
        return secret.encode()


def account(text: str) -> Account:
    """Read ``imaps://user@host[:port]/folder?mailbox=box@our.domain&password_file=/path``.

    :raises InvalidInput: saying what is wrong, and never what the URL holds.
    """
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise InvalidInput("is no URL such as imaps://user@host/INBOX") from error
    if url.scheme not in _PORTS or not url.hostname or not url.username:
        raise InvalidInput("is a URL such as imaps://user@host/INBOX?password_file=/path")
    if url.password is not None:
        raise InvalidInput("a password is never in the URL: name a password_file or password_env")
    given = dict(parse_qsl(url.query, keep_blank_values=True))
    unknown = given.keys() - set(_PARAMETERS)
    if unknown:
        raise InvalidInput(
            f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(_PARAMETERS)}"
        )
    user, folder = unquote(url.username), unquote(url.path.strip("/")) or "INBOX"
    for what, value in (("user", user), ("folder", folder)):
        if not _ONE_LINE.fullmatch(value):
            raise InvalidInput(f"the {what} is one line of at most 255 characters")
    password_file, password_env = given.get("password_file"), given.get("password_env")
    if (not password_file) == (not password_env):
        raise InvalidInput("needs either password_file or password_env")
    insecure = _choice(given, "insecure", no=False, yes=True)
    if insecure and url.scheme == "imaps":
        raise InvalidInput("imaps is never insecure; imap is, where insecure=yes")
    headers, mailbox = given.get("headers"), given.get("mailbox")
    names = () if headers == "none" else header_names(headers)
    if not names and not mailbox:
        raise InvalidInput("needs a mailbox where headers=none")
    ca_file = given.get("ca_file")
    return Account(
        user=user,
        host=url.hostname,
        port=port or _PORTS[url.scheme],
        folder=folder,
        tls="tls" if url.scheme == "imaps" else "none" if insecure else "starttls",
        mailbox=mailbox or None,
        headers=names,
        delete=_choice(given, "delete", no=False, yes=True),
        old=_choice(given, "start", all=True, new=False),
        password_file=Path(password_file) if password_file else None,
        password_env=password_env or None,
        ca_file=Path(ca_file) if ca_file else None,
    )


def check_accounts(
    accounts: Sequence[Account], domains: Domains, environ: Mapping[str, str], *, strict: bool
) -> None:
    """Look at all accounts together.

    :param strict: whether none may be read in clear.
    :raises InvalidInput: an account cannot be read as it was given.
    """
    seen: set[str] = set()
    for one in accounts:
        if one.name in seen:
            raise InvalidInput(f"--imap {one.name}: is given twice")
        seen.add(one.name)
        if strict and one.tls == "none":
            raise InvalidInput(f"--imap {one.name}: is not insecure where --environment is prod")
        if one.mailbox is not None and domains.recipient(one.mailbox) is None:
            raise InvalidInput(f"--imap {one.name}: {one.mailbox} is under none of our domains")
        if one.ca_file is not None and not os.access(one.ca_file, os.R_OK):
            raise InvalidInput(f"--imap {one.name}: {one.ca_file} cannot be read")
        try:
            one.secret(environ)
        except Unavailable as error:
            raise InvalidInput(f"--imap {one.name}: {error.detail}") from error


def _choice(given: Mapping[str, str], name: str, **words: bool) -> bool:
    """What the word for ``name`` means; the first of ``words`` where nothing was said."""
    chosen = given.get(name, next(iter(words)))
    if chosen not in words:
        raise InvalidInput(f"{name} is one of {', '.join(words)}")
    return words[chosen]
