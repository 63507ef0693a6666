"""The HTML of a mail without anything that runs, loads, submits, or leads astray.

nh3 (html5ever and ammonia) parses as browsers do and writes its tree anew, so that nothing
survives by being written oddly; what it keeps is listed here, and each address and style is
judged by a function of ours.  ``<style>`` blocks are dropped rather than filtered: mail that
must look right in many readers carries its styles on its elements, and without rules there is
no need for classes and ids either, which keeps forms of attack out that need a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote

import nh3

from tempmail.mail.safe_links import REL, safe_link
from tempmail.mail.safe_style import safe_style

TAGS = frozenset(
    """
    a abbr acronym address article aside b bdi bdo big blockquote br caption center cite code
    col colgroup dd del dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header
    hr i img ins kbd li main mark nav ol p pre q s samp section small span strike strong sub sup
    table tbody td tfoot th thead time tr tt u ul var wbr
    """.split()
)
"""What stays.  Of all else the content stays, but for what is in ``WITHOUT_CONTENT``."""

WITHOUT_CONTENT = frozenset(
    """
    applet audio canvas datalist frameset head iframe math noembed noframes object script select
    style svg template textarea title video
    """.split()
)

_CELL = frozenset("align bgcolor height valign width".split())
ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "*": frozenset("align dir lang style title".split()),
    "a": frozenset(["href"]),
    "br": frozenset(["clear"]),
    "col": frozenset("span valign width".split()),
    "colgroup": frozenset("span valign width".split()),
    "font": frozenset("color face size".split()),
    "hr": frozenset("color noshade size width".split()),
    "img": frozenset("alt border height hspace src vspace width".split()),
    "li": frozenset("type value".split()),
    "ol": frozenset("reversed start type".split()),
    "table": _CELL | frozenset("border cellpadding cellspacing".split()),
    "tbody": _CELL,
    "td": _CELL | frozenset("colspan nowrap rowspan".split()),
    "tfoot": _CELL,
    "th": _CELL | frozenset("colspan nowrap rowspan scope".split()),
    "thead": _CELL,
    "tr": _CELL,
    "ul": frozenset(["type"]),
}

_SCHEMES = frozenset(("cid", "data", "http", "https", "mailto"))  # before the filter judges
_DATA_IMAGE = re.compile(
    r"data:image/(?:png|jpeg|jpg|gif|webp|bmp);base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE
)


def safe_html(html: str, images: Mapping[str, str]) -> str:
    """``html`` as a well-formed fragment of harmless elements.

    Links are those of :func:`~tempmail.mail.safe_links.safe_link` and open elsewhere; others
    lose their ``href``.  Images are raster ones within the HTML, parts of the mail, and remote
    ones over https, which are for the document's policy to block.

    Meant for a process that may be killed: inputs of a few hundred kilobytes can take minutes,
    or the whole stack.

    :param images: from the content ids of the mail's parts (RFC 2392) to where each is served.
    """
    return nh3.clean(
        html,
        tags=set(TAGS),
        clean_content_tags=set(WITHOUT_CONTENT),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=_judge(images),
        tag_attribute_values={tag: {"role": {"presentation"}} for tag in ("table", "img")},
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel=REL,
        url_schemes=set(_SCHEMES),
    )


def _judge(images: Mapping[str, str]) -> Callable[[str, str, str], str | None]:
    """A function of element, attribute and value that says what the value becomes."""
    styles: dict[str, str | None] = {}  # the same few stand on every cell of a table

    def judge(_tag: str, name: str, value: str) -> str | None:
        match name:
            case "style":
                if value not in styles:
                    styles[value] = safe_style(value)
                return styles[value]
            case "href":
                return safe_link(value)
            case "src":
                return _image(value, images)
        return value

    return judge


def _image(source: str, images: Mapping[str, str]) -> str | None:
    source = source.strip()
    scheme = source.partition(":")[0].lower()
    if scheme == "cid":
        return images.get(unquote(source[4:]))
    if scheme == "data":
        return source if _DATA_IMAGE.fullmatch(source) else None
    return safe_link(source) if scheme == "https" else None
