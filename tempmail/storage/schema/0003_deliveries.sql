-- How long a stored message took on its way, in milliseconds.
ALTER TABLE messages
    ADD COLUMN received_ms integer NOT NULL DEFAULT 0,
    ADD COLUMN queued_ms integer NOT NULL DEFAULT 0;

-- Mail that did not reach its mailbox; what did is in messages.  Goes with the mailbox.
CREATE TABLE deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mailbox_id bigint NOT NULL REFERENCES mailboxes ON DELETE CASCADE,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    verdict text NOT NULL,
    reason text NOT NULL,
    mail_from text NOT NULL,
    rcpt_to text NOT NULL,
    helo text NOT NULL,
    peer_ip text NOT NULL,
    tls text,
    size bigint NOT NULL,
    received_ms integer NOT NULL
);
CREATE INDEX deliveries_mailbox ON deliveries (mailbox_id, id);

-- Those that the sweeper looks after one by one, see storage/sweeping.py.
CREATE INDEX mailboxes_public ON mailboxes (id) WHERE is_active AND owner_type = 'public';
