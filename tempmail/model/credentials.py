"""What a user signs in with: API keys for programs, passkeys for people, and invitations."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from attrs import frozen

from tempmail.model.account import Scope
from tempmail.model.errors import InvalidInput

MAX_NAME = 64
"""Characters of what a user, a key or a passkey is called."""


def display_name(text: str) -> str:
    """What somebody or something is called, as it is kept.

    :raises InvalidInput: nothing, too much, or what cannot be shown.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise InvalidInput(f"name: has 1 to {MAX_NAME} printable characters")
    return name


@frozen
class ApiKey:
    """A key, without its secret.

    :ivar prefix: its first characters, by which its owner knows it.
    :ivar expires_at: None for one that stays until it is revoked.
    :ivar last_used_at: give or take a minute.
    """

    id: int
    prefix: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@frozen
class NewPasskey:
    """A passkey as its authenticator made it (Web Authentication Level 3, section 6.5).

    :ivar credential_id: up to 1023 bytes.
    :ivar public_key: a COSE key (RFC 9052 section 7).
    :ivar sign_count: how often it has signed; 0 for ever where it does not count.
    """

    credential_id: bytes
    public_key: bytes
    sign_count: int
    name: str


@frozen
class Passkey:
    """A passkey, as its owner sees it."""

    id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None


@frozen
class KnownPasskey:
    """A passkey with which somebody wants to sign in.

    :ivar user_handle: 32 random bytes, by which authenticators know the user.
    """

    id: int
    user_handle: bytes
    public_key: bytes
    sign_count: int


@frozen
class Invitation:
    """What lets somebody sign up, once.

    :ivar used_by: the name of whoever did; None where nobody has, or their account is gone.
    """

    id: int
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    used_by: str | None


@frozen
class Enrolment:
    """Whom a further passkey is made for.

    :ivar known: the credential ids of those that there are.
    """

    name: str
    handle: bytes
    known: tuple[bytes, ...]
