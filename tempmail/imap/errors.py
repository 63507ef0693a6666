"""Why an account cannot be read now."""

from __future__ import annotations

from tempmail.model.errors import TempmailError


class Trouble(TempmailError):
    """The connection, or what came by it, is of no use any more; another one may be."""

    code = "imap"
    temporary = True


class Lost(Trouble):
    """The connection could not be made, or was closed."""


class Late(Trouble):
    """The server took too long."""


class Violation(Trouble):
    """The server sent what nobody can have asked for."""


class Refused(Trouble):
    """The server answered NO or BAD."""


class Rejected(Refused):
    """It did not take the user and the password."""


class TooLarge(Trouble):
    """A mail turned out to be larger than any that is taken."""


class NoRoom(Trouble):
    """A mail finds no room in the process at present."""
