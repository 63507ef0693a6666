"""Finding a living mailbox: the one place where it is decided whose a mailbox is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tempmail.mail.storable import storable
from tempmail.model.errors import NotFound, Unauthenticated
from tempmail.model.mailbox import Everybody, Mailbox, Owner, OwnerType, SessionOwner, UserOwner
from tempmail.storage.database import Cursor

# The messages of a public mailbox live 15 minutes each: the first bucket in which any may lie.
_BUCKET = (
    "CASE owner_type WHEN 'public' THEN bucket_of(clock_timestamp(), clock_timestamp())"
    " ELSE bucket END"
)
COLUMNS = f"id, address, owner_type, created_at, expires_at, {_BUCKET}, message_count, last_seq"
"""Of a mailbox, as :func:`mailbox_of` takes them."""

_HOUR = timedelta(hours=1)
_PUBLIC = (
    "mailbox_id = %(mailbox)s AND bucket IN (%(bucket)s, %(next_bucket)s)"
    " AND expires_at > clock_timestamp()"
)

_LIVES = "is_active AND expires_at > clock_timestamp()"
_FIND = f"SELECT {COLUMNS} FROM mailboxes WHERE address = %(address)s AND {_LIVES} AND "  # noqa: S608
_FIND_IN = (
    "SELECT id AS mailbox FROM mailboxes"  # noqa: S608
    f" WHERE address = %(address)s AND {_LIVES} AND bucket = %(bucket)s"
    " AND owner_type <> 'public' AND "
)
_LIVING = f"SELECT {COLUMNS} FROM mailboxes WHERE id = %s AND {_LIVES}"  # noqa: S608
_EVER_ISSUED = """
SELECT EXISTS (SELECT FROM mailboxes WHERE session_token_hash = %(token_hash)s)
    OR EXISTS (SELECT FROM tombstones WHERE session_token_hash = %(token_hash)s)
"""


def find(cursor: Cursor, address: str, owner: Owner, lock: str = "") -> Mailbox:
    """The living mailbox that ``owner`` may open.

    :param lock: a locking clause, against a mailbox that moves to another bucket meanwhile.
    :raises NotFound: none such, or another's.
    :raises Unauthenticated: the session token was never issued.
    """
    sql, values = finding(address, owner)
    cursor.execute(f"{sql} {lock}", values)
    row = cursor.fetchone()
    if row is not None:
        return mailbox_of(row)
    if isinstance(owner, SessionOwner) and not was_issued(cursor, owner):
        raise Unauthenticated("this session token is unknown; create a mailbox to get one")
    raise NotFound("there is no such mailbox, or it is not yours")


def was_issued(cursor: Cursor, owner: SessionOwner) -> bool:
    """Whether somebody was given this session token, for a mailbox that lives or lived."""
    cursor.execute(_EVER_ISSUED, {"token_hash": owner.token_hash})
    return cursor.fetchone() == (True,)


def finding(address: str, owner: Owner) -> tuple[str, dict[str, Any]]:
    """The statement that :func:`find` begins with, for its :data:`COLUMNS`."""
    predicate, whose = _owned_by(owner)
    return _FIND + predicate, {"address": storable(address), **whose}


def finding_in(address: str, owner: Owner, bucket: datetime) -> tuple[str, dict[str, Any]]:
    """A statement for the id of the same mailbox, as long as its messages lie in ``bucket``."""
    predicate, whose = _owned_by(owner)
    return _FIND_IN + predicate, {"address": storable(address), "bucket": bucket, **whose}


def living(cursor: Cursor, identity: int) -> Mailbox:
    """The living mailbox with this id, whose owner has been established before.

    :raises NotFound: it has ended.
    """
    cursor.execute(_LIVING, (identity,))
    row = cursor.fetchone()
    if row is None:
        raise NotFound("the mailbox has ended")
    return mailbox_of(row)


def mailbox_of(row: tuple[Any, ...]) -> Mailbox:
    """The mailbox whose :data:`COLUMNS` these are."""
    identity, address, owner_type, *rest = row
    return Mailbox(identity, address, OwnerType(owner_type), *rest)


def messages_of(mailbox: Mailbox) -> tuple[str, dict[str, Any]]:
    """The condition under which a row of ``messages`` is a readable one of ``mailbox``.

    The buckets are in it as literals, so that the planner sees one partition, or two.

    :returns: the condition, and the values that it names.
    """
    values: dict[str, Any] = {"mailbox": mailbox.id, "bucket": mailbox.bucket}
    if mailbox.owner_type is OwnerType.PUBLIC:
        return _PUBLIC, {**values, "next_bucket": mailbox.bucket + _HOUR}
    return "mailbox_id = %(mailbox)s AND bucket = %(bucket)s", values


def _owned_by(owner: Owner) -> tuple[str, dict[str, Any]]:
    match owner:
        case SessionOwner(token_hash):
            return "session_token_hash = %(token_hash)s", {"token_hash": token_hash}
        case UserOwner(user_id):
            return "owner_id = %(user)s", {"user": user_id}
        case Everybody():
            return "owner_type = 'public'", {}
