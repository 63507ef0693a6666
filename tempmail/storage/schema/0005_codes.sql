-- What the parser finds in a mail for its reader to type in or to follow.
ALTER TABLE messages ADD COLUMN codes jsonb, ADD COLUMN links jsonb;
