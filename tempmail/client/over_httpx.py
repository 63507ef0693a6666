"""How requests go over httpx, for both clients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx

from tempmail import __version__
from tempmail.client.errors import BadAnswer, Interrupted, Unreachable
from tempmail.client.exchange import Reply, Request

MOST_BYTES = 256 * 1024 * 1024
"""Of one answer; the largest is a mail, 25 MiB unless the operator allows more."""

_CONNECT = 10.0


_HEADERS = {
    "User-Agent": f"tempmail-client/{__version__}",
    "Accept-Encoding": "identity",  # else an answer could be larger than its bytes
}


def options(url: str) -> dict[str, Any]:
    """What an httpx client is made with to ask the server at ``url``.

    :raises ValueError: it is no URL of http or https.
    """
    parts = urlsplit(url)
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"not the URL of a server: {url!r}; give one like http://127.0.0.1:8080")
    here = host == "localhost" or host.endswith(".localhost") or host.startswith("127.")
    # No proxy of the environment's leads to this machine's own loopback interface.
    return {"trust_env": not (here or host == "::1")}


def arguments(url: str, request: Request) -> dict[str, Any]:
    """``request`` to the server at ``url`` as httpx's ``stream`` takes it."""
    headers = {**_HEADERS, "Accept": request.accept}
    if request.credential is not None:
        headers["Authorization"] = f"Bearer {request.credential}"
    return {
        "method": request.method,
        "url": url + request.path,
        "params": {name: value for name, value in request.query.items() if value is not None},
        "json": request.body,
        "headers": headers,
        "timeout": httpx.Timeout(request.seconds, connect=min(_CONNECT, request.seconds)),
        "follow_redirects": False,  # they could lead the credential elsewhere
    }


@contextmanager
def translated(url: str) -> Iterator[None]:
    """httpx's errors as ours."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise Unreachable(
            f"no server answers at {url}: {error or 'connecting takes too long'}"
        ) from error
    except httpx.TimeoutException as error:
        raise Unreachable(f"{url} was silent for too long") from error
    except httpx.TransportError as error:
        raise Interrupted(f"the connection to {url} broke: {error}") from error


class Collected:
    """An answer's body while it comes in."""

    def __init__(self) -> None:
        self._body = bytearray()

    def add(self, chunk: bytes) -> None:
        """:raises BadAnswer: it is longer than any answer should be."""
        self._body += chunk
        if len(self._body) > MOST_BYTES:
            raise BadAnswer(f"an answer of more than {MOST_BYTES} bytes")

    def reply(self, response: httpx.Response) -> Reply:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, headers, bytes(self._body))
