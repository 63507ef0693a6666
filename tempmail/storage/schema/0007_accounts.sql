-- Whoever signs in, and what signs in for them.
ALTER TABLE users ADD COLUMN handle bytea;  -- WebAuthn's user handle: random, tells nothing
UPDATE users SET handle = uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
ALTER TABLE users
    ALTER COLUMN handle SET NOT NULL,
    ALTER COLUMN handle SET DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()),
    ADD CHECK (octet_length(handle) = 32);
CREATE UNIQUE INDEX users_handle ON users (handle);
-- One whose account was deleted stays, without a name, until the last of its mailboxes is freed.
ALTER TABLE users ADD COLUMN deleted_at timestamptz;
CREATE UNIQUE INDEX users_name ON users (lower(name)) WHERE deleted_at IS NULL;
CREATE INDEX users_deleted ON users (id) WHERE deleted_at IS NOT NULL;
CREATE INDEX subscriptions_user ON subscriptions (user_id, id);

CREATE TABLE api_keys (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    key_hash bytea NOT NULL UNIQUE CHECK (octet_length(key_hash) = 32),
    prefix text NOT NULL,               -- shown, so that its owner knows which one it is
    name text NOT NULL,
    scopes text[] NOT NULL CHECK (scopes <@ ARRAY['codes', 'read', 'full'] AND scopes <> '{}'),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_keys_user ON api_keys (user_id);
CREATE INDEX api_keys_ended ON api_keys (least(revoked_at, expires_at));

CREATE TABLE passkeys (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    credential_id bytea NOT NULL UNIQUE CHECK (octet_length(credential_id) <= 1023),
    public_key bytea NOT NULL CHECK (octet_length(public_key) <= 4096),
    sign_count bigint NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_used_at timestamptz
);
CREATE INDEX passkeys_user ON passkeys (user_id);

-- Browsers that are signed in.
CREATE TABLE sessions (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    passkey_id bigint NOT NULL REFERENCES passkeys ON DELETE CASCADE,  -- that signed in
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id, created_at);
CREATE INDEX sessions_passkey ON sessions (passkey_id);
CREATE INDEX sessions_age ON sessions (expires_at);

-- Each lets one user sign up where sign-up is by invitation.
CREATE TABLE invitations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code_hash bytea NOT NULL UNIQUE CHECK (octet_length(code_hash) = 32),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    used_by bigint REFERENCES users ON DELETE SET NULL
);
CREATE INDEX invitations_age ON invitations (expires_at);

-- What is good for one use within moments: challenges of a sign-in, tickets for a WebSocket.
CREATE TABLE single_use (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    purpose text NOT NULL,
    value jsonb NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX single_use_age ON single_use (expires_at);

-- A wish that is repeated gets the same mailbox: by a digest of whose wish it is and what they
-- call it.  The session token is derived from the salt and the name, which is kept nowhere.
ALTER TABLE mailboxes
    ADD COLUMN wish_hash bytea CHECK (octet_length(wish_hash) = 32),
    ADD COLUMN wish_salt bytea CHECK (octet_length(wish_salt) = 32);
CREATE UNIQUE INDEX mailboxes_wish ON mailboxes (wish_hash)
    WHERE is_active AND wish_hash IS NOT NULL;
-- Listing a user's mailboxes, newest first.
CREATE INDEX mailboxes_of_user ON mailboxes (owner_id, id) WHERE is_active AND owner_id IS NOT NULL;
