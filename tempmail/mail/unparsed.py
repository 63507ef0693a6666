"""What is shown of a message where no parser could read it."""

from __future__ import annotations

from tempmail.mail.envelope_headers import scan
from tempmail.mail.parser_version import PARSER_VERSION
from tempmail.model.message import View


def unparsed(raw: bytes, defect: str, *, lasting: bool) -> View:
    """The view of a message whose parse had to be given up: what the bounded scan yields.

    :param lasting: whether another try would end the same; if not, the view is of version 0,
        so that the next reader has it made again.
    """
    scanned = scan([raw])
    return View(
        subject=scanned.subject,
        from_address=scanned.from_address,
        from_name=scanned.from_name,
        cc=(),
        reply_to=(),
        date=None,
        body_text="",
        body_html="",
        headers=(),
        attachments=(),
        defects=(defect,),
        parser_version=PARSER_VERSION if lasting else 0,
    )
