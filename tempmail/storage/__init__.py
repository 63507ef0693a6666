"""PostgreSQL: the only truth."""
