"""The shapes of accounts, keys, passkeys and tickets, as clients see them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from msgspec import Struct, field

from tempmail.http.described import described
from tempmail.model import account, credentials
from tempmail.model.credentials import MAX_NAME

_Moment = Annotated[datetime, described("RFC 3339, in UTC", "2030-05-17T09:24:31Z", tz=True)]
_Label = Annotated[str, described("What to call it", "laptop", min_length=1, max_length=MAX_NAME)]
_UserName = Annotated[
    str, described("What to call the account", "ann", min_length=1, max_length=MAX_NAME)
]
_Name = Annotated[str, described("What its owner calls it", "laptop")]
_Whose = Annotated[str, described("What the account is called", "ann")]
_Id = Annotated[int, described("Names it in paths", 17)]
_UserId = Annotated[int, described("Stays when the name changes", 42)]
_Scope = Annotated[Literal["full", "read", "codes"], described("What it may do", "read")]
_Scopes = Annotated[
    list[_Scope],
    described(
        "`codes` waits for codes and links and never sees a text; `read` reads; `full` also makes, "
        "changes and deletes",
        ["read"],
        min_length=1,
        max_length=3,
    ),
]
_Expiry = Annotated[
    datetime,
    described("From when on it is refused; never, where left out", "2031-01-01T00:00:00Z", tz=True),
]
_Used = Annotated[datetime, described("Give or take a minute", "2030-05-17T09:24:31Z", tz=True)]
_Count = Annotated[int, described("-1 for no limit", 25)]
_Minutes = Annotated[int, described("Of a mailbox, from now", 60)]
_Options = Annotated[
    dict[str, Any],
    described(
        "For `PublicKeyCredential.parseCreationOptionsFromJSON`, or `parseRequestOptionsFromJSON`",
        {"challenge": "1V7hOVMhRJuNQW5bTFjgUzO5n0sEjFhNPjrRZUhwFkI", "rpId": "mail.example"},
    ),
]
_Credential = Annotated[
    dict[str, Any],
    described(
        "What `PublicKeyCredential.toJSON()` gave",
        {"id": "hEfY0cW1bQ", "rawId": "hEfY0cW1bQ", "type": "public-key", "response": {}},
    ),
]
_Invitation = Annotated[
    str, described("Its code, where one is asked for", "q7Zs0Yw4mD1xv9", max_length=128)
]
_Secret = Annotated[str, described("The secret", "uct_3vQ9hX0b-Qw3mYc1oT5kZr8dVn2aLs6uEj4iGf7pHx")]


class CreateKey(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a new API key should be."""

    name: _Label
    scopes: _Scopes = field(default_factory=lambda: ["full"])
    expires_at: _Expiry | None = None


class Key(Struct, kw_only=True):
    """An API key, without its secret."""

    id: _Id
    prefix: Annotated[str, described("Its first characters", "uct_3vQ9hX0b")]
    name: _Name
    scopes: list[_Scope]
    created_at: _Moment
    expires_at: _Moment | None
    last_used_at: _Used | None


class NewKey(Key, kw_only=True):
    """An API key with its secret, which is shown this once."""

    key: _Secret


class KeyList(Struct, kw_only=True):
    """Newest first; those that were revoked or have expired are gone."""

    keys: list[Key]


class PlanLimits(Struct, kw_only=True):
    """What a plan allows."""

    max_mailboxes: _Count
    max_messages_per_mailbox: _Count
    default_ttl_minutes: _Minutes
    max_ttl_minutes: _Minutes
    max_message_bytes: Annotated[int, described("Larger ones are refused", 26214400)]
    requests_per_minute: _Count


class PlanUsage(Struct, kw_only=True):
    """What of a plan is used up."""

    mailboxes: Annotated[int, described("That live now", 3)]
    messages: Annotated[int, described("In these", 12)]


class Account(Struct, kw_only=True):
    """An account, what it may have and what it has."""

    id: _UserId
    name: _Whose
    created_at: _Moment
    plan: Annotated[str, described("Its name", "free")]
    limits: PlanLimits
    usage: PlanUsage


class User(Struct, kw_only=True):
    """Whoever is signed in now."""

    id: _UserId
    name: _Whose
    created_at: _Moment


class BeginSignUp(Struct, forbid_unknown_fields=True, kw_only=True):
    """Who wants an account."""

    name: _UserName
    invitation: _Invitation | None = None


class FinishSignUp(Struct, forbid_unknown_fields=True, kw_only=True):
    """What the browser made of the options."""

    credential: _Credential
    passkey_name: _Label | None = None


class FinishSignIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """What the browser made of the options."""

    credential: _Credential


class AddPasskey(Struct, forbid_unknown_fields=True, kw_only=True):
    """What the browser made of the options, and what to call it."""

    credential: _Credential
    name: _Label


class CeremonyOptions(Struct, kw_only=True):
    """What a browser needs to make or use a passkey; good for five minutes and one answer."""

    publicKey: _Options  # noqa: N815  # the browsers' own name


class Passkey(Struct, kw_only=True):
    """A passkey of an account."""

    id: _Id
    name: _Name
    created_at: _Moment
    last_used_at: _Moment | None


class PasskeyList(Struct, kw_only=True):
    """Newest first."""

    passkeys: list[Passkey]


class Ticket(Struct, kw_only=True):
    """Opens one WebSocket or event stream, as whoever asked for it."""

    ticket: Annotated[
        str, described("For `?ticket=`", "kTb9cQ2hZ0mW5vXr8sYd1LpNfJg6aEo3uViHw7tBxGq")
    ]
    expires_at: _Moment


def key_of(kept: credentials.ApiKey) -> Key:
    """A key as lists show it."""
    return Key(**_key(kept))


def new_key_of(kept: credentials.ApiKey, secret: str) -> NewKey:
    """A key that was made this moment."""
    return NewKey(**_key(kept), key=secret)


def account_of(kept: account.Account) -> Account:
    plan = kept.plan
    return Account(
        id=kept.user.id,
        name=kept.user.name,
        created_at=_utc(kept.user.created_at),
        plan=plan.name,
        limits=PlanLimits(**{name: getattr(plan, name) for name in PlanLimits.__struct_fields__}),
        usage=PlanUsage(mailboxes=kept.usage.mailboxes, messages=kept.usage.messages),
    )


def user_of(kept: account.User) -> User:
    return User(id=kept.id, name=kept.name, created_at=_utc(kept.created_at))


def passkey_of(kept: credentials.Passkey) -> Passkey:
    return Passkey(
        id=kept.id,
        name=kept.name,
        created_at=_utc(kept.created_at),
        last_used_at=_utc_or_none(kept.last_used_at),
    )


def ticket_of(ticket: str, expires_at: datetime) -> Ticket:
    return Ticket(ticket=ticket, expires_at=_utc(expires_at))


def _key(kept: credentials.ApiKey) -> dict[str, Any]:
    return {
        "id": kept.id,
        "prefix": kept.prefix,
        "name": kept.name,
        "scopes": [scope.value for scope in kept.scopes],
        "created_at": _utc(kept.created_at),
        "expires_at": _utc_or_none(kept.expires_at),
        "last_used_at": _utc_or_none(kept.last_used_at),
    }


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _utc_or_none(moment: datetime | None) -> datetime | None:
    return None if moment is None else _utc(moment)
