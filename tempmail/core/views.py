"""The parsed views of messages: each made once, however many want it at the same time."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TypeVar
from uuid import UUID

from attrs import Factory, define, evolve
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tempmail.core.authenticity import Authenticity
from tempmail.core.ports import Messages, Parser
from tempmail.core.turns import Asker, Room
from tempmail.model.errors import TempmailError
from tempmail.model.message import Message, Summary, View

PREVIEW_CHARACTERS = 160

_AT_ONCE = 8
_AT_ONCE_EACH = 3
"""Messages whose raw bytes are held for parsing at a time, altogether and for one asker; as many
as keep a worker busy while others are read and stored."""

_T = TypeVar("_T")


@define
class _Making:
    """A view that is being made.

    :ivar ended: fires, whatever came of it, when all is done.
    """

    message: Deferred[Message] = Factory(Deferred)
    ended: Deferred[None] = Factory(Deferred)


class Views:
    """Messages with their views, for mailboxes whose owner has been established.

    :param messages: stored ones.
    :param parser: makes views.
    :param authenticity: looks into what has been parsed; None where nobody does.
    """

    _log = Logger()

    def __init__(
        self, messages: Messages, parser: Parser, authenticity: Authenticity | None = None
    ) -> None:
        self._messages = messages
        self._parser = parser
        self._authenticity = authenticity
        self._room = Room(_AT_ONCE, _AT_ONCE_EACH)
        self._under_way: dict[UUID, _Making] = {}

    @property
    def version(self) -> int:
        """Of the parser: what an older one made is made again."""
        return self._parser.version

    def read(self, mailbox_id: int, message_id: UUID, asker: Asker) -> Deferred[Message]:
        """The message with its view, which is stored where it had to be made.

        :param asker: whose turn it takes where it has to be made.

        Whoever cancels the result stops waiting; the others still get theirs.

        :raises NotFound: it is gone, or its mailbox has ended.
        :raises Unavailable: it has no view yet and none can be made now.
        """
        return self._shared(mailbox_id, message_id, asker, attrgetter("message"))

    def stored(self, mailbox_id: int, message_id: UUID, asker: Asker) -> Deferred[None]:
        """Have the message's view stored; fires when it is, or when that cannot be done now."""
        return self._shared(mailbox_id, message_id, asker, attrgetter("ended"))

    def _shared(
        self,
        mailbox_id: int,
        message_id: UUID,
        asker: Asker,
        part: Callable[[_Making], Deferred[_T]],
    ) -> Deferred[_T]:
        """A Deferred of one's own for what several wait for; begins the work where nobody has."""
        own: Deferred[_T] = Deferred()

        def tell(outcome: _T) -> _T:
            own.callback(outcome)
            return outcome

        making = self._under_way.get(message_id)
        if making is not None:
            part(making).addBoth(tell)
        else:
            making = self._under_way[message_id] = _Making()
            part(making).addBoth(tell)
            self._room.run(asker, self._make, mailbox_id, message_id, asker, making)
        return own

    async def _make(self, mailbox_id: int, message_id: UUID, asker: Asker, making: _Making) -> None:
        """Answer those who ask as soon as there is a view; it is kept after that."""
        try:
            message, raw = await self._messages.fetch(mailbox_id, message_id, self.version)
            if raw is None:
                making.message.callback(message)
            else:
                view = authored(await self._parser.parse(asker, raw), message.summary)
                message = viewed(message, view)
                if self._authenticity is not None:
                    self._authenticity.begin(message, raw)
                del raw
                making.message.callback(message)
                await self._messages.keep_view(message.summary, view)
        except TempmailError as why:
            if making.message.called:
                self._log.warn("a view was not kept: {why}", why=why.code)
            else:
                making.message.errback(why)
        except Exception as why:
            self._log.failure("message {message} was not made readable", message=message_id)
            if not making.message.called:
                making.message.errback(why)
        finally:
            del self._under_way[message_id]
            making.message.addErrback(lambda _: None)  # those who asked have been told
            making.ended.callback(None)


def authored(view: View, summary: Summary) -> View:
    """``view`` with the author that was known at arrival, where the mail names none: its envelope's
    reverse-path, which a parser does not see."""
    if view.from_address or view.from_name:
        return view
    return evolve(view, from_address=summary.from_address, from_name=summary.from_name)


def viewed(message: Message, view: View) -> Message:
    """``message`` with ``view``, and its summary as that has it."""
    return evolve(message, summary=previewed(message.summary, view), view=view)


def previewed(summary: Summary, view: View) -> Summary:
    """``summary`` as ``view`` has it."""
    return evolve(
        summary,
        subject=view.subject,
        from_address=view.from_address,
        from_name=view.from_name,
        preview=preview(view.body_text),
        attachment_count=len(view.attachments),
        parser_version=view.parser_version,
        codes=view.codes,
    )


def preview(body_text: str) -> str:
    """The beginning of a text on one line."""
    return " ".join(body_text[: 4 * PREVIEW_CHARACTERS].split())[:PREVIEW_CHARACTERS]
