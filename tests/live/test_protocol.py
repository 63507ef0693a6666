from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from websockets.frames import Frame, Opcode

from tempmail.live.protocol import CLIENT_FRAMES
from tempmail.model.errors import Unavailable
from tempmail.model.event import Event, EventKind
from tests.live.doubles import MAILBOX_ID, TOKEN, Service, Visitor, message_id


class FramesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.service = Service(self.clock)

    def seqs(self, visitor: Visitor) -> list[int]:
        return [frame["seq"] for frame in visitor.frames]

    def test_a_message_is_told_to_everybody_who_follows(self) -> None:
        visitors = [Visitor(self.service, self.clock) for _ in range(3)]
        self.service.arrive()
        for visitor in visitors:
            self.assertEqual(
                visitor.frames,
                [{"event": "new_message", "message_id": str(message_id(1)), "seq": 1}],
            )

    def test_without_a_place_to_go_on_from_only_what_comes_is_told(self) -> None:
        self.service.arrive()
        visitor = Visitor(self.service, self.clock)
        self.service.arrive()
        self.assertEqual(self.seqs(visitor), [2])

    def test_with_a_place_to_go_on_from_nothing_is_missed_and_nothing_told_twice(self) -> None:
        for _ in range(500):
            self.service.arrive()
        visitor = Visitor(self.service, self.clock, f"?token={TOKEN}&after=3")
        self.service.arrive()
        self.assertEqual(self.seqs(visitor), list(range(4, 502)))

    def test_what_arrives_between_admission_and_the_first_look_is_told(self) -> None:
        answer: Deferred[None] = Deferred()
        self.service.mailbox.wait = answer
        visitor = Visitor(self.service, self.clock, f"?token={TOKEN}&after=0")
        self.service.arrive()
        self.service.mailbox.wait = None
        answer.callback(None)
        self.service.arrive()
        self.assertEqual(self.seqs(visitor), [1, 2])

    def test_deletions_are_told(self) -> None:
        visitor = Visitor(self.service, self.clock)
        self.service.bus.publish(Event(EventKind.DELETED, MAILBOX_ID, message_id(5)))
        self.service.bus.publish(Event(EventKind.DELETED, MAILBOX_ID))
        self.assertEqual(
            visitor.frames,
            [
                {"event": "deleted", "message_id": str(message_id(5))},
                {"event": "deleted", "message_id": None},
            ],
        )

    def test_the_end_of_a_mailbox_is_told_and_then_the_connection_closed(self) -> None:
        visitor = Visitor(self.service, self.clock)
        self.service.bus.publish(Event(EventKind.EXPIRED, MAILBOX_ID))
        self.service.arrive()
        self.assertEqual(visitor.frames, [{"event": "expired"}])
        self.assertEqual(visitor.close_code, 1000)
        self.assertTrue(visitor.transport.gone)
        self.assertEqual(self.service.open(), 0)

    def test_a_table_that_cannot_be_read_sends_the_client_away_to_come_again(self) -> None:
        visitor = Visitor(self.service, self.clock)
        visitor.look()
        self.service.mailbox.trouble = Unavailable("down")
        self.service.arrive()
        self.service.arrive()
        self.service.bus.publish(Event(EventKind.NEW_MESSAGE, MAILBOX_ID, message_id(9), 9))
        self.assertEqual(self.seqs(visitor), [1, 2])
        self.assertEqual(visitor.close_code, 4503)
        self.assertEqual(self.service.refused("unavailable"), 1)

    def test_nobody_is_followed_for_a_client_that_has_left(self) -> None:
        visitor = Visitor(self.service, self.clock)
        visitor.look()
        visitor.transport.hang_up()
        self.assertEqual(self.service.bus._subscriptions, {})
        self.assertEqual(self.service.open(), 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class ClientTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.service = Service(self.clock)
        self.visitor = Visitor(self.service, self.clock)
        self.visitor.look()

    def test_a_close_is_answered(self) -> None:
        self.visitor.client.send_close(1000)
        self.visitor.look()
        self.assertEqual(self.visitor.close_code, 1000)
        self.assertEqual(self.service.open(), 0)

    def test_a_ping_is_answered(self) -> None:
        self.visitor.client.send_ping(b"there?")
        self.visitor.look()
        self.visitor.look()
        self.assertIn(Frame(Opcode.PONG, b"there?"), self.visitor.events)

    def test_a_little_talk_is_ignored(self) -> None:
        for _ in range(CLIENT_FRAMES):
            self.visitor.say("hello")
        self.service.arrive()
        self.assertEqual(len(self.visitor.frames), 1)
        self.assertIsNone(self.visitor.close_code)

    def test_what_is_ignored_need_not_even_be_text(self) -> None:
        self.visitor.client.send_text(b"\xff")
        self.visitor.look()
        self.assertIsNone(self.visitor.close_code)

    def test_a_talkative_client_is_heard_no_longer(self) -> None:
        for _ in range(CLIENT_FRAMES + 1):
            self.visitor.say("hello")
        self.assertEqual(self.visitor.transport.producerState, "paused")
        self.assertEqual(self.visitor.close_code, 4400)
        self.assertEqual(self.service.refused("talkative"), 1)

    def test_a_client_may_say_as_much_again_after_each_ping(self) -> None:
        for _ in range(3):
            for _ in range(CLIENT_FRAMES - 1):  # and a pong
                self.visitor.say("hello")
            self.clock.pump([1] * 30)
            self.visitor.look()
        self.assertIsNone(self.visitor.close_code)

    def test_endless_empty_fragments_are_talk(self) -> None:
        self.visitor.client.send_text(b"", fin=False)
        for _ in range(CLIENT_FRAMES):
            self.visitor.client.send_continuation(b"", fin=False)
        self.visitor.look()
        self.assertEqual(self.visitor.close_code, 4400)

    def test_what_a_client_says_is_not_kept(self) -> None:
        self.visitor.client.send_text(b"x" * 4000, fin=False)
        self.visitor.look()
        connection = self.visitor.transport.protocol
        self.assertEqual((connection.message_data, connection.data), ([], b""))

    def test_a_long_message_is_refused(self) -> None:
        self.visitor.say("x" * 4097)
        self.assertEqual(self.visitor.close_code, 1009)
        self.assertEqual(self.service.refused("protocol"), 1)

    def test_what_is_no_websocket_frame_is_a_protocol_error(self) -> None:
        self.visitor.transport.protocol.dataReceived(b"GET / HTTP/1.1\r\n\r\n")
        self.assertEqual(self.visitor.close_code, 1002)

    def test_a_reader_that_does_not_keep_up_is_sent_away_to_resume(self) -> None:
        assert self.visitor.transport.producer is not None
        self.visitor.transport.producer.pauseProducing()  # as TCP does at 64 KiB
        self.service.arrive()
        self.assertEqual(self.visitor.frames, [])
        self.assertEqual(self.visitor.close_code, 4408)
        self.assertEqual(self.service.refused("slow"), 1)

    def test_who_does_not_answer_a_goodbye_is_hung_up_on(self) -> None:
        self.service.bus.publish(Event(EventKind.EXPIRED, MAILBOX_ID))
        self.clock.advance(4.9)
        self.assertFalse(self.visitor.transport.gone)
        self.clock.advance(0.2)
        self.clock.advance(0)
        self.assertTrue(self.visitor.transport.gone)
