"""QR codes of links that open an inbox.

The link comes in the body of a POST, for its token must stand in no address: those are logged, by
us not at all, by proxies for certain.  Nothing of it is kept.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import segno
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from tempmail.core.metrics import Metrics
from tempmail.core.turns import Room
from tempmail.http.answers import Answer
from tempmail.http.origins import request_origin
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Route
from tempmail.http.same_origin import check_same_origin
from tempmail.model.address import MAX_LOCAL_PART
from tempmail.model.errors import Busy, InvalidInput

_TOKEN = 43
"""Characters of a session token: 32 bytes in base64url."""

_AT_ONCE = 2
_WAITING, _WAITING_EACH = 20, 5

_ERROR, _MASK = "m", 2
"""Any mask is right (ISO/IEC 18004 section 7.8); to find the best of the eight takes four times as
long as all the rest, and no camera needs it of a code that is as clean as a screen shows it."""


class QrRoutes:
    """Draws for our own pages, beside the reactor: a code takes some milliseconds.

    :param domains: ours; an inbox is under one of them.
    :param metrics: counts what is turned away.
    :param reactor: for the threads.
    """

    _log = Logger()

    def __init__(self, domains: Iterable[str], metrics: Metrics, reactor: Any) -> None:
        address = MAX_LOCAL_PART + len("%40") + max(map(len, domains))
        self._longest_path = len("/#k=") + _TOKEN + len("&a=") + address
        self._denied = metrics.limit_denials.labels("qr_codes")
        self._reactor = reactor
        self._drawing = Room(_AT_ONCE)

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [Route("POST", "/qr", self.draw, access=Access.ANYBODY)]

    async def draw(self, ask: Ask[Nothing]) -> Answer:
        """:raises InvalidInput: there is nothing to draw, or more than a link to an inbox has.
        :raises Forbidden: a page of another site asks.
        :raises Busy: too many wait for theirs.
        """
        check_same_origin(ask.request)
        # A proxy that nobody told us to trust may speak TLS, which is a letter more.
        longest = len(request_origin(ask.request)) + 1 + self._longest_path
        content = ask.request.content
        link = content.read(longest + 1) if content is not None else b""
        if not link or len(link) > longest or not link.isascii():
            raise InvalidInput(f"the body is a link to an inbox, at most {longest} bytes of ASCII")
        each = self._drawing.waiting(ask.network)
        if each >= _WAITING_EACH or self._drawing.waiting() >= _WAITING:
            self._denied.inc()
            self._log.info("no code is drawn for {client}: too many wait", client=ask.network)
            raise Busy("too many codes are being drawn; try again")
        drawn: bytes = await self._drawing.run(
            ask.network,
            deferToThreadPool,
            self._reactor,
            self._reactor.getThreadPool(),
            _drawn,
            link.decode("ascii"),
        )
        return Answer(200, drawn, "image/svg+xml")


def _drawn(link: str) -> bytes:
    """As SVG."""
    drawn = io.BytesIO()
    code = segno.make(link, error=_ERROR, mask=_MASK, boost_error=False, micro=False)
    code.save(drawn, kind="svg", border=4, scale=8, light="#fff", xmldecl=False)
    return drawn.getvalue()
