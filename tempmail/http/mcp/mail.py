"""Mail as agents see it: bounded, without HTML, and fenced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from tempmail.http.mcp import found as found
from tempmail.http.mcp.fence import Fence, visible
from tempmail.model import message as kept

_MOST_LISTED = 20
"""Codes, links or attachments of one message."""

_MOST_SHORT = 300
_MOST_HREF = 2048
"""Characters; a longer link is left out, for a part of one leads elsewhere."""


def summary_of(summary: kept.Summary) -> found.Summary:
    """A message as lists show it."""
    return found.Summary(
        id=summary.id,
        seq=summary.seq,
        received_at=summary.received_at.astimezone(UTC),
        from_address=_short(summary.from_address),
        from_name=_short(summary.from_name),
        subject=_short(summary.subject),
        preview=None if summary.preview is None else _short(summary.preview),
        is_read=summary.is_read,
        attachment_count=summary.attachment_count,
        codes=_codes(summary.codes),
    )


def message_of(
    message: kept.Message, text: str, offset: int, fence: Fence, *, of_html: bool
) -> found.Message:
    """A message that has been parsed.

    :param text: all of it.
    :param offset: where to begin.
    """
    summary, view = message.summary, message.view
    assert view is not None
    end = offset + found.MOST_TEXT
    return found.Message(
        notice=fence.notice,
        id=summary.id,
        seq=summary.seq,
        received_at=summary.received_at.astimezone(UTC),
        from_address=_short(summary.from_address),
        from_name=_short(summary.from_name),
        to_address=_short(summary.to_address),
        subject=_short(summary.subject),
        text=fence.around(visible(text[offset:end]), "text of the mail"),
        text_is_of_html=of_html,
        next_offset=end if end < len(text) else None,
        codes=_codes(view.codes),
        links=_links(view.links),
        attachments=[
            found.Attachment(
                index=one.index,
                filename=_short(one.filename),
                content_type=_short(one.content_type),
                size=one.size,
                blocked=one.blocked is not None,
            )
            for one in view.attachments[:_MOST_LISTED]
        ],
        authentication=_authentication(message),
    )


def code_of(message: kept.Message, after: int, fence: Fence) -> found.CodeWaitedFor:
    """Of a message that has been parsed its codes and links, and none of its text."""
    summary, view = message.summary, message.view
    assert view is not None
    codes, links = _codes(view.codes), _links(view.links)
    wanted = (one.href for one in links if one.kind != "unsubscribe")
    return found.CodeWaitedFor(
        found=True,
        after=after,
        code=codes[0].value if codes else None,
        confidence=codes[0].confidence if codes else None,
        link=next(wanted, None),
        from_address=_short(summary.from_address),
        received_at=summary.received_at.astimezone(UTC),
        message_id=summary.id,
        codes=codes,
        links=links,
        notice=fence.notice,
    )


def _authentication(message: kept.Message) -> found.Authentication:
    known = message.authentication
    spf, dkim, dmarc = (None,) * 3 if known is None else (known.spf, known.dkim, known.dmarc)
    return found.Authentication(
        spf=None if spf is None else spf.result,
        dkim=None if dkim is None else dkim.result,
        dmarc=None if dmarc is None else dmarc.result,
    )


def _codes(codes: Sequence[kept.Code]) -> list[found.Code]:
    return [found.Code(_short(one.value), one.confidence) for one in codes[:_MOST_LISTED]]


def _links(links: Sequence[kept.Link]) -> list[found.Link]:
    return [
        found.Link(visible(one.href), one.kind)
        for one in links[:_MOST_LISTED]
        if len(one.href) <= _MOST_HREF
    ]


def _short(text: str) -> str:
    return visible(text, _MOST_SHORT)
