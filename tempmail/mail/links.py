"""The links of a mail, and what following each would do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from attrs import frozen

from tempmail.mail import link_words
from tempmail.mail.folding import MAX_TEXT, SENTENCE_END, clean, fold
from tempmail.mail.hypertext import read
from tempmail.mail.vocabulary import Words
from tempmail.model.message import Link

MAX_LINKS = 100
MAX_HREF = 4096
"""Characters; a longer one is left out, for a part of it would lead elsewhere."""

_MAX_SEEN = 1000  # of each text
_CONTEXT = 240
_CLOSING = ".,;:!?'*"
_LINE_BREAKS = str.maketrans("", "", "\t\r\n")
_YEAR = re.compile("(?:19|20)[0-9]{2}")
_URL = re.compile(r"(?i:https?)://[!#-;=?-~]++")
_WEB = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
_CALLED = re.compile(
    r"[?&#](?:(?:[a-z]{1,20}[_-])?token|code|key|otp|nonce|hash|sig|signature|ticket|oobcode)=[^&#]{3}",
    re.IGNORECASE,
)
_WORDS = (
    ("unsubscribe", link_words.UNSUBSCRIBE),
    ("sign_in", link_words.PASSWORDLESS),
    ("reset", link_words.RESET),
    ("invite", link_words.INVITE),
    ("confirm", link_words.CONFIRM),
    ("sign_in", link_words.SIGN_IN),
)
_ADDRESSES = (
    ("unsubscribe", link_words.URL_UNSUBSCRIBE),
    ("reset", link_words.URL_RESET),
    ("invite", link_words.URL_INVITE),
    ("sign_in", link_words.URL_MAGIC),
    ("confirm", link_words.URL_CONFIRM),
    ("sign_in", link_words.URL_SIGN_IN),
)


@frozen
class _Seen:
    href: str
    text: str
    around: str  # what was written since the link before


def find_links(text: str, html: str) -> tuple[Link, ...]:
    """The links of a mail, each once, likeliest to be waited for first, at most 100.

    Linear in time; looks at the first 256 Ki characters and the first 1,000 links of each text.
    """
    found: dict[str, tuple[int, Link]] = {}
    for seen in chain(islice(_of_html(html), _MAX_SEEN), islice(_of_text(text), _MAX_SEEN)):
        rank, kind = _kind(seen)
        known = found.get(seen.href)
        if known is None:
            found[seen.href] = rank, Link(seen.href, seen.text, kind)
        elif rank < known[0]:
            found[seen.href] = rank, Link(seen.href, known[1].text or seen.text, kind)
    ranked = sorted(found.values(), key=lambda ranked: ranked[0])
    return tuple(link for _, link in ranked[:MAX_LINKS])


def _of_html(html: str) -> Iterator[_Seen]:
    shown, anchors = read(html)
    end = 0
    for anchor in anchors:
        between = shown[end : anchor.start]
        yield from _of_text(between)
        href = anchor.href.translate(_LINE_BREAKS)
        if _WEB.match(href) and len(href) <= MAX_HREF:
            yield _Seen(href, anchor.text, "" if anchor.pictured else between[-_CONTEXT:])
        end = anchor.end
    yield from _of_text(shown[end:])


def _of_text(text: str) -> Iterator[_Seen]:
    end = 0
    for match in _URL.finditer(text[:MAX_TEXT]):
        href = _without_punctuation(match[0])
        if _WEB.match(href) and len(href) <= MAX_HREF:
            yield _Seen(href, "", text[max(end, match.start() - _CONTEXT) : match.start()])
        end = match.end()


def _without_punctuation(url: str) -> str:
    """A URL in plain text without what closes the sentence or the bracket that it stands in."""
    url = url.rstrip(_CLOSING)
    for opening, closing in ("()", "[]", "{}"):
        if url.endswith(closing) and opening not in url:
            url = url[:-1].rstrip(_CLOSING)
    return url


def _kind(seen: _Seen) -> tuple[int, str]:
    """The rank, 0 for the surest, and the kind."""
    text = fold(clean(seen.text))
    secret = _secret(seen.href)
    spelled = "" if _WEB.match(text) else text
    address = seen.href.partition("://")[2].partition("/")[2].lower()[:1024]
    around = fold(clean(seen.around))
    for rank, kind in (
        (0, _first(spelled, _WORDS)),
        (1, _first("/" + address, _ADDRESSES)),
        (2, _nearest(around)),
    ):
        if kind == "unsubscribe":
            return 9, kind
        if kind and secret:
            return rank, kind
    return 5, "other"


def _first(folded: str, kinds: Iterable[tuple[str, Words]]) -> str | None:
    return next((kind for kind, words in kinds if folded and words.search(folded)), None)


def _nearest(around: str) -> str | None:
    """What the last of three sentences that says anything of the kind speaks of.

    Signing in is also what mails tell of that ask for nothing, hence nearer only.
    """
    sentences = [sentence for sentence in SENTENCE_END.split(around) if sentence.strip()]
    for distance, sentence in enumerate(reversed(sentences[-3:])):
        if link_words.TRADE.search(sentence):
            return None
        kind = _first(sentence, _WORDS)
        if kind:
            return kind if kind != "sign_in" or distance < 2 else None
    return None


def _secret(href: str) -> bool:
    """Whether something in the path or the query looks like nobody could guess it, or is called
    what nobody should."""
    rest = href.partition("://")[2].partition("/")[2][:2048]
    return _CALLED.search(rest) is not None or any(map(_random, re.split(r"[/?&=#]", rest)))


def _random(piece: str) -> bool:
    if any(map(str.isdigit, piece)):
        return len(piece) >= 4 and not _YEAR.fullmatch(piece)
    return len(piece) >= 20 and not any(map(piece.__contains__, "-_."))  # not-a-title-like-this
