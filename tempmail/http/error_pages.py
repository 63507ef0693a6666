"""Refusals as pages, for people who came with a browser; programs get problem documents."""

from __future__ import annotations

from markupsafe import Markup
from twisted.web.server import Request

from tempmail.http.answers import Answer
from tempmail.http.layout import HTML, Layout, icon, titled
from tempmail.http.prepared import Prepared
from tempmail.http.problems import Problem
from tempmail.http.readers import wants_page
from tempmail.http.words import t

_TITLES = {
    400: "That was no request we understand",
    401: "You have to sign in for this",
    403: "You may not do this",
    404: "There is nothing here",
    405: "This cannot be done here",
    410: "This is gone",
    413: "That is too much at once",
    421: "This is not the site you look for",
    422: "Something in the address is not right",
    429: "Too fast",
    500: "Something went wrong on our side",
    503: "We cannot do this right now",
}
_HINTS = {
    404: "Perhaps it has expired: what is gone leaves nothing behind. Perhaps the address has a"
    " mistake in it.",
    410: "What has expired leaves nothing behind.",
    500: "It has been noted. Trying again may help.",
}
_HINTS_IN_TIME = {
    429: "Wait {seconds} seconds, then try again.",
    503: "Nothing is lost. Try again in {seconds} seconds.",
}
"""Where it is known when to come again."""

_OTHERWISE = "This did not work"
_SMALL = frozenset(("blocked", "unknown_host"))
"""Codes for who asks far too often, or is led here by a name that is not ours: a few bytes."""

_MOST_PREPARED = 64


class ErrorPages:
    """:param layout: of all pages."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._prepared: dict[tuple[int, str, str], Prepared] = {}

    def answer(self, request: Request, problem: Problem) -> Answer:
        """``problem`` as whoever sent ``request`` can read it."""
        if not wants_page(request):
            return problem.answer()
        if problem.code in _SMALL:
            return Answer(problem.status, _small(problem), HTML, problem.headers)
        return self._of(problem).answer(
            request, problem.status, **{**problem.headers, "Cache-Control": "no-store"}
        )

    def _of(self, problem: Problem) -> Prepared:
        key = (problem.status, problem.words, problem.headers.get("Retry-After", ""))
        prepared = self._prepared.get(key)
        if prepared is None:
            document = self._layout.document(
                titled(_title(problem)), _main(problem), styles=("pages.css",)
            )
            prepared = self._layout.prepared(document)
            if len(self._prepared) >= _MOST_PREPARED:
                del self._prepared[next(iter(self._prepared))]
            self._prepared[key] = prepared
        return prepared


def _title(problem: Problem) -> Markup:
    return t(_TITLES.get(problem.status, _OTHERWISE))


def _hint(problem: Problem) -> Markup:
    seconds = problem.headers.get("Retry-After", "")
    if problem.status in _HINTS_IN_TIME and seconds.isdecimal():
        return t(_HINTS_IN_TIME[problem.status], seconds=seconds)
    return t(_HINTS[problem.status]) if problem.status in _HINTS else Markup()


def _main(problem: Problem) -> str:
    first = ("/sign-in", "log-in", "Sign in") if problem.status == 401 else ("/", "inbox", "Inbox")
    path, name, word = first
    return (
        f'<main id="main" tabindex="-1" class="doc error"><p class="status-code">{problem.status}'
        f"</p><h1>{_title(problem)}</h1>"
        f'<p class="lede">{_sentence(problem.words)}</p><p>{_hint(problem)}</p>'
        f'<p class="btns"><a class="btn primary" href="{path}">{icon(name)} {t(word)}</a>'
        f'<a class="btn" href="/docs">{t("Guide")}</a>'
        f'<a class="btn" href="/status">{t("Status")}</a></p></main>'
    )


def _small(problem: Problem) -> bytes:
    """Of as few bytes as may be."""
    return (
        f'<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">'
        f"<title>{_title(problem)}</title><h1>{_title(problem)}</h1>"
        f"<p>{_sentence(problem.words)}</p>"
    ).encode()


def _sentence(words: str) -> Markup:
    """As people write it."""
    return t(f"{words[:1].upper()}{words[1:]}{'' if words.endswith(('.', '!', '?')) else '.'}")
