-- Whether a message is from whom it says: SPF, DKIM, DMARC, ARC; NULL until it was looked into.
ALTER TABLE messages ADD COLUMN authentication jsonb;
