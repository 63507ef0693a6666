"""Real worker processes, and every way in which they can be lost."""

from __future__ import annotations

import base64
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.trial.unittest import TestCase

from tempmail.core.metrics import Metrics
from tempmail.core.turns import Asker
from tempmail.mail.attachments import extract
from tempmail.mail.parse import parse
from tempmail.mail.refused_kinds import REFUSED_KINDS
from tempmail.model.errors import NotFound, Unavailable
from tempmail.model.message import View
from tempmail.workers.pool import ParserPool
from tempmail.workers.worker import Limits

ASKER, OTHER = "192.0.2.1", "198.51.100.1"
MAIL = b"From: Ann <ann@example.org>\r\nSubject: hello\r\n\r\nbody\r\n"
WITH_ATTACHMENTS = (
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\nx,y\r\n"
    b"--b\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nMZ\r\n--b--\r\n"
)
NEARLY = (
    b"Subject: hello\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--bx\n" * 2_000_000
)
"""Ten megabytes of lines that could be delimiters and are none: a good second."""

OPENING = r"""
import os, struct, sys, time
def say(content): os.write(1, struct.pack("!I", len(content)) + content)
def hear():
    (length,) = struct.unpack("!I", sys.stdin.buffer.read(4))
    return sys.stdin.buffer.read(length)
"""
HANGS = "say(b''); hear(); time.sleep(3600)"
KILLED = "say(b''); hear(); os.kill(os.getpid(), 9)"
EXITS = "say(b''); hear(); os._exit(0)"
GARBAGE = "say(b''); hear(); say(b'garbage'); time.sleep(3600)"
TOO_MUCH = "say(b''); hear(); os.write(1, b'\\xff' * 100); time.sleep(3600)"
UNASKED = "os.write(1, bytes(4) + b'unasked'); time.sleep(3600)"
LEAVES_A_CHILD = "say(b''); hear(); os.fork() and os._exit(0); hear()"
NEVER_READY = "time.sleep(3600)"
ENDS_AT_ONCE = "sys.stderr.write('cannot start'); sys.exit(1)"


