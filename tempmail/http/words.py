"""The words of the pages: every text that is written here for people goes through :func:`t`.

The English sentence is its own name.  There is no other language; one would be looked up in
:func:`spoken`, which is the only place that all texts pass.  It is a function of this module and
not an object that each renderer is given: most renderers are plain functions of what they show, and
a further argument through all of them would say nothing as long as there is one language.

Texts in tables at the top of a module stand there as they are and go through ``t`` where they are
shown, so that nothing is decided when a module is loaded.
"""

from __future__ import annotations

from markupsafe import Markup, escape


def t(text: str, /, **values: object) -> Markup:
    """A text as HTML, for an element or an attribute.

    :param text: a whole sentence, as text, with ``{names}`` for what varies.
    :param values: by name; escaped unless they are HTML already, such as links.  Where there are
        none, braces are only braces: a refusal's words may repeat what was sent.
    """
    shown = escape(spoken(text))
    return shown.format(**values) if values else shown


def spoken(text: str) -> str:
    """``text`` in the language of the pages, its names still in it."""
    return text
