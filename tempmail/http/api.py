# Much of twisted.web has no annotations.
# mypy: disable-error-code="no-untyped-call"
"""The root of what is served over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.web.resource import IResource, Resource
from twisted.web.server import Request

from tempmail.core.accounts import AccountDesk
from tempmail.core.attachments import Attachments
from tempmail.core.callers import Callers
from tempmail.core.delivery_log import DeliveryLog
from tempmail.core.documents import Documents
from tempmail.core.long_polls import LongPolls
from tempmail.core.mailboxes import MailboxDesk
from tempmail.core.ports import Bus, Health
from tempmail.core.public import PublicInboxes
from tempmail.core.reading import Reading
from tempmail.core.samples import Samples
from tempmail.core.sign_in import SignIn
from tempmail.core.tickets import Tickets
from tempmail.http.accounts import AccountRoutes
from tempmail.http.attachments import AttachmentRoutes
from tempmail.http.deliveries import DeliveryRoutes
from tempmail.http.descriptions import DescriptionRoutes
from tempmail.http.dialects import DialectRoutes
from tempmail.http.documents import DocumentRoutes
from tempmail.http.elsewhere import WEBSOCKET
from tempmail.http.events import EventRoutes, EventStreams
from tempmail.http.health import HealthRoutes
from tempmail.http.layout import Layout
from tempmail.http.mailboxes import MailboxRoutes
from tempmail.http.mcp.route import McpRoutes
from tempmail.http.messages import MessageRoutes
from tempmail.http.routes import Route, dispatched, klein_app
from tempmail.http.samples import SampleRoutes
from tempmail.http.sign_in import SignInRoutes
from tempmail.http.sns import Calls, SnsRoutes
from tempmail.http.waiting import WaitRoutes

WEBSOCKET_PATH = [b"ws", b"inbox"]


def api_resource(
    callers: Callers,
    desk: MailboxDesk,
    reading: Reading,
    polls: LongPolls,
    streams: EventStreams,
    health: Health,
    bus: Bus,
    ready: Callable[[], bool],
    *,
    accounts: AccountDesk,
    attachments: Attachments,
    deliveries: DeliveryLog,
    documents: Documents,
    mcp: McpRoutes,
    public: PublicInboxes | None,
    samples: Samples,
    sns: Calls | None = None,
    sign_in: SignIn,
    tickets: Tickets,
    version: str,
    layout: Layout | None = None,
    pages: Sequence[Route] = (),
    websocket: IResource | None = None,
) -> IResource:
    """Everything under ``/api/v1`` and ``/health``, and what is mounted beside them.

    :param callers: says who asks.
    :param mcp: for agents.
    :param ready: False while the daemon starts and while it stops.
    :param public: mailboxes that everybody reads; None where there are none.
    :param sns: takes what Amazon SNS posts; None where it is to post nothing.
    :param version: shown in ``/health``.
    :param layout: of the page that describes all of this; None where neither that nor the OpenAPI
        document is served.
    :param pages: for people; what programs ask for is described without them.
    :param websocket: a leaf that answers everything below ``/ws/inbox``.
    """
    routes = [
        *MailboxRoutes(desk).routes(),
        *MessageRoutes(reading, documents).routes(),
        *DocumentRoutes(reading, documents).routes(),
        *WaitRoutes(polls, documents).routes(),
        *EventRoutes(streams, callers).routes(),
        *AttachmentRoutes(attachments).routes(),
        *SampleRoutes(samples).routes(),
        *DeliveryRoutes(deliveries).routes(),
        *AccountRoutes(accounts, tickets).routes(),
        *SignInRoutes(sign_in, accounts).routes(),
        *(DialectRoutes(public).routes() if public is not None else ()),
        *mcp.routes(),
        *(SnsRoutes(sns).routes() if sns is not None else ()),
        *HealthRoutes(health, bus, ready, version).routes(),
    ]
    if layout is not None:
        routes += DescriptionRoutes([*routes, WEBSOCKET], version, layout).routes()
    routes += pages
    klein = klein_app(routes, callers).resource()
    return _Root(dispatched(routes, callers, klein), websocket)


class _Root(Resource):
    """The routes for every path but the WebSocket's."""

    def __init__(self, routes: IResource, websocket: IResource | None) -> None:
        super().__init__()
        self._routes = routes
        self._websocket = websocket

    def getChildWithDefault(self, path: bytes, request: Request) -> IResource:
        """Called once with the first segment, for both children are leaves."""
        assert request.prepath is not None
        assert request.postpath is not None
        if self._websocket is not None and [path, *request.postpath[:1]] == WEBSOCKET_PATH:
            request.prepath.append(request.postpath.pop(0))
            return self._websocket
        request.postpath.insert(0, request.prepath.pop())
        return self._routes
