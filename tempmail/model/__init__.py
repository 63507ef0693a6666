"""What the words mean: addresses, mailboxes, messages, events, errors. Imports nothing of ours."""
