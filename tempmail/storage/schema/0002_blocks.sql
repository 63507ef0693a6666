-- Clients that are shut out for a while, shared by the daemons and lifted by the operator.
CREATE TABLE blocks (
    network text PRIMARY KEY,           -- an IPv4 address or an IPv6 /64
    reason text NOT NULL,
    level integer NOT NULL CHECK (level > 0),  -- how many in a row; the next is longer
    ends_at timestamptz NOT NULL        -- kept for a day after that, for the next one's length
);
CREATE INDEX blocks_ends_at ON blocks (ends_at);
