"""A test mail for whoever wants to see how mail arrives."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from uuid import UUID

from tempmail.core.delivery import Door
from tempmail.core.mailboxes import MailboxDesk
from tempmail.model.address import Recipient
from tempmail.model.errors import LimitReached, NotFound
from tempmail.model.mailbox import Owner
from tempmail.model.message import Envelope, Verdict

_TEXT = """\
Your test code is {code}.

This mail came to {address} by the way that all mail takes:
it was committed to disk, and whoever watches the inbox was told.
"""
_HTML = """\
<div style="font-family: sans-serif; color: #1b1f27; padding: 24px; max-width: 480px">
<h1 style="font-size: 20px">It works</h1>
<p>Your test code is</p>
<p style="font-size: 28px; letter-spacing: 6px; padding: 16px; background-color: #e8eefc;
text-align: center"><b>{code}</b></p>
<p>This mail came to <b>{address}</b> by the way that all mail takes: it was committed to disk,
and whoever watches the inbox was told.</p>
</div>
"""


class Samples:
    """:param door: by which all mail comes in.
    :param desk: says whose a mailbox is.
    :param hostname: ours, which the mail is from.
    :param now: seconds since the epoch.
    """

    def __init__(
        self, door: Door, desk: MailboxDesk, hostname: str, now: Callable[[], float]
    ) -> None:
        self._door = door
        self._desk = desk
        self._hostname = hostname
        self._now = now

    async def send(self, address: str, owner: Owner) -> UUID:
        """Have a mail with a code delivered to one's own mailbox.

        :returns: the message's id.
        :raises NotFound: there is no such mailbox.
        :raises LimitReached: it has no room.
        :raises Unavailable: nothing was stored.
        """
        mailbox = await self._desk.get(address, owner)
        content = self._mail(mailbox.address, f"{secrets.randbelow(1_000_000):06}")
        envelope = Envelope(
            mail_from="",  # nobody is to answer
            recipients=(Recipient(mailbox.address, "", mailbox.address),),
            helo=self._hostname,
            peer_ip="127.0.0.1",
            tls=None,
            chunks=(content,),
            size=len(content),
        )
        (placement,) = await self._door.deliver(envelope)
        if placement.verdict is Verdict.FULL:
            raise LimitReached("the mailbox is full; delete some of its messages")
        if placement.message_id is None:
            raise NotFound("there is no such mailbox")
        return placement.message_id

    def _mail(self, address: str, code: str) -> bytes:
        mail = EmailMessage()
        mail["Date"] = format_datetime(datetime.fromtimestamp(self._now(), UTC))
        mail["From"] = f"Test mail <test@{self._hostname}>"
        mail["To"] = address
        mail["Subject"] = f"{code} is your test code"
        mail["Message-ID"] = f"<{secrets.token_hex(16)}@{self._hostname}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5
        mail.set_content(_TEXT.format(code=code, address=address))
        shown = _HTML.format(code=code, address=escape(address))
        mail.add_alternative(shown, subtype="html")
        return mail.as_bytes(policy=SMTP)
