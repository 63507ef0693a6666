"""Which messages somebody waits for: words and patterns in sender, subject and body.

Patterns are RE2's (https://github.com/google/re2/wiki/Syntax): their time grows linearly with
the text, whatever they look like.  With the bounds below the worst that was found took 200 ms,
most take microseconds; RE2 lets other threads run meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import re2
from attrs import frozen

from tempmail.model.errors import InvalidInput
from tempmail.model.message import Message, View

MAX_EXPRESSION = 200
"""Characters of what is looked for."""

SEARCHED = 32 * 1024
"""Characters of a text that are looked at, from its beginning."""

_MAX_PROGRAM = 1500
"""Instructions: ``\\pL+`` has 1,200."""

_OPTIONS = re2.Options()
_OPTIONS.max_mem = 256 * 1024  # bytes; the module caches 128 compiled patterns
_OPTIONS.never_capture = True
_OPTIONS.log_errors = False

_HAS: Mapping[str, Callable[[View], bool]] = {
    "code": lambda view: bool(view.codes),
    "link": lambda view: any(link.kind != "unsubscribe" for link in view.links),
}


class Expression(Protocol):
    """Something to look for in a text."""

    def within(self, text: str) -> bool: ...


@frozen
class Words:
    """A substring, in any case."""

    folded: str

    def within(self, text: str) -> bool:
        return self.folded in text[:SEARCHED].casefold()


@frozen
class Pattern:
    """A regular expression.  It is compiled, or found in the module's cache, when it is used,
    so that thousands who wait hold no more than its text."""

    pattern: str

    def within(self, text: str) -> bool:
        octets = text[:SEARCHED].encode("utf-8", "replace")[:SEARCHED]
        return re2.compile(self.pattern, _OPTIONS).search(octets) is not None


def expression(given: str) -> Expression:
    """``/pattern/``, ``/pattern/i`` for any case, or else a substring.

    :raises InvalidInput: it is empty or too long, or the pattern is none of RE2's or too costly.
    """
    if not 0 < len(given) <= MAX_EXPRESSION:
        raise InvalidInput(f"has 1 to {MAX_EXPRESSION} characters")
    opening, slash, flags = given.rpartition("/")
    if not (slash and len(opening) > 1 and opening[0] == "/" and flags in ("", "i")):
        return Words(given.casefold())
    pattern = f"(?{flags}:{opening[1:]})" if flags else opening[1:]
    try:
        compiled = re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        raise InvalidInput(f"is no RE2 pattern: {_said(error)}") from None
    if max(compiled.programsize, compiled.reverseprogramsize) > _MAX_PROGRAM:
        raise InvalidInput("is too costly a pattern; repeat less in it")
    return Pattern(pattern)


def _said(error: Exception) -> str:
    (why,) = error.args or ("",)
    return str(why, "utf-8", "replace") if isinstance(why, bytes) else str(why)


@frozen
class Matcher:
    """What a message must be like; what is None does not matter.

    :ivar sender: in its author's address or name.
    :ivar body: in its text, or in its HTML where it has no text.
    :ivar has: ``code``, or ``link`` for one to anything but unsubscribing.
    """

    sender: Expression | None = None
    subject: Expression | None = None
    body: Expression | None = None
    has: str | None = None

    @property
    def is_costly(self) -> bool:
        """Whether matching may take longer than the reactor's thread should be held."""
        return any(isinstance(one, Pattern) for one in (self.sender, self.subject, self.body))

    def matches(self, message: Message) -> bool:
        """:param message: one that has a view."""
        view = message.view
        assert view is not None
        return (
            _within(self.sender, (view.from_address, view.from_name))
            and _within(self.subject, (view.subject,))
            and (self.has is None or _HAS[self.has](view))
            and _within(self.body, (view.body_text or view.body_html,))
        )


def _within(wanted: Expression | None, texts: Iterable[str]) -> bool:
    return wanted is None or any(wanted.within(text) for text in texts)


def matcher(
    *,
    sender: str | None = None,
    subject: str | None = None,
    body: str | None = None,
    has: str | None = None,
) -> Matcher:
    """A matcher from what a client says.

    :raises InvalidInput: by the name that the client knows; see :func:`expression`.
    """
    return Matcher(
        _expression("from", sender), _expression("subject", subject), _expression("body", body), has
    )


def _expression(name: str, given: str | None) -> Expression | None:
    try:
        return None if given is None else expression(given)
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error.detail}") from None
