"""The ``tempmail`` command: what an operator does beside the running daemon."""
