"""A mail as a document of its own, for a frame that may do nothing."""

from __future__ import annotations

from collections.abc import Mapping

from tempmail.mail.safe_html import safe_html
from tempmail.mail.safe_links import linked

# A mail's HTML was made for white paper; plain text follows the reader's own colours.  Where a
# link leads is shown by the document itself, since the words of a link are its sender's.
STYLE = """
:root { color-scheme: light dark }
:root:has(.html) { color-scheme: light; background: #fff; color: #222 }
body { margin: 0; padding: 16px; font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
img { max-width: 100% }
pre { white-space: pre-wrap }
.text { white-space: pre-wrap; font: 14px/1.5 ui-monospace, monospace }
.note { font-style: italic }
a[href]:hover::after, a[href]:focus-visible::after {
  all: initial; direction: ltr; unicode-bidi: isolate; content: attr(href);
  position: fixed; left: 0; bottom: 0; max-width: 90vw;
  padding: 2px 8px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  font: 12px/1.6 system-ui, sans-serif; background: #333; color: #fff; visibility: visible
}
"""
"""The one style sheet of every document."""

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
