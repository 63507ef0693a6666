"""A mail as a document of its own, for a frame that may do nothing."""

from __future__ import annotations

from collections.abc import Mapping

from tempmail.mail.document_style import STYLE
from tempmail.mail.safe_html import safe_html
from tempmail.mail.safe_links import linked

_HEAD = f"""<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Message</title>
<style>{STYLE}</style>
</head>
<body>
"""
_TAIL = "\n</body>\n</html>\n"
_NOTE = '<p class="note">The HTML of this mail cannot be shown; here is its text.</p>\n'


def html_document(html: str, images: Mapping[str, str]) -> str:
    """A mail's HTML, made safe; see :func:`tempmail.mail.safe_html.safe_html`."""
    return f'{_HEAD}<div class="html">{safe_html(html, images)}</div>{_TAIL}'


def text_document(text: str, *, instead: bool = False) -> str:
    """A mail's plain text as it is, with its addresses made links.

    :param instead: whether it stands for HTML that could not be made safe, which is said.
    """
    note = _NOTE if instead else ""
    return f'{_HEAD}{note}<div class="text">{linked(text)}</div>{_TAIL}'
