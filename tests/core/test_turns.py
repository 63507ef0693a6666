from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.turns import Room, Turns
from tempmail.model.errors import Unavailable


class TurnsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.turns: Turns[str] = Turns()

    def add(self, *works: str) -> None:
        """Work whose first letter is its asker."""
        for work in works:
            self.turns.add(work[0], work)

    def order(self) -> list[str]:
        taken = []
        while (work := self.turns.take()) is not None:
            taken.append(work)
        return taken

    def test_askers_are_served_round_and_round_and_each_in_order(self) -> None:
        self.add("a1", "a2", "a3", "b1", "c1", "c2")
        self.assertEqual(self.order(), ["a1", "b1", "c1", "a2", "c2", "a3"])

    def test_who_comes_later_waits_for_one_of_each_of_the_others(self) -> None:
        self.add(*(f"a{n}" for n in range(100)))
        self.assertEqual(self.turns.take(), "a0")
        self.add("b1")
        self.assertEqual([self.turns.take(), self.turns.take()], ["a1", "b1"])

    def test_who_comes_back_at_once_gains_nothing(self) -> None:
        self.add("a1", "b1", "c1")
        self.turns.take()
        self.add("a2")
        self.assertEqual(self.order(), ["b1", "c1", "a2"])

    def test_who_is_passed_over_keeps_the_turn(self) -> None:
        self.add("a1", "b1", "c1")
        self.assertEqual(self.turns.take(lambda asker: asker != "a"), "b1")
        self.assertEqual(self.order(), ["a1", "c1"])
        self.assertIsNone(self.turns.take())

    def test_what_nobody_wants_any_more_leaves_no_trace(self) -> None:
        self.add("a1", "a2")
        self.assertTrue(self.turns.remove("a", "a1"))
        self.assertFalse(self.turns.remove("a", "a1"))
        self.assertEqual((self.turns.last("a"), len(self.turns)), ("a2", 0))
        self.assertEqual(self.turns.lines, {})


class RoomTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.begun: list[str] = []
        self.ends: dict[str, Deferred[str]] = {}

    def run_in(self, room: Room, *names: str) -> list[Deferred[str]]:
        """Work whose first letter is its asker, and that lasts until it is told to end."""
        return [room.run(name[0], self.work, name) for name in names]

    def work(self, name: str) -> Deferred[str]:
        self.begun.append(name)
        self.ends[name] = Deferred()
        return self.ends[name]

    def end(self, name: str) -> None:
        self.ends.pop(name).callback(name)

    def test_places_go_to_askers_in_turn(self) -> None:
        results = self.run_in(Room(1), "a1", "a2", "a3", "b1")
        for name in ("a1", "a2", "b1"):
            self.assertEqual(self.begun[-1], name)
            self.end(name)
        self.assertEqual([self.successResultOf(one) for one in results[:2]], ["a1", "a2"])
        self.assertEqual(self.begun[-1], "a3")

    def test_an_asker_never_has_all_places(self) -> None:
        room = Room(3, each=2)
        self.run_in(room, "a1", "a2", "a3")
        self.assertEqual(self.begun, ["a1", "a2"])
        self.run_in(room, "b1", "b2")
        self.assertEqual(self.begun, ["a1", "a2", "b1"])
        self.end("a1")
        self.assertEqual(self.begun[-1], "a3")

    def test_work_that_nobody_waits_for_keeps_its_place_until_it_ends(self) -> None:
        first, second = self.run_in(Room(1), "a1", "b1")
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertEqual(self.begun, ["a1"])
        self.end("a1")
        self.end("b1")
        self.assertEqual(self.successResultOf(second), "b1")

    def test_what_waits_and_is_not_wanted_any_more_is_not_begun(self) -> None:
        _, second, third = self.run_in(Room(1), "a1", "a2", "a3")
        second.cancel()
        self.failureResultOf(second, CancelledError)
        self.end("a1")
        self.assertEqual(self.begun, ["a1", "a3"])
        self.end("a3")
        self.successResultOf(third)

    def test_what_fails_gives_its_place_back(self) -> None:
        room = Room(1)
        first, second = self.run_in(room, "a1", "a2")
        self.ends["a1"].errback(Unavailable("no"))
        self.failureResultOf(first, Unavailable)
        second.addErrback(lambda _: None)
        second.cancel()
        self.ends["a2"].errback(RuntimeError("nobody foresaw it"))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(self.successResultOf(room.run("a", succeed, "x")), "x")

    def test_any_number_may_end_at_once(self) -> None:
        room = Room(1)
        (first,) = self.run_in(room, "a1")
        others = [room.run("a", succeed, n) for n in range(5000)]
        self.end("a1")
        self.successResultOf(first)
        self.assertEqual([self.successResultOf(one) for one in others], list(range(5000)))
