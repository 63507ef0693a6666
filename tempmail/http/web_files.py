"""The files of the web page: scripts, icons, fonts of nobody, all out of the package."""

from __future__ import annotations

import hashlib
import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

from tempmail.http.answers import Answer
from tempmail.http.prepared import Prepared
from tempmail.http.requests import Nothing
from tempmail.http.routes import Access, Ask, Route
from tempmail.model.errors import NotFound

PATH = "/static"
"""Under which they are served."""

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_COMMENT = re.compile(r"/\*\*.*?\*/|(?<!\S)//[^\n]*", re.DOTALL)
_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "public, no-cache"


class WebFiles:
    """All files below ``web/``, read once.

    Their addresses begin with a digest of them all, so that scripts find each other by relative
    names and a browser may keep what it has for good.  At an old digest there are the files of
    today, to be kept by nobody: while daemons are replaced one by one, pages of both are open.

    Our scripts go out without their comments, which are a fifth of their bytes.
    """

    def __init__(self) -> None:
        read = {
            name: uncommented(content) if name == "first.js" or name.startswith("js/") else content
            for name, content in _read(resources.files("tempmail").joinpath("web"), "")
        }
        digest = hashlib.blake2b(digest_size=6)
        for name, content in sorted(read.items()):
            digest.update(b"%s\0%d\0%s" % (name.encode(), len(content), content))
        self.tag = digest.hexdigest()
        self._text = {name: content.decode("utf-8") for name, content in read.items()}
        self._served = {
            name: Prepared(content, _TYPES[PurePosixPath(name).suffix], {})
            for name, content in read.items()
            if PurePosixPath(name).suffix in _TYPES
        }

    def text(self, name: str) -> str:
        """What is in a file, such as ``app.css``."""
        return self._text[name].strip()

    def url(self, name: str) -> str:
        """Where a file is served, such as ``js/app.js``."""
        assert name in self._served, name
        return f"{PATH}/{self.tag}/{name}"

    def compressed(self) -> dict[str, int]:
        """Bytes that each file has on its way, by name."""
        return {
            name: len(one.compressed or one.content) for name, one in sorted(self._served.items())
        }

    def routes(self) -> list[Route]:
        """What can be asked for here."""
        return [
            Route("GET", f"{PATH}/<tag>/<name>", self.top, access=Access.ANYBODY),
            Route("GET", f"{PATH}/<tag>/<folder>/<name>", self.below, access=Access.ANYBODY),
        ]

    async def top(self, ask: Ask[Nothing], tag: str, name: str) -> Answer:
        return self._answer(ask, tag, name)

    async def below(self, ask: Ask[Nothing], tag: str, folder: str, name: str) -> Answer:
        return self._answer(ask, tag, f"{folder}/{name}")

    def _answer(self, ask: Ask[Nothing], tag: str, name: str) -> Answer:
        found = self._served.get(name)
        if found is None:
            raise NotFound("there is no such file")
        keep = _FOREVER if tag == self.tag else _ASK_AGAIN
        return found.answer(ask.request, **{"Cache-Control": keep})


def uncommented(script: bytes) -> bytes:
    """A script without its comments, and as many lines, so that an error's place is the same."""
    text = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), script.decode("utf-8"))
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).encode()


def _read(folder: Traversable, before: str) -> list[tuple[str, bytes]]:
    found = []
    for one in folder.iterdir():
        if one.is_dir():
            found += _read(one, f"{before}{one.name}/")
        else:
            found.append((before + one.name, one.read_bytes()))
    return found
