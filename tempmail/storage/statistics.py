"""What there is, counted for an operator; some of it takes a look at every row."""

from __future__ import annotations

from tempmail.storage.database import Cursor

_COUNTS = """
WITH living AS (
    SELECT owner_type FROM mailboxes WHERE is_active AND expires_at > clock_timestamp()),
readable AS (
    SELECT size, received_at, parser_version FROM messages WHERE expires_at > clock_timestamp())
SELECT
    (SELECT count(*) FROM living),
    (SELECT count(*) FROM living WHERE owner_type = 'anonymous'),
    (SELECT count(*) FROM living WHERE owner_type IN ('api', 'mcp')),
    (SELECT count(*) FROM living WHERE owner_type = 'public'),
    (SELECT count(*) FROM readable),
    (SELECT count(*) FROM readable WHERE received_at > clock_timestamp() - interval '1 hour'),
    (SELECT count(*) FROM readable WHERE parser_version IS NULL),
    (SELECT coalesce(sum(size), 0)::bigint FROM readable),
    (SELECT count(*) FROM users),
    (SELECT count(*) FROM api_keys WHERE revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > clock_timestamp())),
    (SELECT count(*) FROM blocks WHERE ends_at > clock_timestamp()),
    pg_database_size(current_database()),
    current_setting('server_version')
"""
_NAMES = (
    *("mailboxes", "anonymous_mailboxes", "account_mailboxes", "public_mailboxes"),
    *("messages", "messages_of_the_last_hour", "messages_never_read", "message_bytes"),
    *("accounts", "api_keys", "blocked_clients", "database_bytes", "postgresql"),
)


def statistics(cursor: Cursor) -> dict[str, object]:
    """Figures by their names; sizes in bytes."""
    cursor.execute(_COUNTS)
    return dict(zip(_NAMES, cursor.fetchone() or (), strict=True))
