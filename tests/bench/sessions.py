"""How an SMTP client converses: what it writes and which replies it then waits for.

A session is a generator of steps without a socket in it, so that the load generator keeps to
moving bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

from tests.bench.mails import Mail

EHLO = b"EHLO out-17.mail.shop.example\r\n"


class Step(NamedTuple):
    """What a session writes next and the reply codes that it then waits for.

    :ivar delivers: the payload ends a mail, so the first reply decides over it.
    """

    payload: tuple[bytes, ...]
    expected: tuple[bytes, ...]
    delivers: bool = False


# A session waits here until all of them are connected, so that connecting is not measured.
HOLD = Step((), ())

QUIT = Step((b"QUIT\r\n",), (b"221",))

# Yields steps, is sent the replies to each, returns the last.
Session = Generator[Step, bytes, bytes]


def opening() -> Session:
    """Greet, and return the reply to EHLO."""
    yield Step((), (b"220",))
    return (yield Step((EHLO,), (b"250",)))


def one_by_one(mail: Mail) -> Session:
    """Send a mail, waiting for the reply to each command."""
    for command, code in zip(mail.commands, (b"250", b"250", b"354"), strict=True):
        yield Step((command,), (code,))
    return (yield Step(mail.content, (b"250",), delivers=True))


def kept(bag: Iterator[Mail]) -> Session:
    """Send mails over one connection, waiting for every reply."""
    yield from opening()
    yield HOLD
    for mail in bag:
        yield from one_by_one(mail)
    return (yield QUIT)


def fresh(bag: Iterator[Mail]) -> Session:
    """Send one mail and quit."""
    yield from opening()
    mail = next(bag, None)
    if mail is not None:
        yield from one_by_one(mail)
    return (yield QUIT)


def pipelined(bag: Iterator[Mail]) -> Session:
    """Send mails in as few writes as RFC 2920 section 3.1 allows, where the server does.

    MAIL, RCPT and DATA go in one write, behind the end of the mail before; content is written
    when 354 has come. A server that does not announce PIPELINING gets one command at a time.
    """
    features = yield from opening()
    yield HOLD
    if b"PIPELINING" not in features.upper():
        for mail in bag:
            yield from one_by_one(mail)
        return (yield QUIT)
    current = next(bag, None)
    if current is not None:
        yield Step(current.commands, (b"250", b"250", b"354"))
    while current is not None:
        following = next(bag, None)
        if following is None:
            yield Step(current.content, (b"250",), delivers=True)
        else:
            replies = (b"250", b"250", b"250", b"354")
            yield Step(current.content + following.commands, replies, delivers=True)
        current = following
    return (yield QUIT)


SHAPES: dict[str, Callable[[Iterator[Mail]], Session]] = {
    "kept": kept,
    "fresh": fresh,
    "pipelined": pipelined,
}
