"""What can be refused, and whether asking again later may help.

Each error carries a stable ``code`` (what a program reads) and a ``detail`` that says what
to do (what a person reads).  The edges translate: SMTP to a reply code, HTTP to a status.
"""

from __future__ import annotations

from typing import ClassVar


class TempmailError(Exception):
    """The root of everything this service refuses on purpose.

    :ivar code: a stable word for programs.
    :ivar temporary: whether the same request may succeed later.
    :ivar detail: a sentence for people; never holds a secret.
    """

    code: ClassVar[str] = "error"
    temporary: ClassVar[bool] = False

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code  # type: ignore[misc]  # an instance may be more precise


class InvalidInput(TempmailError):
    """The request itself is wrong; sending it again unchanged cannot help."""

    code = "invalid"


class NotFound(TempmailError):
    """Not there, or not the asker's: the two look the same on purpose."""

    code = "not_found"


class Unauthenticated(TempmailError):
    """No credential, or one that was never issued."""

    code = "unauthenticated"


class Forbidden(TempmailError):
    """A credential that is good, but not for this."""

    code = "insufficient_scope"


class AddressUnavailable(TempmailError):
    """The address is taken, reserved, or was released too recently."""

    code = "address_unavailable"


class Conflict(TempmailError):
    """Something stands in the way that the asker can change."""

    code = "conflict"


class AttachmentBlocked(TempmailError):
    """An attachment of a kind that is not handed out."""

    code = "attachment_blocked"


class LimitReached(TempmailError):
    """A plan's limit is used up; ``retry_after`` seconds from now there may be room."""

    code = "limit_reached"
    temporary = True

    def __init__(self, detail: str, *, retry_after: int = 60) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(TempmailError):
    """Trouble on our side: nothing was done, ask again later (SMTP 451, HTTP 503)."""

    code = "unavailable"
    temporary = True


class Busy(Unavailable):
    """Turned away for all the others that wait: that says nothing of what they wait for."""


class Undecided(TempmailError):
    """A commit whose outcome cannot be learned; the only honest answer is none at all."""

    code = "undecided"
    temporary = True
