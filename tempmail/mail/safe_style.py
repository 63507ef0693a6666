"""The part of a ``style`` attribute that can only dress the element that it stands on."""

from __future__ import annotations

import re

MAX_STYLE = 8 * 1024
"""Characters of one attribute; a longer one is dropped."""

_SIDES = ("", "-top", "-right", "-bottom", "-left")
_PROPERTIES = frozenset(
    [
        *"""
        background background-color border-collapse border-radius border-spacing box-sizing
        caption-side clear color direction display empty-cells float font font-family font-size
        font-stretch font-style font-variant font-weight height letter-spacing line-height
        list-style list-style-position list-style-type max-height max-width min-height min-width
        overflow overflow-wrap table-layout text-align text-decoration text-decoration-color
        text-decoration-line text-decoration-style text-indent text-overflow text-transform
        unicode-bidi vertical-align visibility white-space width word-break word-spacing word-wrap
        """.split(),
        *(f"{box}{side}" for box in ("margin", "padding", "border") for side in _SIDES),
        *(f"border{side}-{what}" for side in _SIDES for what in ("color", "style", "width")),
        *(f"border-{y}-{x}-radius" for y in ("top", "bottom") for x in ("left", "right")),
    ]
)

_WORD = r"""(?:
      -?[a-z][a-z0-9-]*
    | [+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:%|[a-z]{1,4})?
    | \#[0-9a-f]{3,8}
    | (?:rgb|hsl)a?\([0-9a-z.,%/\ +-]*\)
    | "[^"\\]*" | '[^'\\]*'
)"""
_DECLARATION = re.compile(
    rf"[ ]?([a-z-]+)[ ]?:[ ]?({_WORD}(?:[ ]?[ ,/][ ]?{_WORD})*)[ ]?(![ ]?important)?[ ]?",
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)
_URL = re.compile(r"""\burl\( ?(?:"[^"]*"|'[^']*'|[^"'()]*) ?\)""", re.IGNORECASE)


def safe_style(style: str) -> str | None:
    """The declarations of ``style`` that are known to be harmless, or None where none are.

    What passes is made of words, numbers, colours and whole strings: nothing that loads,
    computes, nests, escapes or leaves its place.  A declaration is taken by a grammar in
    which none can begin or end within another, so that cutting at every semicolon is safe:
    half a string matches nothing.  Of one with an image the rest is kept, for light text
    often stands on the colour beneath.
    """
    if len(style) > MAX_STYLE:
        return None
    style = " ".join(_URL.sub(" ", " ".join(style.split())).split())  # one space: linear time
    found = (_DECLARATION.fullmatch(one) for one in style.split(";"))
    kept = [
        f"{one[1].lower()}:{one[2]}{'!important' if one[3] else ''}"
        for one in found
        if one is not None and one[1].lower() in _PROPERTIES
    ]
    return ";".join(kept) or None
