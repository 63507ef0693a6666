"""The pages for people, put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tempmail import __version__
from tempmail.core.attachments import Attachments
from tempmail.core.condition import Conditions
from tempmail.core.documents import Documents
from tempmail.core.mailboxes import MailboxDesk
from tempmail.core.metrics import Metrics
from tempmail.core.reading import Reading
from tempmail.http.account_pages import AccountPages
from tempmail.http.error_pages import ErrorPages
from tempmail.http.guide.routes import GuideRoutes
from tempmail.http.layout import Layout
from tempmail.http.pages import InboxPage
from tempmail.http.plain import PlainPages
from tempmail.http.qr import QrRoutes
from tempmail.http.routes import Route
from tempmail.http.status import StatusRoutes
from tempmail.http.web_files import WebFiles
from tempmail.model.account import Plan
from tempmail.options import OPTIONS
from tempmail.settings import Settings


class Pages:
    """What people ask for with a browser.

    :param metrics: count; the guide lists them.
    :param conditions: says how the service is.
    :param plans: reads the plans.
    :ivar layout: what all pages have in common.
    :ivar routes: what can be asked for.
    :ivar errors: shows refusals.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        conditions: Conditions,
        plans: Callable[[], Awaitable[Sequence[Plan]]],
        *,
        desk: MailboxDesk,
        reading: Reading,
        attachments: Attachments,
        documents: Documents,
        reactor: Any,
    ) -> None:
        files = WebFiles()
        self.layout = layout = Layout(files, __version__, docs=settings.shows_docs)
        domains = settings.domains.names
        self.errors = ErrorPages(layout)
        self.routes: list[Route] = [
            *files.routes(),
            *InboxPage(layout, domains).routes(),
            *PlainPages(layout, desk, reading, attachments, documents, domains).routes(),
            *QrRoutes(domains, metrics, reactor).routes(),
            *AccountPages(layout, settings.signs_up).routes(),
            *StatusRoutes(conditions, layout, domains, __version__).routes(),
            *GuideRoutes(
                layout, OPTIONS, metrics.registry, plans, reference=settings.shows_docs
            ).routes(),
        ]
