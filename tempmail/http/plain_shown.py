"""An inbox and its messages as HTML for browsers without scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from markupsafe import Markup, escape

from tempmail.http.layout import icon
from tempmail.http.words import t
from tempmail.model.mailbox import Mailbox
from tempmail.model.message import Attachment, Message, Summary, View

PATH = "/plain"

_EXPIRES = "This address takes mail until {time}; then it is deleted with all of its mail."
_FORGED = "The mail is not from {domain}, whatever it says (DMARC failed)."
_TO_FOLLOW = ("confirm", "sign_in", "reset", "invite")


def main(title: str, content: str) -> str:
    """:param title: as text, or as HTML by ``t``.
    :param content: as HTML.
    """
    return (
        f'<main class="land plain" id="main" tabindex="-1"><h1>{escape(title)}</h1>{content}</main>'
    )


def inbox(mailbox: Mailbox, messages: Sequence[Summary]) -> str:
    """A mailbox and its messages, newest first."""
    rows = "".join(_row(one) for one in messages)
    return (
        f"<p>{t(_EXPIRES, time=_moment(mailbox.expires_at))}</p>"
        f'<div class="btns"><a class="btn primary" href="{PATH}">{icon("rotate-ccw")}'
        f' {t("Look for new mail")}</a><form method="post" action="{PATH}/inbox/delete">'
        f'<button class="btn danger">{icon("trash-2")} {t("Delete this inbox")}</button></form>'
        "</div>" + (f'<ul class="card">{rows}</ul>' if rows else f"<p>{t('No mail yet.')}</p>")
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


def subject(one: Summary) -> str:
    """As text, or what stands for it as HTML."""
    return one.subject or t("(no subject)")


def back() -> str:
    """Instead of a message."""
    return f"<p>{_back()}</p>"


def _back() -> str:
    return f'<a class="btn" href="{PATH}">{icon("arrow-left")} {t("Back to the list")}</a>'


def _head(one: Summary) -> str:
    sender = Markup("<strong>{}</strong> &lt;{}&gt;").format(one.from_name, one.from_address)
    return f"<p>{sender}, {_moment(one.received_at)}</p>"


def _buttons(own: str) -> str:
    return (
        f'<div class="btns">{_back()}'
        f'<a class="btn" href="{own}/raw" download>{icon("download")} {t("Download as .eml")}</a>'
        f'<form method="post" action="{own}/delete">'
        f'<button class="btn danger">{icon("trash-2")} {t("Delete")}</button></form></div>'
    )


def _row(one: Summary) -> str:
    written = one.from_name or one.from_address
    sender, letter = escape(written or t("(no sender)")), escape(written[:1].upper() or "?")
    codes = "".join(f' <code class="tag">{escape(code.value)}</code>' for code in one.codes[:1])
    unread = "" if one.is_read else f'<span class="vh">{t("Unread.")} </span>'
    return (
        f'<li class="row"{"" if one.is_read else " data-unread"}>'
        f'<a href="{PATH}/{one.id}"><span class="av" aria-hidden="true">{letter}</span>'
        f'<span><span class="l1"><span class="from cut">{unread}{sender}</span>'
        f"<time>{t('{time} UTC', time=f'{one.received_at:%H:%M}')}</time></span>"
        f'<span class="sub cut">{escape(subject(one))}{codes}</span></span>'
        "</a></li>"
    )


def _warning(shown: Message) -> Iterator[str]:
    known = shown.authentication
    if known is not None and known.dmarc is not None and known.dmarc.result == "fail":
        domain = shown.summary.from_address.rpartition("@")[2]
        yield (
            f'<p class="note bad" role="note">{icon("shield-alert")}<span>'
            f"<strong>{t('Looks like phishing.')}</strong> {t(_FORGED, domain=domain)}</span></p>"
        )


def _found(view: View) -> Iterator[str]:
    """What its reader is after."""
    for code in view.codes[:1]:
        typed = Markup('<code class="num">{}</code>').format(code.value)
        yield f'<p class="otp">{t("Code {code}", code=typed)}</p>'
    for link in [one for one in view.links if one.kind in _TO_FOLLOW][:1]:
        followed = Markup('<a href="{0}" rel="noopener noreferrer" target="_blank">{0}</a>').format(
            link.href
        )
        yield f'<p class="otp">{t("Link {link}", link=followed)}</p>'


def _files(attachments: Sequence[Attachment], own: str) -> Iterator[str]:
    if not attachments:
        return
    yield f'<ul class="atts" aria-label="{t("Attachments")}">'
    for one in attachments:
        name, size = f"<bdi>{escape(one.filename)}</bdi>", _size(one.size)
        if one.blocked is None:
            yield (
                f'<li><a class="att" href="{own}/attachments/{one.index}" download>{icon("file")}'
                f'<span class="t">{name}<small>{size}</small></span>{icon("download")}</a></li>'
            )
        else:
            blocked = t("{size}, blocked: may be harmful", size=size)
            yield (
                f'<li><span class="att">{icon("triangle-alert")}'
                f'<span class="t">{name}<small>{blocked}</small></span></span></li>'
            )
    yield "</ul>"


def _text(view: View, own: str, url: str, *, images: bool) -> Iterator[str]:
    if not view.body_html:
        yield f'<pre class="txt card" tabindex="0">{escape(view.body_text)}</pre>'
        return
    yield (
        f'<div class="frame card"><iframe title="{t("The message")}"'
        f' src="{url}{"?images=1" * images}" sandbox="allow-popups allow-popups-to-escape-sandbox"'
        ' referrerpolicy="no-referrer"></iframe></div>'
    )
    if not images:
        yield f'<p><a href="{own}?images=1">{t("Show remote images")}</a></p>'


def _moment(when: datetime) -> Markup:
    return t("{time} UTC", time=f"{when:%Y-%m-%d %H:%M}")


def _size(count: int) -> Markup:
    if count < 1000:
        return t("{n} B", n=count)
    if count < 1_000_000:
        return t("{n} KB", n=f"{count / 1000:.0f}")
    return t("{n} MB", n=f"{count / 1_000_000:.1f}")
