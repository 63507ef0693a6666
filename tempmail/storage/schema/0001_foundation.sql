-- Plans are rows, so that limits change without a restart; -1 means no limit.
CREATE TABLE plans (
    name text PRIMARY KEY,
    max_mailboxes integer NOT NULL CHECK (max_mailboxes >= -1),
    max_messages_per_mailbox integer NOT NULL CHECK (max_messages_per_mailbox >= -1),
    default_ttl_minutes integer NOT NULL CHECK (default_ttl_minutes > 0),
    max_ttl_minutes integer NOT NULL CHECK (max_ttl_minutes >= default_ttl_minutes),
    max_message_bytes bigint NOT NULL CHECK (max_message_bytes > 0),
    requests_per_minute integer NOT NULL CHECK (requests_per_minute >= -1)
);

INSERT INTO plans VALUES
    ('anonymous', 10, 100, 60, 1440, 10 * 1024 * 1024, 120),
    ('free', 25, 500, 60, 10080, 25 * 1024 * 1024, 600),
    ('pro', 1000, -1, 1440, 43200, 25 * 1024 * 1024, 6000);

CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The only source of a user's effective plan: the one that has not ended.
CREATE TABLE subscriptions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    plan text NOT NULL REFERENCES plans,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz
);
CREATE UNIQUE INDEX subscriptions_current ON subscriptions (user_id) WHERE ended_at IS NULL;

-- The bucket is the hour, or far ahead the day, by whose end every message of the mailbox is gone.
CREATE TABLE mailboxes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address text NOT NULL,
    owner_type text NOT NULL CHECK (owner_type IN ('anonymous', 'api', 'mcp', 'public')),
    owner_id bigint REFERENCES users,
    session_token_hash bytea CHECK (octet_length(session_token_hash) = 32),
    client text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    bucket timestamptz NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    last_seq bigint NOT NULL DEFAULT 0,
    message_count bigint NOT NULL DEFAULT 0 CHECK (message_count >= 0),
    CHECK ((owner_type = 'anonymous') = (session_token_hash IS NOT NULL)),
    CHECK ((owner_type IN ('api', 'mcp')) = (owner_id IS NOT NULL))
) WITH (fillfactor = 80);  -- room for the counters to be bumped in place
CREATE UNIQUE INDEX mailboxes_living_address ON mailboxes (address) WHERE is_active;
CREATE UNIQUE INDEX mailboxes_session ON mailboxes (session_token_hash);
CREATE INDEX mailboxes_expiry ON mailboxes (expires_at, is_active);
CREATE INDEX mailboxes_owner ON mailboxes (owner_id, is_active) WHERE owner_id IS NOT NULL;
CREATE INDEX mailboxes_client ON mailboxes (client) WHERE is_active AND client IS NOT NULL;
CREATE INDEX mailboxes_ended ON mailboxes (id) WHERE NOT is_active;

-- What a released address leaves behind, so that nobody else receives its late mail.
CREATE TABLE tombstones (
    address_hash bytea PRIMARY KEY,
    session_token_hash bytea,
    released_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX tombstones_session ON tombstones (session_token_hash)
    WHERE session_token_hash IS NOT NULL;
CREATE INDEX tombstones_age ON tombstones (released_at);

-- No foreign key and no default partition: both cost the path of every mail, and the second
-- forbids detaching partitions beside running traffic.
CREATE TABLE messages (
    id uuid NOT NULL,
    mailbox_id bigint NOT NULL,
    seq bigint NOT NULL,
    bucket timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    size integer NOT NULL,
    is_read boolean NOT NULL DEFAULT false,
    mail_from text NOT NULL,
    rcpt_to text NOT NULL,
    tag text NOT NULL,
    helo text NOT NULL,
    peer_ip text NOT NULL,
    tls text,
    from_address text NOT NULL,
    from_name text NOT NULL,
    subject text NOT NULL,
    raw bytea NOT NULL,
    -- the view: all NULL until somebody needed it
    parser_version integer,
    preview text,
    body_text text,
    body_html text,
    cc jsonb,
    reply_to jsonb,
    date timestamptz,
    headers jsonb,
    attachments jsonb,
    defects jsonb
) PARTITION BY RANGE (bucket);
CREATE INDEX messages_mailbox_seq ON messages (mailbox_id, seq);

-- Compressing 50 KB with pglz costs four times the CPU of lz4: without lz4 it is not compressed.
DO $$
DECLARE
    large text;
BEGIN
    FOREACH large IN ARRAY ARRAY['raw', 'body_text', 'body_html'] LOOP
        IF EXISTS (SELECT FROM pg_settings
                   WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)) THEN
            EXECUTE format('ALTER TABLE messages ALTER %I SET COMPRESSION lz4', large);
        ELSE
            EXECUTE format('ALTER TABLE messages ALTER %I SET STORAGE EXTERNAL', large);
        END IF;
    END LOOP;
END $$;

-- Hours for a week ahead, days beyond it: some 190 partitions at the most.
CREATE FUNCTION bucket_of(expires_at timestamptz, at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN expires_at - at <= interval '7 days'
        THEN date_bin('1 hour', expires_at, '2000-01-01 00:00+00') + interval '1 hour'
        ELSE date_bin('1 day', expires_at, '2000-01-01 00:00+00') + interval '24 hours'
    END
$$;

-- CREATE and ATTACH in two steps: PARTITION OF would take an exclusive lock on messages.
CREATE FUNCTION ensure_partition(wanted timestamptz) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    part text := 'messages_' || to_char(wanted AT TIME ZONE 'UTC', 'YYYYMMDDHH24');
BEGIN
    IF to_regclass(part) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('tempmail partitions', 0));
    IF to_regclass(part) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE messages INCLUDING ALL)', part);
    EXECUTE format('ALTER TABLE messages ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   part, wanted, wanted + interval '1 hour');
    RETURN true;
END $$;
