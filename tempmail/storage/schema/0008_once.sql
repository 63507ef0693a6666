-- Mails that may be handed over more than once and are kept once: what has been dealt with, by
-- where it came from and its name there.  Written in the transaction that keeps the mail.
CREATE TABLE deliveries_once (
    source text NOT NULL,
    key text NOT NULL,
    forget_at timestamptz NOT NULL,     -- by then nobody hands it over again
    PRIMARY KEY (source, key)
);
CREATE INDEX deliveries_once_forget_at ON deliveries_once (forget_at);
