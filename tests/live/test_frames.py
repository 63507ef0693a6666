from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tempmail.live.frames import EXPIRED, PING, frame
from tempmail.model.event import Event, EventKind
from tests.live.doubles import arrival, message_id


class FrameTests(SynchronousTestCase):
    def test_a_frame_is_one_unmasked_text_frame(self) -> None:
        octets = frame(arrival(12))
        text = b'{"event":"new_message","message_id":"%s","seq":12}' % str(message_id(12)).encode()
        self.assertEqual(octets, bytes([0x81, len(text)]) + text)

    def test_a_deletion_names_its_message_or_none(self) -> None:
        one = frame(Event(EventKind.DELETED, 7, message_id(1)))
        self.assertIn(b'{"event":"deleted","message_id":"%s"}' % str(message_id(1)).encode(), one)
        every = frame(Event(EventKind.DELETED, 7))
        self.assertIn(b'{"event":"deleted","message_id":null}', every)

    def test_the_end_of_a_mailbox_is_a_frame_of_its_own(self) -> None:
        self.assertEqual(frame(Event(EventKind.EXPIRED, 7)), EXPIRED)
        self.assertEqual(EXPIRED, b'\x81\x13{"event":"expired"}')

    def test_a_ping_is_seen_by_programs_and_answered_by_libraries(self) -> None:
        self.assertEqual(PING, b'\x81\x10{"event":"ping"}\x89\x00')

    def test_a_frame_is_built_once_however_many_get_it(self) -> None:
        self.assertIs(frame(arrival(5)), frame(arrival(5)))
