"""The mail under way, and the two commands that carry its content: DATA and BDAT."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING

from tempmail.model.address import Recipient
from tempmail.smtp import replies
from tempmail.smtp.body import ChunkReader, DataReader
from tempmail.smtp.content import Content
from tempmail.smtp.grammar import parse_bdat
from tempmail.smtp.input import END, InputLoop
from tempmail.smtp.replies import Refusal

if TYPE_CHECKING:
    from tempmail.smtp.factory import MailFactory


class Receiving(InputLoop):
    """A mail transaction (RFC 5321 section 3.3) from MAIL to the end of its content.

    :param edge: whose settings, budget and limits it uses.
    :param peer_ip: the client's address as far as it is known.
    :ivar mail_from: the reverse-path, None before MAIL.
    :ivar mail_since: when it began, by the clock.
    :ivar content: what came of it so far, None before DATA or the first BDAT.
    :ivar content_since: when the content, or a chunk that is refused, began, by the clock.
    """

    def __init__(self, edge: MailFactory, peer_ip: str) -> None:
        super().__init__(edge.clock)
        self.edge = edge
        self.peer_ip = peer_ip
        self.content: Content | None = None
        self.mail_since = self.content_since = 0.0
        self.forget()

    @abstractmethod
    def content_complete(self) -> Refusal | None:
        """The content has come to its end, or cannot be kept.

        :returns: why it was refused, where it was at once.
        """

    def forget(self) -> None:
        """RSET: the mail under way, not the session (section 4.1.1.5)."""
        self.mail_from: str | None = None
        self.announced_size = 0
        self.utf8 = False
        self.recipients: dict[tuple[str, str], Recipient] = {}
        self._refused: Refusal | None = None  # of a chunk; those behind it share its fate
        if self.content is not None:
            self.content.release()
            self.content = None

    def _no_content_now(self) -> Refusal | None:
        """Why no content may begin."""
        if self.mail_from is None:
            return replies.MAIL_FIRST
        if not self.recipients:
            return replies.NO_RECIPIENTS
        return self.edge.gate.message(self.peer_ip, len(self.recipients), self.announced_size)

    def _begin_content(self) -> Content:
        settings = self.edge.settings
        self.content = Content(
            settings.max_message_bytes,
            self.edge.budget,
            reject_bare_newlines=settings.reject_bare_newlines,
        )
        return self.content

    def do_data(self, argument: bytes) -> None:
        if argument and argument.strip():
            self.refuse(replies.NO_ARGUMENT_ALLOWED)
        elif self.content is not None:
            self.refuse(replies.CONTENT_BEGUN)
        elif (refusal := self._no_content_now()) is not None:
            self.refuse(refusal)
        else:
            self.content_since = self.clock.seconds()
            self.read(DataReader(self._begin_content()), self.content_complete)
            self.reply(replies.START_MAIL_INPUT)

    def do_bdat(self, argument: bytes) -> None:
        chunk = parse_bdat(argument)
        if isinstance(chunk, Refusal):
            self.refuse(chunk)
            self.waits |= END  # how much content stands behind it, nobody knows
            return
        size, last = chunk
        refusal = None
        if self.content is None:
            self.content_since = self.clock.seconds()
            refusal = self._refused if self.mail_from is None else None
            refusal = refusal or self._no_content_now()
        if refusal is None:
            content = self.content or self._begin_content()
            then = partial(self._chunk_read, content, size, last)
        else:
            content = None
            then = partial(self._chunk_refused, refusal, last)
        if size:
            self.read(ChunkReader(size, content), then)
        else:
            then()

    def _chunk_read(self, content: Content, size: int, last: bool) -> None:
        if last or content.fault is not None:
            refusal = self.content_complete()
            self._refused = None if last else refusal
        else:
            self.reply(replies.chunk_read(size))

    def _chunk_refused(self, refusal: Refusal, last: bool) -> None:
        """Answer a chunk that was swallowed: each of one mail alike, but one error in all."""
        if refusal is self._refused:
            self.reply(refusal.reply)
        else:
            self.refuse(refusal)
            self.forget()
        self._refused = None if last else refusal