class PoolTest(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.metrics = Metrics()

    def pool(
        self,
        script: str | None = None,
        *,
        size: int = 1,
        refused: frozenset[str] = REFUSED_KINDS,
        **limits: Any,
    ) -> ParserPool:
        pool = ParserPool(
            reactor,
            self.metrics,
            size=size,
            refused=refused,
            limits=evolve(Limits(wall_seconds=30), **limits),
            worker_command=script and [sys.executable, "-c", OPENING + script],
        )
        pool.start()
        self.addCleanup(pool.stop)
        return pool

    def outcomes(self) -> dict[str, float]:
        return {
            sample.labels["outcome"]: sample.value
            for metric in self.metrics.parses.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        }

    def shows_only_headers(self, view: View, defect: str) -> None:
        self.assertEqual(view.subject, "hello")
        self.assertEqual((view.body_text, view.headers), ("", ()))
        self.assertEqual(view.defects, (defect,))

    async def refused(self, answer: Deferred[Any], why: str) -> None:
        with self.assertRaises(Unavailable) as caught:
            await answer
        self.assertIn(why, caught.exception.detail)


def processes(pool: ParserPool) -> list[int]:
    return [worker.transport.pid for worker in pool._workers if worker.transport is not None]


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


class Parsing(PoolTest):
    async def test_a_mail_becomes_its_view(self) -> None:
        self.assertEqual(await self.pool().parse(ASKER, MAIL), parse(MAIL))
        self.assertEqual(self.outcomes(), {"ok": 1})

    async def test_the_pool_names_the_version_of_its_views(self) -> None:
        pool = self.pool()
        self.assertEqual((await pool.parse(ASKER, MAIL)).parser_version, pool.version)

    async def test_a_large_mail_goes_through_the_pipes(self) -> None:
        view = await self.pool().parse(ASKER, MAIL + b"line\r\n" * 500_000)
        self.assertEqual(len(view.body_text.encode()), 2 * 1024 * 1024)

    async def test_an_attachment_is_taken_out(self) -> None:
        pool = self.pool()
        self.assertEqual(
            await pool.extract(ASKER, WITH_ATTACHMENTS, 0), extract(WITH_ATTACHMENTS, 0)
        )
        self.assertEqual((await pool.extract(ASKER, WITH_ATTACHMENTS, 0)).content, b"x,y")

    async def test_a_refused_kind_is_kept_back_as_the_operator_says(self) -> None:
        kept_back = await self.pool().extract(ASKER, WITH_ATTACHMENTS, 1)
        self.assertEqual((kept_back.blocked, kept_back.content), ("exe", b""))
        handed_out = await self.pool(refused=frozenset(("csv",))).extract(
            ASKER, WITH_ATTACHMENTS, 1
        )
        self.assertEqual((handed_out.blocked, handed_out.content), (None, b"MZ"))

    async def test_a_large_attachment_goes_through_the_pipes(self) -> None:
        content = os.urandom(18 * 2**20)
        mail = (
            b"Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + base64.encodebytes(content)
        )
        self.assertTrue((await self.pool().extract(ASKER, mail, 0)).content == content)
        eight_bit = b"Content-Type: application/zip\r\n\r\n" + content
        self.assertTrue((await self.pool().extract(ASKER, eight_bit, 0)).content == content)

    async def test_an_attachment_that_is_not_there_is_not_found(self) -> None:
        pool = self.pool()
        await self.assertFailure(pool.extract(ASKER, WITH_ATTACHMENTS, 2), NotFound)
        await self.assertFailure(pool.extract(ASKER, MAIL, 0), NotFound)

    async def test_workers_start_when_needed_and_stay(self) -> None:
        pool = self.pool(size=2)
        self.assertEqual(processes(pool), [])
        await pool.parse(ASKER, MAIL)
        (first,) = processes(pool)
        await pool.parse(ASKER, MAIL)
        self.assertEqual(processes(pool), [first])
        await gatherResults([pool.parse(ASKER, MAIL) for _ in range(5)])
        self.assertEqual(processes(pool), [first], "the others are for others")
        await gatherResults([pool.parse(one, MAIL) for one in (ASKER, OTHER)])
        self.assertEqual(len(processes(pool)), 2)

    async def test_a_worker_makes_room_after_so_many_mails(self) -> None:
        pool = self.pool(mails_per_worker=2)
        pids = []
        for _ in range(4):
            view = pool.parse(ASKER, MAIL)
            pids += processes(pool)
            self.assertEqual((await view).body_text, "body\n")
        self.assertEqual(pids[0], pids[1])
        self.assertNotEqual(pids[1], pids[-1])

    async def test_a_worker_is_confined(self) -> None:
        pool = self.pool()
        await pool.parse(ASKER, MAIL)
        (pid,) = processes(pool)
        about = Path(f"/proc/{pid}")
        environment = dict(
            line.split("=", 1) for line in (about / "environ").read_text().split("\0") if line
        )
        self.assertEqual(set(environment), {"PATH", "LANG"})
        self.assertEqual(str((about / "cwd").readlink()), "/")
        self.assertEqual(os.getsid(pid), pid)
        limits = {
            line[:26].strip(): line[26:].split()[0]
            for line in (about / "limits").read_text().splitlines()
        }
        self.assertEqual(limits["Max file size"], "0")
        self.assertEqual(limits["Max core file size"], "0")
        self.assertEqual(limits["Max processes"], "0")
        self.assertEqual(limits["Max open files"], "16")
        self.assertLess(int(limits["Max cpu time"]), 2000)
        self.assertLess(int(limits["Max address space"]), 400 * 1024 * 1024)

    def test_a_worker_loads_nothing_but_the_parser(self) -> None:
        script = "import sys, tempmail.workers.main; print('twisted' in sys.modules)"
        root = Path(__file__).parents[2]
        output = subprocess.check_output([sys.executable, "-c", script], cwd=root)
        self.assertEqual(output, b"False\n")


class LosingAWorker(PoolTest):
    async def loses(self, script: str | None, defect: str, outcome: str, **limits: Any) -> None:
        """One mail is lost by ``script``, with the next in a process of its own."""
        pool = self.pool(script, **limits)
        for count in (1, 2):
            view = await pool.parse(ASKER, MAIL)
            self.shows_only_headers(view, defect)
            self.assertLess(view.parser_version, pool.version, "the next reader could have it")
            self.assertEqual(self.outcomes(), {outcome: count})

    async def test_a_worker_that_hangs_is_killed(self) -> None:
        await self.loses(HANGS, "parsing took too long", "killed", wall_seconds=0.05)

    async def test_a_worker_that_is_killed_from_outside_costs_one_mail(self) -> None:
        await self.loses(KILLED, "the parser crashed", "crashed")

    async def test_a_worker_that_exits_costs_one_mail(self) -> None:
        await self.loses(EXITS, "the parser crashed", "crashed")

    async def test_an_answer_that_is_no_view_costs_one_mail(self) -> None:
        await self.loses(GARBAGE, "the parser crashed", "crashed")

    async def test_an_answer_beyond_the_bound_is_not_waited_for(self) -> None:
        await self.loses(TOO_MUCH, "the parser crashed", "crashed")

    async def test_a_child_that_keeps_the_pipes_open_is_not_waited_for(self) -> None:
        await self.loses(LEAVES_A_CHILD, "the parser crashed", "crashed")

    async def test_a_mail_that_takes_too_much_time_costs_itself_only(self) -> None:
        pool = self.pool(cpu_seconds=0.2, memory_bytes=2**30)
        lost = pool.parse(ASKER, NEARLY)
        kept = pool.parse(ASKER, MAIL)
        view = await lost
        self.shows_only_headers(view, "parsing took too long")
        self.assertEqual(view.parser_version, pool.version, "it would only take as long again")
        self.assertEqual(await kept, parse(MAIL))
        self.assertEqual(self.outcomes(), {"killed": 1, "ok": 1})

    async def test_a_mail_that_takes_too_much_memory_costs_itself_only(self) -> None:
        pool = self.pool(cpu_seconds=20, memory_bytes=16 * 2**20)
        lost = pool.parse(ASKER, NEARLY)
        kept = pool.parse(ASKER, MAIL)
        view = await lost
        self.shows_only_headers(view, "parsing took too much memory")
        self.assertEqual(view.parser_version, pool.version, "it would only take as much again")
        self.assertEqual(await kept, parse(MAIL))
        self.assertEqual(self.outcomes(), {"killed": 1, "ok": 1})

    async def test_an_attachment_that_costs_a_worker_is_our_trouble(self) -> None:
        await self.refused(self.pool(KILLED).extract(ASKER, MAIL, 0), "the parser crashed")
        self.assertEqual(self.outcomes(), {"crashed": 1})

    async def test_an_attachment_larger_than_its_mail_is_not_waited_for(self) -> None:
        await self.refused(self.pool(TOO_MUCH).extract(ASKER, MAIL, 0), "the parser crashed")

    async def test_an_idle_worker_that_dies_costs_nothing(self) -> None:
        pool = self.pool()
        await pool.parse(ASKER, MAIL)
        (pid,) = processes(pool)
        ended = self.when_ended(pool)
        os.kill(pid, signal.SIGKILL)
        await ended
        self.assertEqual(await pool.parse(ASKER, MAIL), parse(MAIL))
        self.assertEqual(self.outcomes(), {"ok": 2})

    def when_ended(self, pool: ParserPool) -> Deferred[None]:
        (worker,) = pool._workers
        ended: Deferred[None] = Deferred()
        report: Callable[[Any], None] = worker._on_end

        def both(one: Any) -> None:
            report(one)
            ended.callback(None)

        worker._on_end = both
        return ended


class Refusing(PoolTest):
    async def test_before_the_start_nothing_is_parsed(self) -> None:
        await self.refused(ParserPool(reactor, self.metrics).parse(ASKER, MAIL), "stopping")

    async def test_a_worker_that_cannot_start_is_our_trouble(self) -> None:
        pool = self.pool(ENDS_AT_ONCE)
        await self.refused(pool.parse(ASKER, MAIL), "no parser could be started")
        self.assertEqual(self.outcomes(), {"refused": 1})

    async def test_a_worker_that_is_never_ready_is_our_trouble(self) -> None:
        pool = self.pool(NEVER_READY, start_seconds=0.05)
        await self.refused(pool.parse(ASKER, MAIL), "no parser could be started")

    async def test_a_worker_that_speaks_before_it_is_asked_is_not_used(self) -> None:
        pool = self.pool(UNASKED)
        await self.refused(pool.parse(ASKER, MAIL), "no parser could be started")

    async def test_a_command_that_does_not_exist_is_our_trouble(self) -> None:
        pool = ParserPool(reactor, self.metrics, worker_command=["/no/such/python"])
        pool.start()
        for _ in range(2):
            await self.refused(pool.parse(ASKER, MAIL), "no parser could be started")
        await pool.stop()

    async def test_every_waiting_mail_is_refused_when_no_worker_starts(self) -> None:
        pool = self.pool(ENDS_AT_ONCE, size=2)
        for view in [pool.parse(ASKER, MAIL) for _ in range(5)]:
            await self.refused(view, "no parser could be started")

    async def test_too_many_mails_wait(self) -> None:
        pool = self.pool(waiting_mails=3)
        accepted = [pool.parse(ASKER, MAIL) for _ in range(3)]
        await self.refused(pool.parse(ASKER, MAIL), "too many mails wait")
        for view in accepted:
            self.assertEqual((await view).body_text, "body\n")
        self.assertEqual(self.outcomes(), {"ok": 3, "refused": 1})

    async def test_too_many_bytes_wait(self) -> None:
        pool = self.pool(waiting_bytes=2 * len(MAIL))
        accepted = [pool.parse(ASKER, MAIL) for _ in range(2)]
        await self.refused(pool.parse(ASKER, b"x"), "too many mails wait")
        await gatherResults(accepted)
        self.assertEqual((await pool.parse(ASKER, MAIL)).subject, "hello")


class Fairness(PoolTest):
    """Requests that a worker answers at once, in the order in which it was given them."""

    def asked(self, pool: ParserPool, *askers: Asker) -> list[Deferred[View]]:
        """A mail for each of them; whose answer came is noted."""
        self.answered: list[Asker] = []

        def note(view: View, asker: Asker) -> View:
            self.answered.append(asker)
            return view

        return [pool.parse(one, MAIL).addCallback(note, one) for one in askers]

    def refusals(self, reason: str) -> float | None:
        return self.metrics.registry.get_sample_value(
            "tempmail_parses_refused_total", {"reason": reason}
        )

    async def test_askers_are_served_in_turn(self) -> None:
        await gatherResults(self.asked(self.pool(), ASKER, ASKER, ASKER, ASKER, OTHER, 3))
        self.assertEqual(self.answered, [ASKER, OTHER, 3, ASKER, ASKER, ASKER])

    async def test_readers_come_before_examinations_whosever_turn_it_is(self) -> None:
        pool = self.pool()
        done: list[str] = []
        asked: list[Deferred[Any]] = [pool.survey(one, MAIL) for one in (ASKER, OTHER)]
        for one in asked:
            one.addCallback(lambda _: done.append("examined"))
        asked.append(pool.parse(ASKER, MAIL).addCallback(lambda _: done.append("read")))
        await gatherResults(asked)
        self.assertEqual(done, ["read", "examined", "examined"])

    async def test_an_asker_never_has_all_workers(self) -> None:
        pool = self.pool(HANGS, size=2, wall_seconds=1000)
        hanging = [pool.parse(ASKER, MAIL) for _ in range(5)]
        self.assertEqual(len(processes(pool)), 1)
        for one in hanging:
            one.addErrback(lambda _: None)

    async def test_a_mail_that_costs_its_worker_makes_nobody_else_wait(self) -> None:
        pool = self.pool(size=2, cpu_seconds=20)
        await gatherResults([pool.parse(one, MAIL) for one in (ASKER, OTHER)])
        costly = [pool.parse(ASKER, NEARLY) for _ in range(3)]
        self.assertEqual((await pool.parse(OTHER, MAIL)).body_text, "body\n")
        self.assertEqual([one.called for one in costly], [False] * 3)
        for one in costly:
            one.addErrback(lambda _: None)

    async def test_too_many_mails_of_an_asker_wait(self) -> None:
        pool = self.pool(waiting_each=2)
        accepted = self.asked(pool, ASKER, ASKER)
        await self.refused(pool.parse(ASKER, MAIL), "too many mails that you opened wait")
        accepted.append(pool.parse(OTHER, MAIL))
        await gatherResults(accepted)
        self.assertEqual((self.refusals("asker_full"), self.refusals("full")), (1, None))

    async def test_too_many_bytes_of_an_asker_wait_but_one_mail_always_may(self) -> None:
        pool = self.pool(waiting_bytes_each=len(MAIL))
        accepted = [pool.parse(ASKER, MAIL + MAIL)]
        await self.refused(pool.parse(ASKER, b"x"), "too many mails that you opened wait")
        accepted.append(pool.parse(OTHER, MAIL))
        await gatherResults(accepted)

    async def test_who_has_most_waiting_makes_room_for_the_others(self) -> None:
        pool = self.pool(waiting_mails=4)
        first, second, _, last = self.asked(pool, ASKER, ASKER, OTHER, ASKER)
        third = pool.parse(3, MAIL)
        await self.refused(last, "too many mails that you opened wait")
        self.assertEqual(self.refusals("put_out"), 1)
        await self.refused(pool.parse(OTHER, MAIL), "too many mails wait")
        self.assertEqual(self.refusals("full"), 1)
        await gatherResults([first, second, third])

    async def test_who_has_most_bytes_waiting_makes_room_for_the_others(self) -> None:
        pool = self.pool(waiting_bytes=4 * len(MAIL))
        large = pool.parse(ASKER, MAIL * 3)
        small = pool.parse(OTHER, MAIL)
        also = pool.parse(3, MAIL)
        await self.refused(large, "too many mails that you opened wait")
        await gatherResults([small, also])

    async def test_who_made_room_in_vain_keeps_the_place(self) -> None:
        pool = self.pool(waiting_bytes=7 * len(MAIL))
        waiting = [pool.parse(ASKER, MAIL * 2), pool.parse(ASKER, MAIL * 2)]
        waiting.append(pool.parse(OTHER, MAIL * 3))
        # One of the first's would go for it, and then nobody has more than it asks for.
        await self.refused(pool.parse(3, (MAIL * 4)[1:]), "too many mails wait")
        await gatherResults(waiting)
        self.assertIsNone(self.refusals("put_out"))

    async def test_examinations_take_no_room_from_readers(self) -> None:
        pool = self.pool(waiting_mails=1)
        asked: list[Deferred[Any]] = [pool.survey(ASKER, MAIL)]
        await self.refused(pool.survey(OTHER, MAIL), "too many mails wait")
        await gatherResults([*asked, pool.parse(ASKER, MAIL)])


class Cancelling(PoolTest):
    async def test_a_waiting_mail_leaves_the_queue(self) -> None:
        pool = self.pool(waiting_mails=2, waiting_bytes=2 * len(MAIL))
        first, second = pool.parse(ASKER, MAIL), pool.parse(ASKER, MAIL)
        second.cancel()
        third = pool.parse(ASKER, MAIL)
        await self.assertFailure(second, CancelledError)
        await gatherResults([first, third])
        self.assertEqual(self.outcomes(), {"ok": 2})

    async def test_the_answer_to_a_mail_that_a_worker_has_is_ignored(self) -> None:
        pool = self.pool()
        await pool.parse(ASKER, MAIL)
        given_over, waiting = pool.parse(ASKER, MAIL), pool.parse(ASKER, MAIL)
        given_over.cancel()
        await self.assertFailure(given_over, CancelledError)
        self.assertEqual((await waiting).subject, "hello")
        self.assertEqual(self.outcomes(), {"ok": 3})


class Stopping(PoolTest):
    async def test_no_process_is_left_and_every_mail_is_let_go(self) -> None:
        pool = self.pool(size=2)
        await gatherResults([pool.parse(one, MAIL) for one in (ASKER, OTHER)])
        pids = processes(pool)
        self.assertEqual(len(pids), 2)
        views = [pool.parse(ASKER, MAIL) for _ in range(5)]
        first, second = pool.stop(), pool.stop()
        for view in views:
            await self.refused(view, "stopping")
        await self.refused(pool.parse(ASKER, MAIL), "stopping")
        await gatherResults([first, second])
        self.assertEqual([gone(pid) for pid in pids], [True, True])

    async def test_a_worker_that_is_just_starting_is_waited_for(self) -> None:
        pool = self.pool()
        view = pool.parse(ASKER, MAIL)
        (pid,) = processes(pool)
        stopped = pool.stop()
        await self.refused(view, "stopping")
        await stopped
        self.assertTrue(gone(pid))

    async def test_stopping_an_unused_pool_is_done_at_once(self) -> None:
        self.successResultOf(self.pool().stop())

    async def test_a_stopped_pool_can_start_again(self) -> None:
        pool = self.pool()
        await pool.parse(ASKER, MAIL)
        await pool.stop()
        pool.start()
        self.assertEqual((await pool.parse(ASKER, MAIL)).subject, "hello")


class LosingTheDaemon(TestCase):
    def test_no_worker_survives_a_daemon_that_is_killed(self) -> None:
        """The worker is stopped (SIGSTOP): it cannot notice by itself."""
        script = """
import os, signal
from twisted.internet import reactor
from tempmail.core.metrics import Metrics
from tempmail.core.turns import Asker
from tempmail.workers.pool import ParserPool
pool = ParserPool(reactor, Metrics())
pool.start()
def parsed(view):
    (worker,) = pool._workers
    os.kill(worker.transport.pid, signal.SIGSTOP)
    print(worker.transport.pid, flush=True)
def failed(why):
    why.printTraceback()
    reactor.stop()
pool.parse(1, b"Subject: hello").addCallback(parsed).addErrback(failed)
reactor.run()
"""
        root = Path(__file__).parents[2]
        with subprocess.Popen(
            [sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE
        ) as daemon:
            assert daemon.stdout is not None
            worker = os.pidfd_open(int(daemon.stdout.readline()))
            self.addCleanup(os.close, worker)
            daemon.kill()
            ended, _, _ = select.select([worker], [], [], 20)
            self.assertEqual(ended, [worker])
