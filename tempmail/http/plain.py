"""The same without scripts: a form makes an inbox, plain pages list and show its mail.

The credential is a cookie that only these pages get.  Every answer is for one visitor and kept by
nobody.  What they look like is in :mod:`tempmail.http.plain_shown`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qs, quote

from attrs import frozen
from twisted.web.server import Request

from tempmail.core.attachments import Attachments
from tempmail.core.documents import Documents
from tempmail.core.mailboxes import MailboxDesk, Wish, owner_of
from tempmail.core.reading import Reading
from tempmail.http import plain_shown as shown
from tempmail.http.answers import Answer
from tempmail.http.attachments import as_file, number_of
from tempmail.http.documents import ShowDocument
from tempmail.http.finishing import to_the_end
from tempmail.http.layout import Layout
from tempmail.http.messages import as_received, one_or_latest
from tempmail.http.pages import maker
from tempmail.http.plain_shown import PATH
from tempmail.http.problems import problem_of
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Route
from tempmail.http.same_origin import check_same_origin
from tempmail.http.words import t
from tempmail.model.errors import InvalidInput, NotFound, TempmailError, Unauthenticated
from tempmail.model.mailbox import SessionOwner

_COOKIE = "plain"
_VALUE = re.compile(rb"(?P<token>[A-Za-z0-9_-]{20,128})\.(?P<address>[\x21-\x7e]{3,320})\Z")
_SECONDS = 24 * 3600
_MOST_SHOWN = 50
_FIELDS = 10
_ENDED = "That inbox has ended, and its mail with it."
_MAKE = "Get an address"


@frozen
class _Opened:
    address: str
    owner: SessionOwner


class PlainPages:
    """:param desk: makes inboxes.
    :param reading: opens their mail.
    :param attachments: of that mail.
    :param documents: give a mail's HTML an address for a sandboxed frame.
    :param domains: ours, the default one first.
    """

    def __init__(
        self,
        layout: Layout,
        desk: MailboxDesk,
        reading: Reading,
        attachments: Attachments,
        documents: Documents,
        domains: Sequence[str],
    ) -> None:
        self._layout = layout
        self._desk = desk
        self._reading = reading
        self._attachments = attachments
        self._documents = documents
        self._domains = domains

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        anybody = Access.ANYBODY
        return [
            Route("POST", PATH, self.create, access=anybody),
            Route("GET", PATH, self.list, access=anybody),
            Route("GET", f"{PATH}/<which>", self.read, access=anybody, query=ShowDocument),
            Route("GET", f"{PATH}/<which>/raw", self.raw, access=anybody),
            Route("GET", f"{PATH}/<which>/attachments/<index>", self.download, access=anybody),
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
            form = maker(self._domains, name=name, wrong=t(why.detail))
            return self._answer(t(_MAKE), form, problem.status, **problem.headers)
        cookie = f"{token}.{mailbox.address}"
        return Answer(
            303, headers={"Location": PATH, "Set-Cookie": _set_cookie(ask.request, cookie)}
        )

    async def list(self, ask: Ask[Nothing]) -> Answer:
        opened = _opened(ask.request)
        if opened is None:
            return self._answer(t(_MAKE), maker(self._domains))
        try:
            mailbox = await self._desk.get(opened.address, opened.owner)
            page = await to_the_end(
                self._reading.newest(
                    opened.address,
                    opened.owner,
                    limit=_MOST_SHOWN,
                    before=None,
                    unread=False,
                    asker=ask.network,
                )
            )
        except (NotFound, Unauthenticated):
            return self._ended(ask.request)
        return self._answer(mailbox.address, shown.inbox(mailbox, page.messages))

    async def read(self, ask: Ask[ShowDocument], which: str) -> Answer:
        try:
            opened = _the_opened(ask.request)
            reading = self._reading.get(
                opened.address, opened.owner, one_or_latest(which), ask.network, mark=ask.marks
            )
            message = await to_the_end(reading)
            signing = self._documents.url(message.summary)
            url = await self._reading.unless_gone(message.summary, signing)
        except (NotFound, Unauthenticated):
            return self._answer(t("This message is gone"), shown.back(), 404)
        content = shown.message(message, url, images=ask.given.images)
        return self._answer(shown.subject(message.summary), content)

    async def raw(self, ask: Ask[Nothing], which: str) -> Answer:
        opened = _the_opened(ask.request)
        one = one_or_latest(which)
        raw = await self._reading.raw(opened.address, opened.owner, one)
        return as_received(raw.content)

    async def download(self, ask: Ask[Nothing], which: str, index: str) -> Answer:
        opened = _the_opened(ask.request)
        one, number = one_or_latest(which), number_of(index)
        return as_file(
            await self._attachments.get(opened.address, opened.owner, one, number, ask.network)
        )

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
        form = maker(self._domains, wrong=t(_ENDED))
        return self._answer(t(_MAKE), form, 404, **{"Set-Cookie": _set_cookie(request, "")})

    def _answer(self, title: str, content: str, status: int = 200, **headers: str) -> Answer:
        document = self._layout.document(title, shown.main(title, content), page="inbox")
        return self._layout.answer(document, status, **headers)


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


def _the_opened(request: Request) -> _Opened:
    """:raises NotFound: there is none."""
    opened = _opened(request)
    if opened is None:
        raise NotFound("this browser has no inbox open here")
    return opened


def _set_cookie(request: Request, value: str) -> str:
    secure = "; Secure" if request.isSecure() else ""
    seconds = _SECONDS if value else 0
    return (
        f"{_COOKIE}={quote(value, safe='@.+')}; Path={PATH}; Max-Age={seconds}; HttpOnly;"
        f" SameSite=Strict{secure}"
    )
