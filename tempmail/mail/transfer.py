"""Undoing content transfer encodings (RFC 2045 section 6) of damaged mail too."""

from __future__ import annotations

import binascii
import re
from itertools import takewhile

from tempmail.mail import uuencode

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(set(range(256)) - set(_ALPHABET))
_MAX_JOINED = 2000
_ONLY_BASE64 = re.compile(rb"[A-Za-z0-9+/=\t\r\n]*+")
_PADDED = re.compile(rb"[^=]+=*")


def decoded(body: bytes, encoding: str) -> bytes:
    """``body`` without its content transfer encoding; as it is where that is unknown."""
    match encoding.strip().lower():
        case "base64":
            return from_base64(body)
        case "quoted-printable":
            return binascii.a2b_qp(body)
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            return uuencode.whole(body)
        case _:
            return body


def from_base64(text: bytes) -> bytes:
    """What ``text`` holds, without regard to stray characters and missing padding.

    Texts that were encoded one by one and put together are decoded one by one: padding ends
    each; what follows padding and is no base64 was put there by others, such as a list's footer.
    A last quantum that is incomplete counts where nothing else is wrong.
    """
    inner = text[:-4].rstrip(b"=\r\n\t ").count(b"=")
    if 0 < inner <= _MAX_JOINED:
        first, *others = _PADDED.findall(text)
        more = takewhile(_ONLY_BASE64.fullmatch, others)
        return b"".join(map(_from_base64, (first, *more)))
    return _from_base64(text)


def _from_base64(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text)
    except binascii.Error:
        kept = text.translate(None, delete=_NOT_BASE64)
        whole = len(kept) // 4 * 4
        if len(kept) - whole == 1 or text.translate(None, delete=_ALPHABET + b"= \t\r\n"):
            kept = kept[:whole]  # six bits are no byte, and strays leave their place in doubt
        return binascii.a2b_base64(kept + b"==")
