-- Making a mailbox in one round trip.  Each statement sees what was committed before it.
CREATE FUNCTION make_mailbox(
    wanted text, kind text, holder bigint, token bytea, network text, minutes integer,
    wish bytea, salt bytea, kept interval,
    OUT outcome text, OUT living bigint, OUT seconds integer,
    OUT made_id bigint, OUT made_at timestamptz, OUT ends_at timestamptz, OUT lies_in timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    plan plans%ROWTYPE;
BEGIN
    SELECT * INTO STRICT plan FROM plans
    WHERE name = CASE WHEN holder IS NULL THEN 'anonymous'
        ELSE coalesce((SELECT s.plan FROM subscriptions s
                       WHERE s.user_id = holder AND s.ended_at IS NULL), 'free') END;
    IF plan.max_mailboxes <> -1 THEN
        -- Creations of one client or user take turns, so that none slips past the count.
        PERFORM pg_advisory_xact_lock(
            hashtextextended(CASE WHEN holder IS NULL THEN network ELSE 'user ' || holder END, 1));
        IF holder IS NULL THEN
            SELECT count(*), extract(epoch FROM min(expires_at) - clock_timestamp())::integer
            INTO living, seconds FROM mailboxes
            WHERE owner_id IS NULL AND client = network
              AND is_active AND expires_at > clock_timestamp();
        ELSE
            SELECT count(*), extract(epoch FROM min(expires_at) - clock_timestamp())::integer
            INTO living, seconds FROM mailboxes
            WHERE owner_id = holder AND is_active AND expires_at > clock_timestamp();
        END IF;
        IF living >= plan.max_mailboxes THEN
            outcome := 'limit';
            RETURN;
        END IF;
    END IF;
    made_at := clock_timestamp();
    ends_at := made_at + least(coalesce(minutes, plan.default_ttl_minutes), plan.max_ttl_minutes)
               * interval '1 minute';
    lies_in := bucket_of(ends_at, made_at);
    PERFORM ensure_partition(lies_in);
    INSERT INTO mailboxes
        (address, owner_type, owner_id, session_token_hash, client, created_at, expires_at, bucket,
         wish_hash, wish_salt)
    VALUES (wanted, kind, holder, token, network, made_at, ends_at, lies_in, wish, salt)
    ON CONFLICT (address) WHERE is_active DO NOTHING RETURNING id INTO made_id;
    IF made_id IS NULL THEN
        outcome := 'taken';
        RETURN;
    END IF;
    -- Whoever held the address may have ended it while the insert waited.
    IF EXISTS (SELECT FROM tombstones
               WHERE address_hash = sha256(convert_to(wanted, 'UTF8'))
                 AND released_at > clock_timestamp() - kept) THEN
        DELETE FROM mailboxes WHERE id = made_id;
        outcome := 'released';
        RETURN;
    END IF;
    outcome := 'made';
END $$;
