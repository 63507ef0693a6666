"""Mail fetched from IMAP accounts."""
