-- How far each IMAP account has been read, and which daemon reads it now.
CREATE TABLE imap_cursors (
    account text PRIMARY KEY,           -- user@host/folder
    uidvalidity bigint,                 -- null before the first look at it
    last_uid bigint NOT NULL DEFAULT 0,
    renumbered_below bigint NOT NULL DEFAULT 0,  -- UIDs of mails that may have had another before
    owner uuid,                         -- the daemon that holds the lease, null for none
    lease_until timestamptz NOT NULL DEFAULT '-infinity'
);
