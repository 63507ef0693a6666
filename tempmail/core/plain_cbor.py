"""What authenticators send as CBOR (RFC 8949), looked through before it is decoded.

A decoder knows more than authenticators may say: for a tag it makes a stranger's text a regular
expression, a MIME message or a number of megabytes.  So only what they may say reaches it: neither
tags nor lengths that are left open (Client to Authenticator Protocol 2.1, section 8, "canonical
CBOR encoding form").
"""

from __future__ import annotations

from webauthn.helpers import encode_cbor, parse_cbor

_DEEPEST = 6  # they may nest four levels
_TEXTS = (2, 3)
_ARRAY, _MAP, _TAG, _SIMPLE = 4, 5, 6, 7

_AAGUID_AT = 37  # behind the digest of the host's name, the flags and the count
_ID_AT = _AAGUID_AT + 16 + 2
_HAS_KEY, _HAS_EXTENSIONS = 0x40, 0x80

_MISCOUNTED = bytes.fromhex("a301634f4b500327206745643235353139")
"""How a key begins that some authenticators make, with four entries and a head that says three."""


class NotPlain(ValueError):
    """Something that no authenticator says."""


def check_plain(data: bytes, start: int = 0) -> int:
    """Look one item through.

    :returns: where it ends.
    :raises NotPlain: a tag, an open length, too deep, or the end is missing.
    """
    return _behind(data, start, _DEEPEST)


def check_authenticator_data(data: bytes) -> None:
    """Look through what authenticator data has of CBOR: a new key, and extensions (Web
    Authentication Level 3, section 6.1).

    :raises NotPlain: as for :func:`check_plain`, or it is shorter than it says.
    """
    if len(data) < _AAGUID_AT:
        raise NotPlain("authenticator data is longer")
    flags, at = data[32], _AAGUID_AT
    if flags & _HAS_KEY:
        key = _ID_AT + int.from_bytes(data[_ID_AT - 2 : _ID_AT])
        if data.startswith(_MISCOUNTED, key):
            data = data[:key] + b"\xa4" + data[key + 1 :]
        at = check_plain(data, key)
        # What reads this looks for the extensions where the key ends when it is encoded anew.
        if encode_cbor(parse_cbor(data[key:at])) != data[key:at]:
            raise NotPlain("a key that could be written otherwise")
    if flags & _HAS_EXTENSIONS:
        at = check_plain(data, at)
    if at != len(data):
        raise NotPlain("something stands behind it")


def _behind(data: bytes, at: int, deepest: int) -> int:
    if at >= len(data):
        raise NotPlain("its end is missing")
    kind, short = divmod(data[at], 32)
    at += 1
    if short > 27:  # 28 to 30 mean nothing, 31 an open length
        raise NotPlain("a length that is left open")
    if kind == _TAG:
        raise NotPlain("a tag")
    size = 0 if short < 24 else 1 << (short - 24)
    count = int.from_bytes(data[at : at + size]) if size else short
    at += size
    if kind in _TEXTS:
        at += count
    elif kind in (_ARRAY, _MAP):
        if not deepest:
            raise NotPlain("too deep")
        items = count * (2 if kind == _MAP else 1)
        if items > len(data) - at:  # each has an octet at the least
            raise NotPlain("its end is missing")
        for _ in range(items):
            at = _behind(data, at, deepest - 1)
    if at > len(data):
        raise NotPlain("its end is missing")
    return at
