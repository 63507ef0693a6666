"""What can go wrong for a client, as exceptions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tempmail.client.models import Summary


class Error(Exception):
    """The root of everything that the client raises on purpose."""


def is_ours(excinfo: Any) -> bool:
    """As a module's ``__tracebackhide__``: pytest shows the test's line, and none of ours.

    :param excinfo: pytest's.
    """
    return isinstance(excinfo.value, Error)


class Unreachable(Error):
    """There is no server at the URL, or it did not answer in time."""


class Interrupted(Unreachable):
    """The connection ended before the answer was complete."""


class BadAnswer(Error):
    """What answered is no tempmail server, or one that this client is too old for."""


class Problem(Error):
    """The server refused the request (RFC 9457); there is a class for each kind.

    :ivar status: of HTTP.
    :ivar code: the server's stable word for programs; empty where something else answered.
    :ivar detail: a sentence for people that says what to do.
    :ivar retry_after: seconds after which the same request may succeed, where the server said so.
    """

    def __init__(
        self, status: int, code: str = "", detail: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(status, code, detail, retry_after)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after

    def __str__(self) -> str:
        later = "" if self.retry_after is None else f" (again in {self.retry_after:g} s)"
        return f"{self.status} {self.code}: {self.detail}{later}"


class InvalidRequest(Problem):
    """Something in the request is wrong (400, 405, 413, 415, 422)."""


class Unauthenticated(Problem):
    """No credential, or one that was never issued (401)."""


class Forbidden(Problem):
    """The credential does not allow this, or the attachment is of a dangerous kind (403)."""


class NotFound(Problem):
    """No such mailbox or message, or somebody else's, or one that has ended (404)."""


class Conflict(Problem):
    """The address is taken or reserved (409)."""


class LimitReached(Problem):
    """The plan or a rate limit allows no more at present (429)."""


class Unavailable(Problem):
    """Trouble on the server's side (5xx)."""


class Timeout(Error, TimeoutError):
    """No mail that matches arrived in time; the text says what there was instead.

    :ivar address: the mailbox's.
    :ivar seconds: how long was waited.
    :ivar arrived: what is in the mailbox, newest first; at most the 20 newest.
    :ivar turned_away: in words, mails for the mailbox that were not kept.
    """

    def __init__(
        self,
        wanted: str,
        address: str,
        seconds: float,
        arrived: Sequence[Summary] = (),
        turned_away: Sequence[str] = (),
    ) -> None:
        super().__init__(wanted, address, seconds, arrived, turned_away)
        self.wanted = wanted
        self.address = address
        self.seconds = seconds
        self.arrived = tuple(arrived)
        self.turned_away = tuple(turned_away)

    def __str__(self) -> str:
        lines = [f"no {self.wanted} for {self.address} within {self.seconds:g} s"]
        if self.arrived:
            lines.append("in the mailbox (those that were given out before are not given again):")
            lines += [f"  {summary}" for summary in self.arrived]
        else:
            lines.append("the mailbox is empty")
        if self.turned_away:
            lines.append("not kept:")
            lines += [f"  {one}" for one in self.turned_away]
        return "\n".join(lines)
