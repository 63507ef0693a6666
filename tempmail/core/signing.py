"""Addresses that open one message for a few minutes, for a frame that can show no credential."""

from __future__ import annotations

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from attrs import frozen

from tempmail.model.errors import NotFound

LIFE_SECONDS = 10 * 60
"""From the signature to its end."""

_STEP_SECONDS = 60
"""In which what is signed again is the same, so that whoever has it need not take it again."""

_REFRESH_SECONDS = 3600
_PATIENCE_SECONDS = 10
"""Between two looks for a key that is not known: unknown ones are easily made up."""

_GRANT = struct.Struct(">IIQ16s")  # key, end, mailbox, message
_MAC = 32
_PURPOSE = b"tempmail document\0"


@frozen
class SigningKey:
    """:ivar secret: 32 random bytes."""

    id: int
    secret: bytes


class SigningKeys(Protocol):
    """The keys that all daemons on one database share."""

    async def signing_keys(self) -> Sequence[SigningKey]:
        """Those in force, newest first and at least one.

        A new one comes when the newest is a day old; each is kept for as long again and more
        than :data:`LIFE_SECONDS`, for those that do not know its successor yet.
        """


class Grant(NamedTuple):
    """What a token opens."""

    mailbox_id: int
    message_id: UUID


class Signing:
    """Makes and reads tokens: the grant and its end under HMAC-SHA256 (RFC 2104).

    A token begins with the number of its key, so that keys change without a gap.

    :param keys: shared with the other daemons.
    :param now: seconds since the epoch.
    """

    def __init__(self, keys: SigningKeys, now: Callable[[], float]) -> None:
        self._stored = keys
        self._now = now
        self._keys: Sequence[SigningKey] = ()
        self._looked = 0.0

    async def sign(self, grant: Grant) -> str:
        """A token for the next nine to ten minutes: 86 URL-safe characters.

        :raises Unavailable: the keys cannot be had.
        """
        if not self._keys or self._now() - self._looked >= _REFRESH_SECONDS:
            await self._look()
        key = self._keys[0]
        end = int(self._now()) // _STEP_SECONDS * _STEP_SECONDS + LIFE_SECONDS
        text = _GRANT.pack(key.id, end, grant.mailbox_id, grant.message_id.bytes)
        return urlsafe_b64encode(text + _mac(key, text)).rstrip(b"=").decode("ascii")

    async def open(self, token: str) -> Grant:
        """What ``token`` grants.

        :raises NotFound: it is none of ours, or its time is over.
        :raises Unavailable: the keys cannot be had.
        """
        text, mac = _parts(token)
        number, end, mailbox_id, message_id = _GRANT.unpack(text)
        if end <= self._now():
            raise _no_such()
        key = await self._key(number)
        if key is None or not hmac.compare_digest(mac, _mac(key, text)):
            raise _no_such()
        return Grant(mailbox_id, UUID(bytes=message_id))

    async def _key(self, number: int) -> SigningKey | None:
        known = {key.id: key for key in self._keys}
        if number not in known and self._now() - self._looked >= _PATIENCE_SECONDS:
            await self._look()
            known = {key.id: key for key in self._keys}
        return known.get(number)

    async def _look(self) -> None:
        self._looked = self._now()  # before the answer: others need not ask meanwhile
        self._keys = await self._stored.signing_keys()


def _parts(token: str) -> tuple[bytes, bytes]:
    try:
        whole = urlsafe_b64decode(f"{token}==")
    except ValueError:
        raise _no_such() from None
    canonical = urlsafe_b64encode(whole).rstrip(b"=") == token.encode()
    if not canonical or len(whole) != _GRANT.size + _MAC:
        raise _no_such()
    return whole[:-_MAC], whole[-_MAC:]


def _mac(key: SigningKey, text: bytes) -> bytes:
    return hmac.digest(key.secret, _PURPOSE + text, "sha256")


def _no_such() -> NotFound:
    return NotFound("there is no such document, or its time is over; ask for the message again")
