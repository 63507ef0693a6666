"""The pytest plugin: mailboxes for tests, and a server of the run's own where there is none.

It costs a run that does not use it nothing: what is heavy is imported by the first fixture.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pytest

from tempmail.client.errors import Error

if TYPE_CHECKING:
    from tempmail.client.sync import Client, Mailbox

_MAILBOXES_SHOWN = 5
_MAILS_SHOWN = 20
_made = pytest.StashKey[list["Mailbox"]]()


class TempmailServer(NamedTuple):
    """:ivar url: of its API.
    :ivar smtp: host and port where it takes mail, None where nobody said.
    :ivar private: it is this run's own.
    """

    url: str
    smtp: tuple[str, int] | None
    private: bool


class MakeMailbox(Protocol):
    """Makes a mailbox; the arguments are those of ``Client.create``."""

    def __call__(self, *args: Any, **kwargs: Any) -> Mailbox: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tempmail", "mailboxes for tests")
    group.addoption("--tempmail-url", metavar="URL", help="the server; else one is started")
    group.addoption("--tempmail-smtp", metavar="HOST:PORT", help="where that server takes mail")
    parser.addini("tempmail_url", "the tempmail server; else one is started")
    parser.addini("tempmail_smtp", "host:port where that server takes mail")
    parser.addini("tempmail_options", "options of the server that is started", type="args")


@pytest.fixture(scope="session")
def tempmail_server(pytestconfig: pytest.Config) -> Iterator[TempmailServer]:
    """The server that was named, or one that is started for this run (by xdist: this worker)."""
    url = _said(pytestconfig, "tempmail_url") or os.environ.get("TEMPMAIL_URL")
    if url:
        yield TempmailServer(url, _place(_said(pytestconfig, "tempmail_smtp")), private=False)
        return
    from tempmail.client.private_daemon import NotStarted, PrivateDaemon

    daemon, why = None, ""
    try:
        daemon = PrivateDaemon(pytestconfig.getini("tempmail_options"))
    except NotStarted as error:
        why = str(error)
    if daemon is None:
        pytest.fail(
            f"{why}\n\ntempmail: no server of its own could be started for the tests. "
            "Install tempmail with its extras 'client' and 'embedded', or name a server "
            "by --tempmail-url, the ini option tempmail_url or the variable TEMPMAIL_URL.",
            pytrace=False,
        )
    with daemon:
        yield TempmailServer(daemon.url, daemon.smtp, private=True)


@pytest.fixture(scope="session")
def tempmail_client(tempmail_server: TempmailServer) -> Iterator[Client]:
    """A client of that server; with the API key in ``UCT_API_KEY`` where it is not private."""
    from tempmail.client import Client

    with Client(tempmail_server.url, "" if tempmail_server.private else None) as client:
        yield client


@pytest.fixture(scope="session")
def smtp_server(tempmail_server: TempmailServer) -> tuple[str, int]:
    """Host and port to which the application under test should send its mail."""
    if tempmail_server.smtp is None:
        pytest.fail(
            "tempmail: say where the server takes mail, by --tempmail-smtp HOST:PORT or the ini "
            "option tempmail_smtp",
            pytrace=False,
        )
    return tempmail_server.smtp


@pytest.fixture
def make_mailbox(request: pytest.FixtureRequest, tempmail_client: Client) -> Iterator[MakeMailbox]:
    """Makes as many mailboxes as the test needs; they are deleted after it."""
    mailboxes: list[Mailbox] = []
    request.node.stash[_made] = mailboxes

    def make(*args: Any, **kwargs: Any) -> Mailbox:
        mailboxes.append(tempmail_client.create(*args, **kwargs))
        return mailboxes[-1]

    yield make
    for mailbox in mailboxes:
        with suppress(Error):  # it ends by itself
            mailbox.delete()


@pytest.fixture
def mailbox(make_mailbox: MakeMailbox) -> Mailbox:
    """A mailbox of this test's own."""
    return make_mailbox()


@pytest.hookimpl(hookwrapper=True)  # of this kind older pytests know, which are not to be disturbed
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Show with a failed test which mails its mailboxes hold."""
    outcome = yield
    report = outcome.get_result()
    mailboxes = item.stash.get(_made, [])
    if mailboxes and report.when == "call" and report.failed:
        shown = "\n".join(_shown(one) for one in mailboxes[-_MAILBOXES_SHOWN:])
        report.sections.append(("tempmail", shown))


def _shown(mailbox: Mailbox) -> str:
    try:
        arrived = [f"  {one}" for one in islice(mailbox.messages(), _MAILS_SHOWN)]
    except Error as error:
        arrived = [f"  {error}"]
    return "\n".join([f"{mailbox.address}:", *(arrived or ["  nothing arrived"])])


def _said(config: pytest.Config, name: str) -> str | None:
    return config.getoption(name) or config.getini(name) or None


def _place(given: str | None) -> tuple[str, int] | None:
    if given is None:
        return None
    host, colon, port = given.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit()):
        raise pytest.UsageError(f"tempmail: not a host and port: {given!r}")
    return host.strip("[]"), int(port)
