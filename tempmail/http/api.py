# Much of twisted.web has no annotations.
# mypy: disable-error-code="no-untyped-call"
"""The root of what is served over HTTP."""

from __future__ import annotations

from collections.abc import Callable

from twisted.web.resource import IResource, Resource
from twisted.web.server import Request

from tempmail.core.attachments import Attachments
from tempmail.core.callers import Callers
from tempmail.core.delivery_log import DeliveryLog
from tempmail.core.documents import Documents
from tempmail.core.long_polls import LongPolls
from tempmail.core.mailboxes import MailboxDesk
from tempmail.core.ports import Bus, Health
from tempmail.core.public import PublicInboxes
from tempmail.core.reading import Reading
from tempmail.http.attachments import AttachmentRoutes
from tempmail.http.deliveries import DeliveryRoutes
from tempmail.http.dialects import DialectRoutes
from tempmail.http.documents import DocumentRoutes
from tempmail.http.events import EventRoutes, EventStreams
from tempmail.http.health import HealthRoutes
from tempmail.http.mailboxes import MailboxRoutes
from tempmail.http.messages import MessageRoutes
from tempmail.http.routes import klein_app
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
    attachments: Attachments,
    deliveries: DeliveryLog,
    documents: Documents,
    public: PublicInboxes | None,
    version: str,
    websocket: IResource | None = None,
) -> IResource:
    """Everything under ``/api/v1`` and ``/health``, and what is mounted beside them.

    :param callers: says who asks.
    :param ready: False while the daemon starts and while it stops.
    :param public: mailboxes that everybody reads; None where there are none.
    :param version: shown in ``/health``.
    :param websocket: a leaf that answers everything below ``/ws/inbox``.
    """
    app = klein_app(
        [
            *MailboxRoutes(desk).routes(),
            *MessageRoutes(reading, documents).routes(),
            *DocumentRoutes(reading, documents).routes(),
            *WaitRoutes(polls, documents).routes(),
            *EventRoutes(streams).routes(),
            *AttachmentRoutes(attachments).routes(),
            *DeliveryRoutes(deliveries).routes(),
            *(DialectRoutes(public).routes() if public is not None else ()),
            *HealthRoutes(health, bus, ready, version).routes(),
        ],
        callers,
    )
    return _Root(app.resource(), websocket)


class _Root(Resource):
    """Klein for every path but the WebSocket's."""

    def __init__(self, klein: IResource, websocket: IResource | None) -> None:
        super().__init__()
        self._klein = klein
        self._websocket = websocket

    def getChildWithDefault(self, path: bytes, request: Request) -> IResource:
        """Called once with the first segment, for both children are leaves."""
        assert request.prepath is not None
        assert request.postpath is not None
        if self._websocket is not None and [path, *request.postpath[:1]] == WEBSOCKET_PATH:
            request.prepath.append(request.postpath.pop(0))
            return self._websocket
        request.postpath.insert(0, request.prepath.pop())
        return self._klein
