"""The Model Context Protocol: mailboxes as tools of agents."""
