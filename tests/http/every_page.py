"""Every page that the server renders, asked for as a browser does, with data that is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from attrs import evolve
from prometheus_client import CollectorRegistry
from twisted.internet.task import Clock

from tempmail.core.callers import Callers
from tempmail.core.condition import Condition, Part, State
from tempmail.core.metrics import Metrics
from tempmail.core.ports import Page
from tempmail.http.account_pages import AccountPages
from tempmail.http.accounts import AccountRoutes
from tempmail.http.answers import Answer
from tempmail.http.descriptions import DescriptionRoutes
from tempmail.http.error_pages import ErrorPages
from tempmail.http.guide.routes import GuideRoutes
from tempmail.http.layout import Layout
from tempmail.http.mailboxes import MailboxRoutes
from tempmail.http.messages import MessageRoutes
from tempmail.http.pages import InboxPage
from tempmail.http.plain import PlainPages
from tempmail.http.problems import Problem, Refused
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Route, dispatched, klein_app
from tempmail.http.site import Site
from tempmail.http.status import StatusRoutes
from tempmail.http.web_files import WebFiles
from tempmail.model.account import Plan
from tempmail.model.authentication import Authentication, Finding
from tempmail.model.errors import AddressUnavailable, NotFound
from tempmail.model.mailbox import Mailbox, OwnerType
from tempmail.model.message import Attachment, Code, Link, Message, Summary, Trace, View
from tests.http.service import Connection, replies, request_bytes

ADDRESS = "box@mail.test"
VERSION = "1.2.3"
STATUSES = (400, 401, 403, 404, 405, 409, 410, 413, 421, 422, 429, 500, 503)
NOT_TO_BE_FOUND = "zzyzx"
SOUGHT = ("dmarc", "setupnodeevents", NOT_TO_BE_FOUND)
"""In the guide, where several sections, one and none have it."""

_AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
_NIL = UUID(int=0)
_SUMMARY = Summary(
    id=_NIL,
    seq=1,
    mailbox_id=1,
    bucket=_AT,
    to_address=ADDRESS,
    tag="",
    subject="Tom & Ann's <mail>",
    from_address="tom@sender.test",
    from_name="Tom {name}",
    received_at=_AT,
    size=100,
    is_read=False,
    preview="",
    attachment_count=2,
    parser_version=1,
    codes=(Code("123456", 1, ""),),
)
_NAMELESS = evolve(_SUMMARY, from_name="", codes=())
_OF_NOBODY = evolve(_NAMELESS, from_address="", subject="", is_read=True)
_ATTACHMENT = Attachment(0, "one.pdf", "application/pdf", 12, None, False)
_LINK = Link("https://sender.test/confirm?a=1&b=2", "", "confirm")
_VIEW = View(
    subject=_SUMMARY.subject,
    from_address=_SUMMARY.from_address,
    from_name=_SUMMARY.from_name,
    cc=(),
    reply_to=(),
    date=None,
    body_text="the text",
    body_html="<p>the text</p>",
    headers=(),
    attachments=(
        _ATTACHMENT,
        evolve(_ATTACHMENT, filename="two.exe", size=34_000, blocked="program"),
        evolve(_ATTACHMENT, filename="three.pdf", size=5_600_000),
    ),
    defects=(),
    parser_version=1,
    codes=_SUMMARY.codes,
    links=(_LINK,),
)
_FORGED = Authentication(dmarc=Finding("fail", "no"))

WRITTEN = frozenset(
    (
        ADDRESS,
        _SUMMARY.subject,
        _SUMMARY.from_name,
        _SUMMARY.from_address,
        _SUMMARY.from_name[:1],  # beside it, in a circle
        "sender.test",
        _LINK.href,
        *(one.filename for one in _VIEW.attachments),
        "mail.test",
        "other.test",
    )
)
"""What strangers and operators wrote, and where the mail lies."""


class _Inbox:
    """What the pages without scripts are made of: a desk, its mailbox, and the mail in that.

    :ivar message: the one that is read.
    """

    def __init__(self) -> None:
        self.gone = False
        self.empty = False
        self.message = Message(_SUMMARY, Trace("", "", "", "", None), _VIEW, _FORGED)

    async def create(self, *_: object) -> object:
        raise AddressUnavailable("that address is taken; ask for another username")

    async def get(self, *_: object, **named: object) -> object:
        if self.gone:
            raise NotFound("there is no such mailbox")
        if "mark" in named:
            return self.message
        return Mailbox(1, ADDRESS, OwnerType.ANONYMOUS, _AT, _AT, _AT, 1, 1)

    async def newest(self, *_: object, **__: object) -> Page:
        return Page(() if self.empty else (_SUMMARY, _NAMELESS, _OF_NOBODY), None, 1)

    async def url(self, _: object) -> str:
        return "/m/signed"

    async def unless_gone(self, _: object, signing: Any) -> Any:
        return await signing


class _Conditions:
    def __init__(self) -> None:
        self.found = _condition()

    async def now(self) -> Condition:
        return self.found


def _condition(
    state: State = State.OK,
    listeners: tuple[int, int] = (2, 2),
    bus: str = "connected",
    median: float | None = 0.0123,
) -> Condition:
    parts = dict.fromkeys(Part, state)
    return Condition(parts, listeners, bus, median, 1234, _AT.timestamp(), _AT.timestamp())


_CONDITIONS = (
    _condition(),
    _condition(State.DEGRADED, (1, 2), median=None),
    _condition(State.DEGRADED, (1, 1), "polling", median=2.5),
    _condition(State.OUTAGE, (0, 2)),
    _condition(State.OUTAGE),
)


async def _no_plans() -> Sequence[Plan]:
    return ()


class Pages:
    """A site of pages alone."""

    def __init__(self) -> None:
        layout = Layout(WebFiles(), VERSION)
        domains = ["mail.test", "other.test"]
        inbox: Any = _Inbox()
        self._inbox = inbox
        self._conditions = conditions = _Conditions()
        nothing: Any = None
        api = [
            *MailboxRoutes(inbox).routes(),
            *MessageRoutes(nothing, nothing).routes(),
            *AccountRoutes(nothing, nothing).routes(),
        ]
        guide = GuideRoutes(layout, (), CollectorRegistry(), _no_plans, reference=True)
        self.guide = guide._guide
        self.problem = Problem(404, "not_found", "")
        self._sign_in = {one: AccountPages(layout, one) for one in ("open", "invite", "closed")}
        routes = [
            *InboxPage(layout, domains).routes(),
            *PlainPages(layout, inbox, inbox, inbox, inbox, domains).routes(),
            *self._sign_in["open"].routes(),
            *StatusRoutes(cast(Any, conditions), layout, domains, VERSION).routes(),
            *guide.routes(),
            *DescriptionRoutes(api, VERSION, layout).routes(),
            Route("GET", "/refused", self._refuse, access=Access.ANYBODY),
            *(
                Route("GET", f"/{name}", pages.sign_in, access=Access.ANYBODY)
                for name, pages in self._sign_in.items()
            ),
        ]
        callers = Callers(nothing, nothing, nothing)
        root = dispatched(routes, callers, klein_app(routes, callers).resource())
        self._site = Site(root, Clock(), Metrics(), errors=ErrorPages(layout))

    async def _refuse(self, _: Ask[Nothing]) -> Answer:
        raise Refused(self.problem)

    def ask(self, target: str, method: str = "GET", body: bytes = b"") -> str:
        """What comes back, as text."""
        headers = {
            "Accept": "text/html",
            "Cookie": f"plain={'t' * 43}.{ADDRESS}",
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        connection = Connection(self._site)
        connection.send(request_bytes(method, target, headers, body))
        [reply] = replies(connection.received(), method)
        connection.leave(cleanly=True)
        return reply.body.decode()

    def all(self) -> Iterator[tuple[str, str]]:
        """Each page by a name."""
        for path in ("/", "/sign-in", "/account", "/docs/api"):
            yield path, self.ask(path)
        for sign_up in self._sign_in:
            yield f"sign-in, {sign_up}", self.ask(f"/{sign_up}")
        yield from self._plain()
        for number, self._conditions.found in enumerate(_CONDITIONS):
            yield f"status {number}", self.ask("/status")
        yield from self._documents()
        for status in STATUSES:
            for code in ("word", "blocked"):
                for headers in ({}, {"Retry-After": "17"}):
                    self.problem = Problem(status, code, "what { to } do, 'now'", headers)
                    yield f"refusal {status} {code} {len(headers)}", self.ask("/refused")

    def _plain(self) -> Iterator[tuple[str, str]]:
        yield "plain, taken", self.ask("/plain", "POST", b"username=box")
        yield "plain, list", self.ask("/plain")
        yield "plain, mail", self.ask("/plain/latest")
        yield "plain, images", self.ask("/plain/latest?images=1")
        self._inbox.message = evolve(self._inbox.message, view=evolve(_VIEW, body_html=""))
        yield "plain, text", self.ask("/plain/latest")
        self._inbox.empty = True
        yield "plain, empty", self.ask("/plain")
        self._inbox.gone = True
        yield "plain, ended", self.ask("/plain")
        yield "plain, gone", self.ask("/plain/latest")

    def _documents(self) -> Iterator[tuple[str, str]]:
        for path in ("/docs", *(f"/docs?q={one}" for one in SOUGHT), "/docs/quickstrt", "/docs/0"):
            yield path, self.ask(path)
        for page in self.guide.pages.values():  # what its file says is not of the page
            shown = self.ask(page.path)
            yield page.path, shown.partition("</h1>\n")[0] + shown.partition("</article>")[2]
