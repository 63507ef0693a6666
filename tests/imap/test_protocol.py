"""A server that need not be friendly: what it sends is bounded, and it has to answer."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from tempmail.imap.errors import Late, Lost, Refused, Rejected, TooLarge, Trouble, Violation
from tempmail.imap.protocol import COMMAND_SECONDS, ImapProtocol
from tempmail.imap.responses import MAX_TEXT, Response, ResponseReader
from tempmail.imap.session import Session

GREETING = b"* OK ready\r\n"


def responses(data: bytes, piece: int) -> list[Response]:
    reader = ResponseReader(lambda size: None)
    found: list[Response] = []
    for start in range(0, len(data), piece):
        found += reader.feed(data[start : start + piece])
    return found


@pytest.mark.parametrize("piece", [1, 2, 7, 1000])
def test_responses_are_cut_alike_however_they_arrive(piece: int) -> None:
    data = b"* 1 FETCH (BODY[] {5}\r\na\r\n{3 UID 7)\r\n* 2 EXISTS\r\nt1 OK {\r\n* X {0}\r\n\r\n"
    first, second, third, last = responses(data, piece)
    assert first.text == b"* 1 FETCH (BODY[] {} UID 7)"
    assert b"".join(first.literals[0]) == b"a\r\n{3"
    assert (second.text, third.text) == (b"* 2 EXISTS", b"t1 OK {")
    assert (last.text, last.literals) == (b"* X {}", [[]])


@pytest.mark.parametrize(
    "data",
    [b"* " + b"x" * MAX_TEXT, b"* {9999999999999999}\r\n", b"* " + b"{0}\r\n" * 9],
    ids=["endless line", "impossible literal", "many literals"],
)
def test_a_response_without_an_end_is_a_violation(data: bytes) -> None:
    with pytest.raises(Violation):
        responses(data, 1000)


def test_many_short_lines_take_time_linear_to_their_number() -> None:
    assert len(responses(b"\n" * 300_000, 65536)) == 300_000


class SessionTest(SynchronousTestCase):
    """A session against scripted answers."""

    def setUp(self) -> None:
        self.clock, self.transport = Clock(), StringTransport()
        self.protocol = ImapProtocol(self.clock)
        self.protocol.makeConnection(self.transport)
        self.session = Session(self.protocol)

    def greeted(self) -> None:
        self.says(GREETING)
        self.successResultOf(self.protocol.greeting)

    def says(self, data: bytes) -> None:
        self.protocol.dataReceived(data)

    def asked(self) -> bytes:
        said = bytes(self.transport.value())
        self.transport.clear()
        return said

    def begin(self, doing: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(doing)

    def fails(self, doing: Deferred[Any] | Awaitable[Any], why: type[Trouble]) -> Trouble:
        failure = self.failureResultOf(doing, why)
        assert isinstance(failure.value, why)
        assert self.transport.disconnected or why is Refused or why is Rejected
        assert not self.clock.getDelayedCalls()
        return failure.value

    def test_a_greeting_that_never_comes(self) -> None:
        self.clock.advance(COMMAND_SECONDS)
        self.fails(self.protocol.greeting, Late)

    def test_a_greeting_that_turns_away(self) -> None:
        self.says(b"* BYE too many connections\r\n")
        failure = self.failureResultOf(self.protocol.greeting, Refused)
        assert "too many" in str(failure.value)
        assert self.transport.disconnected

    def test_an_answer_that_never_comes(self) -> None:
        self.greeted()
        looking = self.begin(self.session.look())
        self.clock.advance(COMMAND_SECONDS - 1)
        self.assertNoResult(looking)
        self.says(b"* 1 EXISTS\r\n" * 10)  # is no answer
        self.clock.advance(1)
        self.fails(looking, Late)

    def test_an_answer_without_an_end(self) -> None:
        self.greeted()
        looking = self.begin(self.session.look())
        for _ in range(11):
            self.says(b"* OK still here\r\n" * 10_000)
        self.fails(looking, Violation)

    def test_words_without_an_end_that_nobody_asked_for(self) -> None:
        self.greeted()
        for _ in range(11):
            self.says(b"* OK still here\r\n" * 10_000)
        self.fails(self.begin(self.session.look()), Violation)

    def test_a_literal_that_nobody_asked_for(self) -> None:
        self.greeted()
        looking = self.begin(self.session.look())
        self.says(b"* 1 FETCH (BODY[] {5000}\r\n")
        self.fails(looking, Violation)

    def test_a_mail_larger_than_the_server_said(self) -> None:
        self.greeted()
        sizes: list[int] = []

        def admit(size: int) -> None:
            sizes.append(size)
            raise TooLarge("")

        fetching = self.begin(self.session.fetch(7, 100, admit))
        self.says(b"* 1 FETCH (UID 7 BODY[] {31457280}\r\n" + b"x" * 1000)
        self.fails(fetching, TooLarge)
        assert sizes == [31457280]

    def test_a_mail_that_drips(self) -> None:
        self.greeted()
        fetching = self.begin(self.session.fetch(7, 16 * 1024 * 100, lambda _: None))
        self.says(b"* 1 FETCH (UID 7 BODY[] {1638400}\r\n")
        for _ in range(16):
            self.says(b"x" * 10)
            self.clock.advance(10)
        self.fails(fetching, Late)

    def test_an_answer_to_no_question(self) -> None:
        self.greeted()
        self.says(b"t1 OK done\r\n")
        self.fails(self.begin(self.session.look()), Violation)

    def test_a_connection_that_is_lost(self) -> None:
        self.greeted()
        looking = self.begin(self.session.look())
        self.protocol.connectionLost()
        self.failureResultOf(looking, Lost)
        self.failureResultOf(self.begin(self.session.look()), Lost)

    def test_another_mail_than_the_one_asked_for_is_not_taken(self) -> None:
        self.greeted()
        fetching = self.begin(self.session.fetch(7, 100, lambda _: None))
        self.says(b"* 1 FETCH (UID 8 BODY[] {2}\r\nno)\r\nt1 OK\r\n")
        assert self.successResultOf(fetching) is None

    def test_a_mail_may_be_a_quoted_string_or_nothing(self) -> None:
        self.greeted()
        for number, (said, raw) in enumerate(((rb'"a\"b\\"', rb'a"b' + b"\\"), (b"NIL", b"")), 1):
            fetching = self.begin(self.session.fetch(7, 100, lambda _: None))
            self.says(b"* 1 FETCH (BODY[] %s UID 7)\r\nt%d OK\r\n" % (said, number))
            assert b"".join(self.successResultOf(fetching).chunks) == raw

    def test_no_starttls_no_log_in(self) -> None:
        self.greeted()
        self.fails(self.begin(self.session.start_tls(None)), Refused)
        assert self.asked() == b""

    def test_what_was_said_in_clear_behind_starttls_is_a_violation(self) -> None:
        self.greeted()
        self.session.can = frozenset({"STARTTLS"})
        starting = self.begin(self.session.start_tls(None))
        self.says(b"t1 OK go on\r\nt2 OK [CAPABILITY AUTH=PLAIN]\r\n")
        self.failureResultOf(starting, Violation)

    def test_a_password_is_never_repeated(self) -> None:
        self.greeted()
        logging_in = self.begin(self.session.log_in("joe", b"secret"))
        assert self.asked() == b't1 LOGIN "joe" "secret"\r\n'
        self.says(b't1 BAD LOGIN "joe" "secret" what?\r\n')
        assert "secret" not in str(self.fails(logging_in, Rejected))

    def test_where_the_server_allows_no_password_none_is_sent(self) -> None:
        self.greeted()
        self.session.can = frozenset({"LOGINDISABLED"})
        self.fails(self.begin(self.session.log_in("joe", b"secret")), Rejected)
        assert self.asked() == b""

    def test_a_password_of_any_letters_by_authenticate_plain(self) -> None:
        self.greeted()
        self.session.can = frozenset({"AUTH=PLAIN"})
        self.begin(self.session.log_in("joe", "grün".encode()))
        assert self.asked() == b"t1 AUTHENTICATE PLAIN\r\n"
        self.says(b"+ \r\n")
        assert self.asked() == b"AGpvZQBncsO8bg==\r\n"

    def test_without_uidplus_only_the_one_mail_is_removed(self) -> None:
        self.greeted()
        removing = self.begin(self.session.remove(7))
        assert self.asked() == b"t1 UID STORE 7 +FLAGS.SILENT (\\Deleted)\r\n"
        self.says(b"t1 OK\r\n")
        self.says(b"* SEARCH 3 7\r\nt2 OK\r\n")  # somebody else's mark would go with it
        self.successResultOf(removing)
        assert b"EXPUNGE" not in self.asked()
        removing = self.begin(self.session.remove(7))
        self.says(b"t3 OK\r\n")
        self.says(b"* SEARCH 7\r\nt4 OK\r\n")
        assert self.asked().endswith(b"t5 EXPUNGE\r\n")
        self.says(b"t5 OK\r\n")
        self.successResultOf(removing)

    def test_idling_ends_with_new_mail(self) -> None:
        self.greeted()
        self.session.can = frozenset({"IDLE"})
        waiting = self.begin(self.session.wait(240))
        assert self.asked() == b"t1 IDLE\r\n"
        self.says(b"+ idling\r\n* OK still here\r\n")
        assert self.asked() == b""
        self.says(b"* 3 EXISTS\r\n")
        assert self.asked() == b"DONE\r\n"
        self.says(b"t1 OK\r\n")
        assert self.successResultOf(waiting) is True
        assert not self.clock.getDelayedCalls()

    def test_idling_ends_after_a_while_and_a_server_that_is_gone_is_noticed(self) -> None:
        self.greeted()
        self.session.can = frozenset({"IDLE"})
        waiting = self.begin(self.session.wait(240))
        self.says(b"+\r\n")
        self.asked()
        self.clock.advance(240)
        assert self.asked() == b"DONE\r\n"
        self.clock.advance(COMMAND_SECONDS)
        self.fails(waiting, Late)

    def test_mail_that_came_before_idling_is_not_waited_for(self) -> None:
        self.greeted()
        self.session.can = frozenset({"IDLE"})
        self.says(b"* 3 EXISTS\r\n")
        assert self.successResultOf(self.begin(self.session.wait(240))) is True
        assert self.asked() == b""
