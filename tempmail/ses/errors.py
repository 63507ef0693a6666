"""What is wrong with a notification."""

from __future__ import annotations

from tempmail.model.errors import Forbidden


class Forged(Forbidden):
    """It is not from Amazon, not for us, or not of these days."""

    code = "forged"
