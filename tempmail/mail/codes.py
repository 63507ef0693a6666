"""The codes that a mail asks its reader to type in: one-time codes, PINs, device and backup codes.

A number alone says nothing; what is written around it does.  Each number or group of letters
and digits that has a code's shape is weighed by the nearest words: those for "code" speak for it,
those for orders, parcels, prices, phones, discounts and so on against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tempmail.mail.code_words import (
    ASKS,
    BARGAIN,
    CODE,
    CURRENCY,
    OTHER_NUMBER,
    STRONG,
    UNIT,
)
from tempmail.mail.folding import SENTENCE_END, clean, fold
from tempmail.mail.hypertext import read
from tempmail.model.message import Code

MAX_CODES = 20
MAX_CONTEXT = 120
MAX_CANDIDATES = 500
"""Of each the subject, the text and the HTML; those after are not weighed."""

LIKELY = 0.5
"""Below this confidence nothing is called a code."""
_RIVAL = 0.25  # what is so much less likely than the best is something else

_BEFORE, _AFTER = 480, 80
_CLAUSE = 160
_JOINTS = " -:=\N{EN DASH}\N{EM DASH}»\"'”)]*"  # between a code and the word for it
_MARKS = " -\"'*>[](){}.:"  # around a code on its own line
_URL = re.compile(r"(?:https?://|www\.)[!-;=?-~]*+")
_CANDIDATE = re.compile(
    r"""
    (?<![0-9A-Za-z-])
    (?: (?:[0-9A-Z]\ ){3,9} [0-9A-Z] (?!\ ?[0-9A-Za-z])  # 1 2 3 4 5 6, boxes included
      | [0-9]++ (?:[ -][0-9]++)*+ (?![0-9A-Za-z-])  # 123456, 123 456, 123-456
      | (?=[A-Za-z-]*+[0-9]) [0-9A-Za-z]++ (?:-[0-9A-Za-z]++)*+  # A1B2C3, AB1-2CD
      | (?<=:\ ) [A-Z]{4,10} (?:-[A-Z]{3,6}){0,3}+ (?=[.!]?$)  # code: ABCDEF
      | ^ [0-9A-Z]{3,5}\ [0-9A-Z]{3,5} $
      | ^ [A-Z]{4,10} (?:-[A-Z]{3,6}){0,3}+ $
      | ^ [a-z]{3,12} (?:-[a-z]{3,12}){2,5}+ $  # four-words-like-these
    )
    """,
    re.VERBOSE | re.MULTILINE,
)
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_GOES_ON = re.compile(r"[/@_=\\]|[.,:][0-9]{1,3}(?!\w)|[^ \n]{0,60}@|\.[0-9a-z]")
_PREFIXED = re.compile(r"[A-Z]{1,2}-([0-9]{4,8})")
_QUANTITY = re.compile(r"[0-9]+-?[a-z]+(?:-[a-z]+)*|[vV][0-9]+|[a-z]+-[0-9]+")  # 24h, 6-digit, v2
_SLOGAN = re.compile(r"[A-Za-z]{4,}[0-9]{1,4}")  # SAVE20, rita1990


def find_codes(subject: str, text: str, html: str) -> tuple[Code, ...]:
    """The codes in a mail, likeliest first, at most 20 and each once.

    Linear in time; looks at the first 256 Ki characters of each of the texts.
    """
    subject = " ".join(clean(subject[:1024]).split("\n"))
    bodies = clean(text), clean(read(html)[0])
    named = _label(fold(subject))
    announced = bool(named) or any(CODE.search(fold(body[:2000])) for body in bodies)
    found: dict[str, Code] = {}
    for shown, about in (subject, None), (bodies[0], named), (bodies[1], named):
        for code in _weighed(shown, about, announced):
            known = found.get(code.value)
            if known is None or known.confidence < code.confidence:
                found[code.value] = code
    ranked = sorted(found.values(), key=lambda code: -code.confidence)
    least = max(LIKELY, ranked[0].confidence - _RIVAL) if ranked else 0
    return tuple(
        code
        for code in ranked
        if code.confidence >= least and (code is ranked[0] or not code.value.isalpha())
    )[:MAX_CODES]


def _weighed(shown: str, named: bool | None, announced: bool) -> Iterator[Code]:
    """The codes of one text.

    :param named: whether the mail's subject speaks of a code (True), of another number (False),
        or of neither.
    :param announced: whether a code is spoken of anywhere near the mail's beginning.
    """
    shown = _URL.sub(" ", shown)
    folded = fold(shown)
    consumed = 0
    for number, match in enumerate(_CANDIDATE.finditer(shown)):
        if number >= MAX_CANDIDATES:
            return
        start, end = match.span()
        value, likelihood = _shape(match[0])
        if not value:
            continue
        before, after = folded[max(0, start - _BEFORE) : start], folded[end : end + _AFTER]
        if not _part_of_something(before, after):
            evidence = _evidence(before, after, start - consumed, named, announced)
            confidence = round(min(evidence * likelihood, 0.99), 2)
            if confidence >= LIKELY and not (_YEAR.fullmatch(value) and _dated(before, evidence)):
                yield Code(value, confidence, _context(shown, start, end))
        consumed = end


def _shape(written: str) -> tuple[str, float]:
    """The value, and how often what is written so is a code; an empty value for never."""
    prefixed = _PREFIXED.fullmatch(written)
    if prefixed:
        return prefixed[1], 0.97
    groups = re.split("[ -]", written)
    sizes = {len(group) for group in groups}
    digits = "".join(groups)
    if digits.isdecimal():
        if len(groups) > 1 and (len(sizes) > 1 or (len(groups) > 4 and sizes != {1})):
            return "", 0
        return (digits, _LENGTHS[len(digits)]) if len(digits) in _LENGTHS else ("", 0)
    if sizes == {1} or (" " in written and any(map(str.isdigit, written))):
        return digits, 0.85
    if _QUANTITY.fullmatch(written):
        return "", 0
    if len(groups) == 1:
        if not 4 <= len(written) <= 10:
            return "", 0
        if _SLOGAN.fullmatch(written):
            return written, 0.55
        return written, 0.92 if written.isupper() and not written.isalpha() else 0.8
    if " " in written or len(written) > 32 or max(sizes) > 12 or len(written) < 5:
        return "", 0
    return written, 0.92


_LENGTHS = {4: 0.97, 5: 0.96, 6: 1.0, 7: 0.95, 8: 0.97, 9: 0.85, 10: 0.8}


def _part_of_something(before: str, after: str) -> bool:
    """Whether the number is cut out of a price, date, time, path, version or phone number."""
    left = before[-1:]
    if left and (left in "#/@_+=&~.\\(" or (left in ",:" and before[-2:-1].isdigit())):
        return left != "(" or after[:1] != ")"
    if _GOES_ON.match(after) or UNIT.match(after) or CURRENCY.search(before[-8:]):
        return True
    return before[-64:].rpartition(" ")[2].find("@") >= 0


def _dated(before: str, evidence: float) -> bool:
    """Whether what looks like a year may be one: nothing right before it says otherwise."""
    line = before.rpartition("\n")[2]
    return evidence < 0.95 or bool(line and _label(line[-15:]) is None)


def _evidence(before: str, after: str, fresh: int, named: bool | None, announced: bool) -> float:
    """How much the words around a candidate make a code of it.

    :param fresh: characters since the candidate before, to which a label there belongs.
    """
    line = before.rpartition("\n")[2]
    rest = after.partition("\n")[0]
    clause = SENTENCE_END.split(line[-min(fresh, _CLAUSE) :].rstrip(_JOINTS))[-1]
    following = SENTENCE_END.split(rest.lstrip(_JOINTS), maxsplit=1)[0]
    if CODE.search(clause):
        evidence = 0.98
    elif CODE.search(following[:50]) and _label(following[:50]):
        evidence = 0.93
    elif not line.strip(_MARKS) and not rest.strip(_MARKS):
        evidence = _announcement(before, after, named)
    elif (named or announced) and (ASKS.search(clause) or ASKS.search(following)):
        evidence = 0.75
    else:
        return 0
    if _label(clause) is False or BARGAIN.search(following):
        return 0
    return evidence * 0.5 if named is False and not STRONG.search(before[-120:]) else evidence


def _announcement(before: str, after: str, named: bool | None) -> float:
    """What the lines before, the line after and the subject say of a candidate on its own line."""
    lines = [line for line in before.split("\n")[:-1] if not _CANDIDATE.fullmatch(line)]
    for distance, line in enumerate(reversed(lines[-3:])):
        label = _label(line[-240:])
        if label is not None:
            return (0.97 - 0.05 * distance) if label else 0
        if distance == 0 and named and ASKS.search(line):
            return 0.92
    if named:
        return 0.85
    return 0.75 if _label(after.lstrip("\n").partition("\n")[0]) else 0


def _label(folded: str) -> bool | None:
    """Whether the last thing spoken of is a code (True) or another number; None for neither."""
    code, other = CODE.last(folded), OTHER_NUMBER.last(folded)
    if code is None or other is None:
        return None if other is code else other is None
    if other.start() < code.end():
        return other.end() < code.start() - 4  # apart, unlike in "order code"
    return other.end() < len(folded) - 20 and STRONG.search(folded) is not None


def _context(shown: str, start: int, end: int) -> str:
    """The line it stands on, with the one before where it stands first, within bounds."""
    lines = shown[max(0, start - 80) : start].split("\n")
    head = " ".join(lines[-2:] if len(lines[-1]) < 8 else lines[-1:])
    tail = shown[end : start + MAX_CONTEXT - len(head)].partition("\n")[0]
    return (head + shown[start:end] + tail).strip()
