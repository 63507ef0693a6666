"""Undoing content transfer encodings (RFC 2045 section 6) of damaged mail too."""

from __future__ import annotations

import binascii

_NOT_BASE64 = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
)


def decoded(body: bytes, encoding: str) -> bytes:
    """``body`` without its content transfer encoding; as it is where that is unknown."""
    match encoding.strip().lower():
        case "base64":
            return from_base64(body)
        case "quoted-printable":
            return binascii.a2b_qp(body)
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            return from_uuencode(body)
        case _:
            return body


def from_base64(text: bytes) -> bytes:
    """What ``text`` holds, without regard to stray characters and missing padding."""
    try:
        return binascii.a2b_base64(text)
    except binascii.Error:
        kept = text.translate(None, delete=_NOT_BASE64)
        if len(kept) % 4 == 1:  # six bits alone are no byte
            kept = kept[:-1]
        return binascii.a2b_base64(kept + b"==")


def from_uuencode(text: bytes) -> bytes:
    """What stands between ``begin`` and ``end``; ``text`` itself where nothing begins."""
    lines = iter(text.splitlines())
    if not any(line.startswith(b"begin ") for line in lines):
        return text
    out = bytearray()
    for line in lines:
        if line.strip() in (b"end", b"`"):
            break
        if line:
            length = ((line[0] - 32) & 63) * 4 // 3 + 2  # some encoders add a checksum
            try:
                out += binascii.a2b_uu(line[:length])
            except binascii.Error:
                continue
    return bytes(out)
