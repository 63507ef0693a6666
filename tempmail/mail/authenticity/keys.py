"""The keys that domains publish for their signatures (RFC 6376 section 3.6)."""

from __future__ import annotations

from typing import Any

import dkim
from attrs import frozen
from dkim.util import InvalidTagValueList, parse_tag_value

from tempmail.mail.authenticity.answers import Known

LEAST_RSA_BITS = 1024  # RFC 8301 section 3.2
MOST_RSA_BITS = 8192
_MOST_EXPONENT = 2**64
MAX_RECORD = 8192
"""Characters; a key of 8192 bits takes some 1500."""


class Unusable(Exception):
    """A signature that cannot be held against its key.

    :ivar result: as of :class:`tempmail.model.authentication.Finding`.
    :ivar reason: why, to stand behind the domain's name.
    """

    def __init__(self, result: str, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


@frozen
class Key:
    """:ivar public: as dkimpy has it, for ``kind``.
    :ivar kind: ``rsa`` or ``ed25519``.
    :ivar bits: its size.
    :ivar testing: the domain only tries signing.
    :ivar exact: signs for its very domain alone, not for ones below (``t=s``).
    """

    public: Any
    kind: str
    bits: int
    testing: bool
    exact: bool


def key_name(selector: bytes, domain: bytes) -> str:
    """Where a signature's key lies."""
    return f"{selector.decode('latin-1')}._domainkey.{domain.decode('latin-1')}".lower()


def key(selector: bytes, domain: bytes, known: Known) -> Key:
    """The key of a signature.

    :raises Lacking: DNS is to be asked.
    :raises Unusable: there is none, or none that may be used.
    """
    answer = known.ask(key_name(selector, domain), "TXT")
    if answer.failure:
        raise Unusable("temperror", f"DNS does not give its key now: {answer.failure}")
    records = [one for one in answer.records if len(one) <= MAX_RECORD and "p=" in one]
    if not records:
        raise Unusable("permerror", "it publishes no key under the signature's name")
    # Of several the outcome is undefined (section 3.6.2.2); the first is as good as any.
    return _read(records[0].encode("latin-1"))


def _read(record: bytes) -> Key:
    not_understood = Unusable("permerror", "its key is not understood")
    try:
        tags = parse_tag_value(record)
    except InvalidTagValueList:
        raise not_understood from None
    if not tags.get(b"p"):
        raise Unusable("fail", "its key has been revoked")
    if b"email" not in (uses := _words(tags.get(b"s", b"*"))) and b"*" not in uses:
        raise Unusable("permerror", "its key is not for mail")
    if b"h" in tags and b"sha256" not in _words(tags[b"h"]):
        raise Unusable("permerror", "its key allows only hashes that are obsolete")
    if tags.get(b"v", b"DKIM1") != b"DKIM1":
        raise not_understood
    bare = b"k=%b; p=%b" % (tags.get(b"k", b"rsa").lower(), b"".join(tags[b"p"].split()))
    try:
        public, bits, kind, _ = dkim.evaluate_pk("key", bare)
    except (dkim.DKIMException, ValueError, LookupError, TypeError):
        raise not_understood from None
    if kind not in (b"rsa", b"ed25519"):
        raise not_understood
    if kind == b"rsa":
        if bits < LEAST_RSA_BITS:
            raise Unusable("fail", f"its key of {bits} bits is too weak to prove anything")
        if bits > MOST_RSA_BITS or public["publicExponent"] > _MOST_EXPONENT:
            raise Unusable("permerror", "its key is too large to be used")
    flags = _words(tags.get(b"t", b""))
    return Key(public, kind.decode(), bits, b"y" in flags, b"s" in flags)


def _words(value: bytes) -> list[bytes]:
    return [word.strip().lower() for word in value.split(b":")]
