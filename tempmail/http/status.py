"""How the service is: a page for people, and the same as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from markupsafe import Markup, escape
from msgspec import Struct

from tempmail.core.condition import Condition, Conditions, Part, State
from tempmail.http.answers import Answer, json
from tempmail.http.layout import Layout, titled
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Route
from tempmail.http.words import t

PATH = "/status"
JSON_PATH = "/status.json"

_SUMMARIES = {
    State.OK: "Everything works.",
    State.DEGRADED: "It works, but not as well as it should.",
    State.OUTAGE: "Something is broken.",
}
_TITLES = {
    Part.MAIL: "Mail coming in",
    Part.WEB: "Inboxes and the API",
    Part.LIVE: "Live updates",
    Part.STORAGE: "Storage",
}
_STATES = {State.OK: "works", State.DEGRADED: "degraded", State.OUTAGE: "broken"}
_PORT = "{opened} of {of} ports is open."
_PORTS = "{opened} of {of} ports are open."
_PORT_IN_VAIN = "{opened} of {of} ports is open; senders are asked to come again."
_PORTS_IN_VAIN = "{opened} of {of} ports are open; senders are asked to come again."
_NOT_WELL = {
    Part.WEB: "Inboxes cannot be shown or made until storage is back.",
    Part.LIVE: "Mail that another server took shows up some seconds later.",
    Part.STORAGE: "The database does not answer; nothing that was accepted is lost.",
}
_WELL = {
    Part.WEB: "Answering requests.",
    Part.LIVE: "Mail is shown the moment it is committed.",
    Part.STORAGE: "The database answers.",
}
_BUSY = {
    Part.WEB: "Answering requests, some of which have to come again.",
    Part.STORAGE: "The database has more to do than it can at once.",
}
_POLLING = "Mail is shown the moment it is committed, mail that another server took within seconds."
_CHECKED = "Checked at {time}, and every 10 seconds while this page is open."
_FIGURES = "The figures are of this server; today began at midnight UTC, or at its start."


class Component(Struct, kw_only=True):
    """A part of the service.

    :ivar name: ``mail``, ``web``, ``live`` or ``storage``.
    :ivar status: ``ok``, ``degraded`` or ``outage``; for people, in a word and in a sentence.
    """

    name: str
    status: str
    title: str
    word: str
    detail: str


class StatusReport(Struct, kw_only=True):
    """How the service is, as far as the server that was asked knows.

    :ivar median_seconds: from a mail's last byte until whoever watches is told; of its last
        thousand mails, null before the first.
    :ivar mails: that it kept since ``counted_since``.
    """

    status: str
    summary: str
    components: list[Component]
    median_seconds: float | None
    mails: int
    counted_since: datetime
    domains: list[str]
    version: str
    checked_at: datetime


class StatusRoutes:
    """:param conditions: says how the service is.
    :param domains: that mail is taken for.
    :param version: ours.
    """

    def __init__(
        self, conditions: Conditions, layout: Layout, domains: Sequence[str], version: str
    ) -> None:
        self._conditions = conditions
        self._layout = layout
        self._domains = domains
        self._version = version

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [
            Route("GET", PATH, self.page, access=Access.ANYBODY),
            Route("GET", JSON_PATH, self.report, access=Access.ANYBODY),
        ]

    async def page(self, _: Ask[Nothing]) -> Answer:
        report = self._report(await self._conditions.now())
        document = self._layout.document(
            titled(t("Status")),
            _main(report),
            scripts=("js/status.js", "js/i18n.js"),
            styles=("pages.css",),
            page="status",
        )
        return self._layout.answer(document)

    async def report(self, _: Ask[Nothing]) -> Answer:
        return json(self._report(await self._conditions.now()))

    def _report(self, found: Condition) -> StatusReport:
        """What the page shows; its script asks for the same as JSON, so all of it is text."""
        return StatusReport(
            status=found.state.value,
            summary=t(_SUMMARIES[found.state]).unescape(),
            components=[
                Component(
                    name=part.value,
                    title=t(_TITLES[part]).unescape(),
                    status=state.value,
                    word=t(_STATES[state]).unescape(),
                    detail=_detail(part, state, found).unescape(),
                )
                for part, state in found.parts.items()
            ],
            median_seconds=None if found.median is None else round(found.median, 6),
            mails=found.mails,
            counted_since=_utc(found.counted_since),
            domains=[*self._domains],
            version=self._version,
            checked_at=_utc(found.at),
        )


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _detail(part: Part, state: State, found: Condition) -> Markup:
    if part is Part.MAIL:
        return _ports(state, *found.listeners)
    if part is Part.LIVE and found.bus == "polling":
        return t(_POLLING)
    if state is State.DEGRADED and part in _BUSY:
        return t(_BUSY[part])
    return t(_WELL[part] if state is State.OK else _NOT_WELL[part])


def _ports(state: State, opened: int, of: int) -> Markup:
    in_vain = state is not State.OK and opened == of
    one, several = (_PORT_IN_VAIN, _PORTS_IN_VAIN) if in_vain else (_PORT, _PORTS)
    return t(one if opened == 1 else several, opened=opened, of=of)


def _main(report: StatusReport) -> str:
    parts = "".join(
        f'<li data-part="{one.name}" data-s="{one.status}"><i></i><div><h2>{escape(one.title)}</h2>'
        f'<p data-f="detail">{escape(one.detail)}</p></div>'
        f'<b data-f="word">{escape(one.word)}</b></li>'
        for one in report.components
    )
    domains = "".join(f"<li><code>{escape(one)}</code></li>" for one in report.domains)
    checked = Markup('<time data-f="checked">{}</time>').format(
        t("{time} UTC", time=f"{report.checked_at:%H:%M:%S}")
    )
    return (
        f'<main id="main" tabindex="-1" class="doc status" data-s="{report.status}">'
        f'<h1>{t("Status")}</h1><p class="lede" role="status"><i></i>'
        f'<span data-f="summary">{escape(report.summary)}</span></p>'
        f'<ul class="card parts">{parts}</ul>'
        f'<dl class="figures"><div class="card"><dt>{t("From received to shown, median")}</dt>'
        f'<dd data-f="median">{_seconds(report.median_seconds)}</dd></div>'
        f'<div class="card"><dt>{t("Mails kept today")}</dt>'
        f'<dd data-f="mails">{report.mails:,}</dd></div></dl>'
        f'<section><h2>{t("Domains that take mail")}</h2><ul class="domains">{domains}</ul>'
        "</section>"
        f'<p class="muted">{t(_CHECKED, time=checked)} {t(_FIGURES)}'
        f' <a href="{JSON_PATH}">{t("As JSON")}</a>.</p></main>'
    )


def _seconds(seconds: float | None) -> Markup:
    """A short time for people."""
    if seconds is None:
        return t("no mail yet")
    if seconds < 1:
        return t("{n} ms", n=f"{seconds * 1000:.3g}")
    return t("{n} s", n=f"{seconds:.2f}")
