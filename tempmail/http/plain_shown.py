"""An inbox and its messages as HTML for browsers without scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from tempmail.http.layout import icon
from tempmail.model.mailbox import Mailbox
from tempmail.model.message import Attachment, Message, Summary, View

PATH = "/plain"
NO_SUBJECT = "(no subject)"
BACK = f'<p><a class="btn" href="{PATH}">{icon("arrow-left")} Back to the list</a></p>'

_TO_FOLLOW = ("confirm", "sign_in", "reset", "invite")


def main(title: str, content: str) -> str:
    """:param title: as text.
    :param content: as HTML.
    """
    return (
        f'<main class="land plain" id="main" tabindex="-1"><h1>{escape(title)}</h1>{content}</main>'
    )


def inbox(mailbox: Mailbox, messages: Sequence[Summary]) -> str:
    """A mailbox and its messages, newest first."""
    rows = "".join(_row(one) for one in messages)
    expires = f"{mailbox.expires_at:%Y-%m-%d %H:%M} UTC"
    return (
        f"<p>This address takes mail until {expires}; then it is deleted with all of its mail.</p>"
        f'<div class="btns"><a class="btn primary" href="{PATH}">{icon("rotate-ccw")} Look for new'
        f' mail</a><form method="post" action="{PATH}/inbox/delete">'
        f'<button class="btn danger">{icon("trash-2")} Delete this inbox</button></form></div>'
        + (f'<ul class="card">{rows}</ul>' if rows else "<p>No mail yet.</p>")
    )


def message(shown: Message, url: str, *, images: bool) -> str:
    """A message.

    :param url: of its HTML as a safe document.
    :param images: whether remote ones may load.
    """
    view = shown.view
    assert view is not None  # whoever reads a message has it parsed
    own = f"{PATH}/{shown.summary.id}"
    return "".join(
        (
            _head(shown.summary),
            *_warning(shown),
            *_found(view),
            *_files(view.attachments, own),
            *_text(view, own, url, images=images),
            _buttons(own),
        )
    )


def _head(one: Summary) -> str:
    sender = f"<strong>{escape(one.from_name)}</strong> &lt;{escape(one.from_address)}&gt;"
    return f"<p>{sender}, {one.received_at:%Y-%m-%d %H:%M} UTC</p>"


def _buttons(own: str) -> str:
    return (
        f'<div class="btns"><a class="btn" href="{PATH}">{icon("arrow-left")} Back to the list</a>'
        f'<a class="btn" href="{own}/raw" download>{icon("download")} Download as .eml</a>'
        f'<form method="post" action="{own}/delete">'
        f'<button class="btn danger">{icon("trash-2")} Delete</button></form></div>'
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
        f'<span class="sub cut">{escape(one.subject or NO_SUBJECT)}{codes}</span></span>'
        "</a></li>"
    )


def _warning(shown: Message) -> Iterator[str]:
    known = shown.authentication
    if known is not None and known.dmarc is not None and known.dmarc.result == "fail":
        domain = shown.summary.from_address.rpartition("@")[2]
        yield (
            f'<p class="note bad" role="note">{icon("shield-alert")}<span><strong>Looks like'
            f" phishing.</strong> The mail is not from {escape(domain)}, whatever it says (DMARC"
            " failed).</span></p>"
        )


def _found(view: View) -> Iterator[str]:
    """What its reader is after."""
    for code in view.codes[:1]:
        yield f'<p class="otp">Code <code class="num">{escape(code.value)}</code></p>'
    for link in [one for one in view.links if one.kind in _TO_FOLLOW][:1]:
        yield (
            f'<p class="otp">Link <a href="{escape(link.href)}" rel="noopener noreferrer"'
            f' target="_blank">{escape(link.href)}</a></p>'
        )


def _files(attachments: Sequence[Attachment], own: str) -> Iterator[str]:
    if not attachments:
        return
    yield '<ul class="atts" aria-label="Attachments">'
    for one in attachments:
        about = f"<bdi>{escape(one.filename)}</bdi><small>{_size(one.size)}"
        if one.blocked is None:
            yield (
                f'<li><a class="att" href="{own}/attachments/{one.index}" download>{icon("file")}'
                f'<span class="t">{about}</small></span>{icon("download")}</a></li>'
            )
        else:
            yield (
                f'<li><span class="att">{icon("triangle-alert")}<span class="t">{about}, blocked:'
                " may be harmful</small></span></span></li>"
            )
    yield "</ul>"


def _text(view: View, own: str, url: str, *, images: bool) -> Iterator[str]:
    if not view.body_html:
        yield f'<pre class="txt card" tabindex="0">{escape(view.body_text)}</pre>'
        return
    yield (
        f'<div class="frame card"><iframe title="The message" src="{url}{"?images=1" * images}"'
        ' sandbox="allow-popups allow-popups-to-escape-sandbox"'
        ' referrerpolicy="no-referrer"></iframe></div>'
    )
    if not images:
        yield f'<p><a href="{own}?images=1">Show remote images</a></p>'


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
