"""QR codes of links that open an inbox.

The link comes in the body of a POST, for its token must stand in no address: those are logged, by
us not at all, by proxies for certain.  Nothing of it is kept.
"""

from __future__ import annotations

import io

import segno

from tempmail.http.answers import Answer
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Route
from tempmail.http.same_origin import check_same_origin
from tempmail.model.errors import InvalidInput

_LONGEST = 512  # bytes of a link


class QrRoutes:
    """Draws for our own pages."""

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [Route("POST", "/qr", self.draw, access=Access.ANYBODY)]

    async def draw(self, ask: Ask[Nothing]) -> Answer:
        """:raises InvalidInput: there is nothing to draw, or too much.
        :raises Forbidden: a page of another site asks.
        """
        check_same_origin(ask.request)
        content = ask.request.content
        link = content.read(_LONGEST + 1) if content is not None else b""
        if not link or len(link) > _LONGEST or not link.isascii():
            raise InvalidInput(f"the body is the link, of at most {_LONGEST} bytes of ASCII")
        drawn = io.BytesIO()
        code = segno.make(link.decode("ascii"), error="m", micro=False)
        code.save(drawn, kind="svg", border=4, scale=8, light="#fff", xmldecl=False)
        return Answer(200, drawn.getvalue(), "image/svg+xml")
