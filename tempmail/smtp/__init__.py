"""Port 25: receiving mail."""
