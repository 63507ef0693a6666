"""Where a Redis is, and how it is spoken to, from one URL."""

from __future__ import annotations

import ipaddress
import os
import re
from urllib.parse import parse_qsl, unquote, urlsplit

from attrs import field, frozen

from tempmail.model.errors import InvalidInput

_PORT = 6379
_MOST_DATABASES = 1_000_000
_PREFIX = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
_FORM = "redis[s]://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE][?cacert=FILE&prefix=WORD]"


@frozen
class RedisUrl:
    """:ivar tls: whether the server's certificate and host name are checked and all is encrypted.
    :ivar cacert: a PEM file with the authorities to trust; None for those of the system.
    :ivar prefix: of every key and channel, so that installations can share a Redis.
    """

    host: str
    port: int = _PORT
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    cacert: str | None = None
    prefix: str = "tempmail:"

    @property
    def channel(self) -> str:
        """Where the events are; Redis' channels know no databases, so the name holds ours."""
        return f"{self.prefix}{self.database}:events"

    @property
    def is_exposed(self) -> bool:
        """Whether it is on another machine and takes anybody."""
        return self.password is None and not _is_loopback(self.host)


def redis_url(text: str) -> RedisUrl:
    """Read ``redis://`` or ``rediss://`` with TLS, as redis-cli takes them.

    :raises InvalidInput: what is wrong; never with the text, which may hold a password.
    """
    try:
        url = urlsplit(text)
        port = url.port or _PORT
    except ValueError:
        raise InvalidInput(f"is of the form {_FORM}") from None
    if url.scheme not in ("redis", "rediss") or not url.hostname or url.fragment:
        raise InvalidInput(f"is of the form {_FORM}")
    path = url.path.strip("/")
    if path and not (path.isascii() and path.isdigit() and int(path) < _MOST_DATABASES):
        raise InvalidInput("the path is the number of a database")
    options = dict(parse_qsl(url.query, keep_blank_values=True))
    cacert, prefix = options.pop("cacert", None), options.pop("prefix", "tempmail:")
    if options:
        raise InvalidInput("knows cacert and prefix behind the question mark, nothing else")
    if not _PREFIX.fullmatch(prefix):
        raise InvalidInput("the prefix is of up to 64 letters, digits, and any of _.:-")
    tls = url.scheme == "rediss"
    if cacert is not None and not (tls and os.access(cacert, os.R_OK)):
        raise InvalidInput("cacert is a PEM file that can be read, and goes with rediss://")
    return RedisUrl(
        url.hostname,
        port,
        tls,
        unquote(url.username) if url.username else None,
        unquote(url.password) if url.password else None,
        int(path or 0),
        cacert,
        prefix,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
