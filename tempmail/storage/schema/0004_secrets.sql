-- Keys with which the daemons sign, shared by them; a new one each day, so that none lasts.
CREATE TABLE secrets (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    purpose text NOT NULL,
    secret bytea NOT NULL CHECK (octet_length(secret) = 32),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX secrets_purpose ON secrets (purpose, created_at);
