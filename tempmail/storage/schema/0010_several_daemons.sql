-- Who is at work on this database, and whether the others hear of what it does.  A crash of the
-- server empties it, and two seconds fill it again.
CREATE UNLOGGED TABLE daemons (
    name text PRIMARY KEY,
    tells_all boolean NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

-- Messages that were deleted within the hour, for daemons that did not hear of it.  The ordinal is
-- how many of the mailbox's messages were gone then; NULL stands for all that there were.
CREATE TABLE deletions (
    mailbox_id bigint NOT NULL,
    ordinal bigint NOT NULL,
    message_id uuid,
    deleted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (mailbox_id, ordinal)
);
CREATE INDEX deletions_age ON deletions (deleted_at);
