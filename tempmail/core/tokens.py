"""Secrets that are shown once and of which only a digest is kept."""

from __future__ import annotations

import hashlib
import secrets

KEY_PREFIX = "uct_"
"""Of every API key; no session token begins so but by a chance of one in 16 million."""

SHOWN = 12
"""Characters of a key that are kept, for its owner to know it by."""

_BYTES = 32


def new_key() -> str:
    """An API key that nobody has had before."""
    return KEY_PREFIX + new_token()


def new_token() -> str:
    """32 random bytes, URL-safe."""
    return secrets.token_urlsafe(_BYTES)


def digest(token: str) -> bytes:
    """What is kept of a secret: its SHA-256, for 32 random bytes need no slower one."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
