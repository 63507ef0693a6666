"""From bytes to meaning: pure functions over a message's raw bytes."""
