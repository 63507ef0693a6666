"""What is said to an IMAP server (RFC 3501, RFC 9051): log in, look, fetch, remove."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen
from twisted.mail.imap4 import encoder as modified_utf_7

from tempmail.imap.errors import Refused, Rejected, Violation
from tempmail.imap.protocol import COMMAND_SECONDS, ImapProtocol
from tempmail.imap.responses import Response

WINDOW = 10_000
"""UIDs asked about at once; the answer has a bound then."""

_SLOWEST = 16 * 1024
"""Bytes a second at which a mail has to come."""

_UIDVALIDITY = re.compile(rb"\* OK \[UIDVALIDITY (\d{1,10})\]", re.IGNORECASE)
_UID = re.compile(rb"[ (]UID (\d{1,10})(?=[ )])", re.IGNORECASE)
_SIZE = re.compile(rb"[ (]RFC822\.SIZE (\d{1,15})(?=[ )])", re.IGNORECASE)
_SEARCH = re.compile(rb"\* SEARCH((?: \d{1,10})*) *\Z", re.IGNORECASE)
_BODY = re.compile(
    rb'[ (]BODY\[\] (?:(?P<literal>\{\})|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<nil>NIL))', re.IGNORECASE
)
_FETCH = re.compile(rb"\* \d{1,15} FETCH \(", re.IGNORECASE)


@frozen
class Mail:
    """A mail as it was fetched, in pieces."""

    chunks: tuple[bytes, ...]
    size: int


class Session:
    """A conversation, from the greeting on.

    :param protocol: whose greeting has come.
    :ivar can: capabilities, in upper case.
    """

    def __init__(self, protocol: ImapProtocol) -> None:
        self._protocol = protocol
        self.can: frozenset[str] = frozenset()

    async def ask_capabilities(self) -> None:
        words: list[str] = []

        def listen(response: Response) -> None:
            if response.text[:13].upper() == b"* CAPABILITY ":
                words[:] = response.text[13:].decode("ascii", "replace").upper().split()[:200]

        await self._protocol.command(b"CAPABILITY", listen=listen)
        self.can = frozenset(words)

    async def start_tls(self, options: Any) -> None:
        """Encrypt what follows.

        :raises Refused: the server cannot.
        """
        if "STARTTLS" not in self.can:
            raise Refused("the server offers no STARTTLS")
        await self._protocol.command(b"STARTTLS")
        self._protocol.start_tls(options)
        await self.ask_capabilities()  # those of before were said in clear

    async def log_in(self, user: str, secret: bytes) -> None:
        """:raises Rejected: user or password are not right."""
        plain = base64.b64encode(b"\0" + user.encode() + b"\0" + secret)
        try:
            if "AUTH=PLAIN" in self.can and "SASL-IR" in self.can:
                await self._protocol.command(b"AUTHENTICATE PLAIN " + plain)
            elif "AUTH=PLAIN" in self.can:
                await self._protocol.command(
                    b"AUTHENTICATE PLAIN", go_on=lambda: self._protocol.write(plain + b"\r\n")
                )
            elif "LOGINDISABLED" in self.can:
                raise Rejected("the server allows no password here")
            else:
                words = b"LOGIN " + _quoted(user.encode()) + b" " + _quoted(secret)
                await self._protocol.command(words)
        except Rejected:
            raise
        except Refused as refusal:
            said = refusal.detail
            if plain.decode() in said or secret.decode() in said:
                said = "NO"  # it repeats what nobody is to read
            raise Rejected(f"the log-in was refused: {said}") from None
        await self.ask_capabilities()

    async def open(self, folder: str, *, writing: bool) -> int:
        """Open a folder; its UIDVALIDITY.

        :raises Refused: there is none of that name.
        """
        found: list[int] = []

        def listen(response: Response) -> None:
            if match := _UIDVALIDITY.match(response.text):
                found.append(int(match[1]))

        verb = b"SELECT " if writing else b"EXAMINE "
        await self._protocol.command(verb + _quoted(modified_utf_7(folder)[0]), listen=listen)
        if not found:
            raise Violation("the folder has no UIDVALIDITY")
        return found[-1]

    async def newest(self) -> int:
        """The highest UID; 0 where there is no mail."""
        uids: list[int] = []

        def listen(response: Response) -> None:
            if _FETCH.match(response.text) and (match := _UID.search(response.text)):
                uids[:] = [max(int(match[1]), *uids, 0)]

        try:
            await self._protocol.command(b"FETCH * (UID)", listen=listen)
        except Refused:  # some do where there is none
            return 0
        return uids[0] if uids else 0

    async def present(self, first: int, last: int, *, marked: bool) -> Sequence[int]:
        """The UIDs between two that are there, the lowest first.

        :param marked: whether those that are marked as deleted count.
        """
        words = b"UID %d:%d" if marked else b"UID %d:%d UNDELETED"
        return await self._search(words % (first, last), first, last)

    async def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """The sizes of those that are still there."""
        sizes: dict[int, int] = {}
        wanted = frozenset(uids)

        def listen(response: Response) -> None:
            uid, size = _UID.search(response.text), _SIZE.search(response.text)
            if _FETCH.match(response.text) and uid and size and int(uid[1]) in wanted:
                sizes[int(uid[1])] = int(size[1])

        words = b"UID FETCH %s (UID RFC822.SIZE)" % _set(uids)
        await self._protocol.command(words, listen=listen)
        return sizes

    async def fetch(self, uid: int, size: int, admit: Callable[[int], None]) -> Mail | None:
        """One mail, which is not marked as seen; None where it has gone.

        :param size: that the server said it has.
        :param admit: called with its real size before it is read; may raise.
        """
        mails: list[Mail] = []

        def listen(response: Response) -> None:
            match, found = _BODY.search(response.text), _UID.search(response.text)
            if not _FETCH.match(response.text) or not match or not found or int(found[1]) != uid:
                return
            if match["literal"]:
                # Other items may have literals too; ours is as many behind the first as there are.
                before = response.text.count(b"{}", 0, match.start("literal"))
                chunks = tuple(response.literals[before])
            else:
                chunks = (re.sub(rb"\\(.)", rb"\1", match["quoted"] or b""),)
            mails[:] = [Mail(chunks, sum(map(len, chunks)))]

        await self._protocol.command(
            b"UID FETCH %d (UID BODY.PEEK[])" % uid,
            seconds=COMMAND_SECONDS + size / _SLOWEST,
            listen=listen,
            admit=admit,
        )
        return mails[0] if mails else None

    async def remove(self, uid: int) -> None:
        """Delete one mail and no other.

        :raises Refused: the server does not let us.
        """
        await self._protocol.command(b"UID STORE %d +FLAGS.SILENT (\\Deleted)" % uid)
        if "UIDPLUS" in self.can or "IMAP4REV2" in self.can:
            await self._protocol.command(b"UID EXPUNGE %d" % uid)
        elif await self._search(b"DELETED", 1, 2**32) == [uid]:
            await self._protocol.command(b"EXPUNGE")  # which removes all that are marked

    async def wait(self, seconds: float) -> bool:
        """Wait for new mail where the server can tell; False, at once, where it cannot."""
        if "IDLE" not in self.can:
            return False
        if not self._protocol.arrived:
            await self._protocol.idle(seconds)
        return True

    async def look(self) -> None:
        """Let the server say what is new."""
        await self._protocol.command(b"NOOP")

    async def _search(self, words: bytes, first: int, last: int) -> list[int]:
        uids: set[int] = set()

        def listen(response: Response) -> None:
            if match := _SEARCH.match(response.text):
                uids.update(map(int, match[1].split()))

        await self._protocol.command(b"UID SEARCH " + words, listen=listen)
        return sorted(uid for uid in uids if first <= uid <= last)


def _set(uids: Sequence[int]) -> bytes:
    return ",".join(map(str, uids)).encode("ascii")


def _quoted(text: bytes) -> bytes:
    """A quoted string (RFC 9051 section 4.3).

    :raises Rejected: it cannot be one.
    """
    if not text.isascii() or b"\r" in text or b"\n" in text or b"\0" in text:
        raise Rejected("the server takes no AUTHENTICATE PLAIN, and LOGIN takes ASCII alone")
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
