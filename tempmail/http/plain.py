"""The same without scripts: a form makes an inbox, plain pages list and show its mail.

The credential is a cookie that only these pages get.  Every answer is for one visitor and kept by
nobody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from urllib.parse import parse_qs, quote

from attrs import frozen
from twisted.web.server import Request

from tempmail.core.documents import Documents
from tempmail.core.mailboxes import MailboxDesk, Wish, owner_of
from tempmail.core.reading import Reading
from tempmail.http.answers import Answer
from tempmail.http.documents import ShowDocument
from tempmail.http.finishing import to_the_end
from tempmail.http.layout import Layout, icon
from tempmail.http.messages import one_or_latest
from tempmail.http.pages import maker
from tempmail.http.problems import problem_of
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Route
from tempmail.http.same_origin import check_same_origin
from tempmail.model.errors import InvalidInput, NotFound, TempmailError, Unauthenticated
from tempmail.model.mailbox import Mailbox, SessionOwner
from tempmail.model.message import Message, Summary

PATH = "/plain"

_COOKIE = "plain"
_VALUE = re.compile(rb"(?P<token>[A-Za-z0-9_-]{20,128})\.(?P<address>[\x21-\x7e]{3,320})\Z")
_SECONDS = 24 * 3600
_MOST_SHOWN = 50
_FIELDS = 10
_TO_FOLLOW = ("confirm", "sign_in", "reset", "invite")
_GONE = "That inbox has ended, and its mail with it."


@frozen
class _Opened:
    address: str
    owner: SessionOwner


class PlainPages:
    """:param desk: makes inboxes.
    :param reading: opens their mail.
    :param documents: give a mail's HTML an address for a sandboxed frame.
    :param domains: ours, the default one first.
    """

    def __init__(
        self,
        layout: Layout,
        desk: MailboxDesk,
        reading: Reading,
        documents: Documents,
        domains: Sequence[str],
    ) -> None:
        self._layout = layout
        self._desk = desk
        self._reading = reading
        self._documents = documents
        self._domains = domains

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        anybody = Access.ANYBODY
        return [
            Route("POST", PATH, self.create, access=anybody),
            Route("GET", PATH, self.list, access=anybody),
            Route("GET", f"{PATH}/<which>", self.read, access=anybody, query=ShowDocument),
            Route("POST", f"{PATH}/<which>/delete", self.delete, access=anybody),
        ]

    async def create(self, ask: Ask[Nothing]) -> Answer:
        """The form of the landing page."""
        check_same_origin(ask.request)
        name = ""
        try:
            given = _form(ask.request)
            name = given.get("username", "")
            wish = Wish(
                username=name.strip() or None,
                domain=given.get("domain") or None,
                ttl_minutes=_minutes(given.get("ttl_minutes", "60")),
            )
            mailbox, token = await to_the_end(self._desk.create(wish, ask.network))
        except TempmailError as why:
            problem = problem_of(why)
            main = _main("Get an address", maker(self._domains, name=name, wrong=why.detail))
            return self._answer("Get an address", main, problem.status, **problem.headers)
        cookie = f"{token}.{mailbox.address}"
        return Answer(
            303, headers={"Location": PATH, "Set-Cookie": _set_cookie(ask.request, cookie)}
        )

    async def list(self, ask: Ask[Nothing]) -> Answer:
        opened = _opened(ask.request)
        if opened is None:
            return self._answer("Get an address", _main("Get an address", maker(self._domains)))
        try:
            mailbox = await self._desk.get(opened.address, opened.owner)
            page = await to_the_end(
                self._reading.newest(
                    opened.address, opened.owner, limit=_MOST_SHOWN, before=None, unread=False
                )
            )
        except (NotFound, Unauthenticated):
            return self._ended(ask.request)
        main = _main(mailbox.address, _listed(mailbox, page.messages))
        return self._answer(mailbox.address, main)

    async def read(self, ask: Ask[ShowDocument], which: str) -> Answer:
        opened = _opened(ask.request)
        try:
            if opened is None:
                raise NotFound("this browser has no inbox open here")
            reading = self._reading.get(
                opened.address, opened.owner, one_or_latest(which), mark=ask.marks
            )
            message = await to_the_end(reading)
        except (NotFound, Unauthenticated):
            main = _main("This message is gone", _BACK)
            return self._answer("This message is gone", main, 404)
        url = await self._documents.url(message.summary)
        subject = message.summary.subject or "(no subject)"
        shown = _message(message, url, images=bool(ask.given.images))
        return self._answer(subject, _main(subject, shown))

    async def delete(self, ask: Ask[Nothing], which: str) -> Answer:
        """Delete a message, or with ``inbox`` for its id the whole of it."""
        check_same_origin(ask.request)
        opened = _opened(ask.request)
        headers = {"Location": PATH}
        if opened is not None:
            try:
                if which == "inbox":
                    headers["Set-Cookie"] = _set_cookie(ask.request, "")
                    await to_the_end(self._desk.delete(opened.address, opened.owner))
                elif (one := one_or_latest(which)) is not None:
                    await to_the_end(self._reading.delete(opened.address, opened.owner, one))
            except (NotFound, Unauthenticated):
                pass  # it is gone, as was wished
        return Answer(303, headers=headers)

    def _ended(self, request: Request) -> Answer:
        main = _main("Get an address", maker(self._domains, wrong=_GONE))
        return self._answer("Get an address", main, 404, **{"Set-Cookie": _set_cookie(request, "")})

    def _answer(self, title: str, main: str, status: int = 200, **headers: str) -> Answer:
        document = self._layout.document(title, main, page="inbox")
        return self._layout.answer(document, status, **headers)


_BACK = f'<p><a class="btn" href="{PATH}">{icon("arrow-left")} Back to the list</a></p>'


def _main(title: str, content: str) -> str:
    return (
        f'<main class="land plain" id="main" tabindex="-1"><h1>{escape(title)}</h1>{content}</main>'
    )


def _listed(mailbox: Mailbox, messages: Sequence[Summary]) -> str:
    rows = "".join(_row(one) for one in messages)
    expires = f"{mailbox.expires_at:%Y-%m-%d %H:%M} UTC"
    return (
        f"<p>This address takes mail until {expires}; then it is deleted with all of its mail.</p>"
        f'<div class="btns"><a class="btn primary" href="{PATH}">{icon("rotate-ccw")} Look for new'
        f' mail</a><form method="post" action="{PATH}/inbox/delete">'
        f'<button class="btn danger">{icon("trash-2")} Delete this inbox</button></form></div>'
        + (f'<ul class="card">{rows}</ul>' if rows else "<p>No mail yet.</p>")
    )


def _row(one: Summary) -> str:
    sender = escape(one.from_name or one.from_address or "(no sender)")
    codes = "".join(f' <code class="tag">{escape(code.value)}</code>' for code in one.codes[:1])
    unread = "" if one.is_read else '<span class="vh">Unread. </span>'
    return (
        f'<li class="row"{"" if one.is_read else " data-unread"}>'
        f'<a href="{PATH}/{one.id}"><span class="av" aria-hidden="true">{sender[:1].upper()}</span>'
        f'<span><span class="l1"><span class="from cut">{unread}{sender}</span>'
        f"<time>{one.received_at:%H:%M} UTC</time></span>"
        f'<span class="sub cut">{escape(one.subject or "(no subject)")}{codes}</span></span>'
        "</a></li>"
    )


def _message(message: Message, url: str, *, images: bool) -> str:
    summary, view = message.summary, message.view
    assert view is not None
    sender = f"<strong>{escape(summary.from_name)}</strong> &lt;{escape(summary.from_address)}&gt;"
    parts = [f"<p>{sender}, {summary.received_at:%Y-%m-%d %H:%M} UTC</p>"]
    parts += [
        f'<p class="otp">Code <code class="num">{escape(code.value)}</code></p>'
        for code in view.codes[:1]
    ]
    for link in [one for one in view.links if one.kind in _TO_FOLLOW][:1]:
        parts.append(
            f'<p class="otp">Link <a href="{escape(link.href)}" rel="noopener noreferrer"'
            f' target="_blank">{escape(link.href)}</a></p>'
        )
    if view.body_html:
        shown = f"{url}?images=1" if images else url
        parts.append(
            f'<div class="frame card"><iframe title="The message" src="{shown}"'
            ' sandbox="allow-popups allow-popups-to-escape-sandbox"'
            ' referrerpolicy="no-referrer"></iframe></div>'
        )
        if not images:
            parts.append(f'<p><a href="{PATH}/{summary.id}?images=1">Show remote images</a></p>')
    else:
        parts.append(f'<pre class="txt card" tabindex="0">{escape(view.body_text)}</pre>')
    parts.append(
        f'<div class="btns"><a class="btn" href="{PATH}">{icon("arrow-left")} Back to the list</a>'
        f'<form method="post" action="{PATH}/{summary.id}/delete">'
        f'<button class="btn danger">{icon("trash-2")} Delete</button></form></div>'
    )
    return "".join(parts)


def _form(request: Request) -> dict[str, str]:
    """What a form sent (URL Standard, section 5.1).

    :raises InvalidInput: it is none, or too much.
    """
    kind = (request.getHeader("Content-Type") or "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise InvalidInput("the body is a form")
    raw = request.content.read() if request.content is not None else b""
    try:
        found = parse_qs(raw.decode("ascii"), errors="strict", max_num_fields=_FIELDS)
    except ValueError:
        raise InvalidInput("the form cannot be read") from None
    return {name: values[-1] for name, values in found.items()}


def _minutes(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,6}", text):
        raise InvalidInput("ttl_minutes is a number, at least 1")
    return int(text)


def _opened(request: Request) -> _Opened | None:
    """The inbox that a browser has open, where its cookie can be one of ours."""
    value = request.getCookie(_COOKIE.encode())
    found = _VALUE.match(value) if value is not None else None
    if found is None:
        return None
    return _Opened(found["address"].decode("ascii"), owner_of(found["token"].decode("ascii")))


def _set_cookie(request: Request, value: str) -> str:
    secure = "; Secure" if request.isSecure() else ""
    seconds = _SECONDS if value else 0
    return (
        f"{_COOKIE}={quote(value, safe='@.+')}; Path={PATH}; Max-Age={seconds}; HttpOnly;"
        f" SameSite=Strict{secure}"
    )
