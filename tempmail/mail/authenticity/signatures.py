"""Signatures held against a message and their keys (RFC 6376 section 6.1), for DKIM and ARC."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any

import dkim
from dkim.canonicalization import CanonicalizationPolicy, InvalidCanonicalizationPolicyError
from dkim.util import InvalidTagValueList, parse_tag_value

from tempmail.mail.authenticity.answers import Known
from tempmail.mail.authenticity.body_hash import Body, TooManyWays
from tempmail.mail.authenticity.header import Head
from tempmail.mail.authenticity.keys import Key, Unusable, key
from tempmail.mail.authenticity.wording import quoted

MAX_VALUE_BYTES = 8 * 1024
MOST_SIGNED_FIELDS = 200

_WHITE_SPACE = re.compile(rb"\s+")
_PADDING = re.compile(rb"\s{100}")  # on more of it dkimpy's patterns would take long


class Sealed:
    """A message whose signatures are checked.

    :param head, body: of the message.
    :param known: answers of DNS.
    """

    def __init__(self, head: Head, body: Body, known: Known) -> None:
        self.head = head
        self.body = body
        self.known = known

    def check(
        self,
        tags: dict[bytes, bytes],
        signed: list[bytes],
        signature_field: tuple[bytes, bytes],
    ) -> tuple[Key, str]:
        """Hold one signature against its key and, where it has a body hash, the body.

        :param signed: names of the header fields that it covers, in lower case.
        :param signature_field: itself, which it covers too.
        :returns: the key, and what has to be said of a signature that holds; mostly nothing.
        :raises Lacking: the key has to be asked for.
        :raises Unusable: it does not hold, or cannot be held against anything.
        """
        if tags[b"a"] == b"rsa-sha1":  # RFC 8301 section 3.1
            raise Unusable("permerror", "it signs with SHA-1, which proves nothing any more")
        if len(signed) > MOST_SIGNED_FIELDS:
            raise Unusable("permerror", f"it signs more than {MOST_SIGNED_FIELDS} fields")
        found = key(tags[b"s"], tags[b"d"], self.known)
        if not tags[b"a"].startswith(found.kind.encode()):
            raise Unusable("permerror", f"its key is of another kind: {found.kind}")
        note = self._check_body(tags) if b"bh" in tags else ""
        if not self._holds(found, tags, signed, signature_field):
            raise Unusable("fail", "the signature does not fit: what it signs was changed")
        return found, note

    def _check_body(self, tags: dict[bytes, bytes]) -> str:
        length = int(tags[b"l"]) if b"l" in tags else None
        policy = tags.get(b"c", b"simple/simple").partition(b"/")[2]
        try:
            digest, size = self.body.digest(relaxed=policy == b"relaxed", length=length)
        except TooManyWays:
            raise Unusable("permerror", "it wants the body hashed in one way too many") from None
        if length is not None and length > size:
            raise Unusable("permerror", "it signs more of the body than there is")
        try:
            signed = b64decode(_WHITE_SPACE.sub(b"", tags[b"bh"]))
        except ValueError:
            raise Unusable("permerror", "its body hash is of an impossible form") from None
        if signed != digest:
            raise Unusable("fail", "the body was changed after it was signed")
        if length is not None and length < size:
            return f"; only the first {length} of the body's {size} bytes are signed"
        return ""

    def _holds(
        self,
        found: Key,
        tags: dict[bytes, bytes],
        signed: list[bytes],
        signature_field: tuple[bytes, bytes],
    ) -> bool:
        signer = dkim.DomainSigner(minkey=0)
        signer.headers = list(self.head.fields)
        signer.pk, signer.ktag, signer.keysize = found.public, found.kind.encode(), found.bits
        of_header = {name: value for name, value in tags.items() if name != b"bh"}
        try:
            holds: Any = signer.verify_sig_process(of_header, list(signed), signature_field, None)
        except (dkim.DKIMException, ValueError, LookupError, TypeError):
            raise Unusable("permerror", "the signature is of an impossible form") from None
        return holds is True


def tags_of(value: bytes, needed: tuple[bytes, ...], *, arc: bool = False) -> dict[bytes, bytes]:
    """What a signature says of itself.

    :raises Unusable: it says it wrongly.
    """
    if len(value) > MAX_VALUE_BYTES:
        raise Unusable("permerror", f"it is longer than {MAX_VALUE_BYTES} bytes")
    if _PADDING.search(value):
        raise Unusable("permerror", "it is padded beyond reason")
    try:
        tags: dict[bytes, bytes] = parse_tag_value(value)
        if b"a" in tags:
            tags[b"a"] = tags[b"a"].lower()
        if arc:
            tags.setdefault(b"c", b"relaxed/relaxed")  # RFC 8617 section 4.1.2
        CanonicalizationPolicy.from_c_value(tags.get(b"c", b"simple/simple"))
        dkim.validate_signature_fields(tags, list(needed), arc)
    except InvalidCanonicalizationPolicyError:
        raise Unusable("permerror", "it canonicalizes in an unknown way") from None
    except (InvalidTagValueList, dkim.DKIMException, ValueError, LookupError) as why:
        raise Unusable("permerror", f"the signature is not understood: {quoted(str(why))}") from why
    return tags


def signed_fields(tags: dict[bytes, bytes]) -> list[bytes]:
    """The names that ``h=`` lists."""
    return [name.strip().lower() for name in tags[b"h"].split(b":")]
