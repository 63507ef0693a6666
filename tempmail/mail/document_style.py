"""How a mail looks in a document of its own."""

from __future__ import annotations

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
