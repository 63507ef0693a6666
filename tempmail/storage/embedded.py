"""A private PostgreSQL that starts with the daemon, ends with it, and is nobody else's.

It listens on a Unix socket only, in a folder that only its user may enter, with fsync on
whatever its configuration files say.  Linux only: ``PR_SET_PDEATHSIG`` (prctl(2)) ends the
server with the daemon, so that not even SIGKILL of the daemon leaves it behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from tempmail.model.errors import Unavailable
from tempmail.storage.binaries import Account, Binaries, account_for, choose, installed, spawn

SETTINGS: Final = {
    # What 250 promises; on the command line these win over every configuration file.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # Reached by our socket alone.
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # One daemon's pools; a statement over many partitions locks each of them and its indexes.
    "max_connections": "40",
    "max_locks_per_transaction": "512",
    # Checkpoints far apart: each makes the next change of a page cost a whole page of WAL.
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "10min",
    "autovacuum": "on",
    # Many small transactions gain nothing from these.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "update_process_title": "off",
    # The log holds no statement and no row: those contain mail and tokens.
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_line_prefix": "%m [%p] ",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}

_DEPARTURE = 30.0  # seconds; a killed daemon's server with busy backends was seen to need 13
_READY = 120.0  # seconds; there may be 2 GB of WAL to replay
_STOP: Final = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 6.0), (signal.SIGKILL, 5.0))
_LOG_LIMIT = 1 << 20  # bytes
_SOCKET = ".s.PGSQL.5432"
_SOCKET_PATH_LIMIT = 107  # bytes: sun_path of unix(7) without its final NUL


class AlreadyRunning(Unavailable):
    """Another daemon runs on the same data directory."""

    code = "already_running"


class DirectoryUnusable(Unavailable):
    """The data directory cannot be read, written or trusted."""

    code = "data_directory"


class NotReady(Unavailable):
    """PostgreSQL could not be set up or did not start; the detail ends with its own words."""

    code = "postgresql_not_ready"


class EmbeddedCluster:
    """One PostgreSQL cluster in ``data_dir/postgresql``, its log beside it.

    :param data_dir: made with mode 0700 where missing.
    :param account: whom the server becomes where we are root; None for what
        :func:`~tempmail.storage.binaries.account_for` finds.  It must be able to reach
        ``data_dir``, which becomes passable (0711) for it.
    :param places: folders searched for PostgreSQL's programs, best first; None for what
        :func:`~tempmail.storage.binaries.installed` finds.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        account: Account | None = None,
        places: Sequence[Path] | None = None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.cluster = self.data_dir / "postgresql"
        self.log = self.data_dir / "postgresql.log"
        self.sockets = _socket_folder(self.data_dir)
        self._account = account if os.geteuid() == 0 else None
        self._places = places
        self._lock: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """A libpq keyword string: the superuser of the one database that comes with a cluster."""
        return f"host={self.sockets} user=tempmail dbname=postgres"

    def alive(self) -> bool:
        """Whether the server that was started still runs."""
        return self._process is not None and self._process.poll() is None

    def revive(self) -> None:
        """Start the server again after somebody else ended it.

        Blocks, and wants the main thread, as :meth:`start` does.

        :raises Unavailable: it does not start, for one of the reasons of :meth:`start`.
        """
        if self._lock is None or self.alive():
            return
        try:
            self._serve(choose(self.cluster, installed() if self._places is None else self._places))
        except OSError as error:
            raise DirectoryUnusable(f"cannot use {self.data_dir}: {error}") from error

    def start(self) -> None:
        """Set the cluster up on first use, start the server, wait until it takes connections.

        Blocks.  Call it before the reactor runs, after daemonizing and shedding privileges,
        and from the main thread: the server ends with the thread that started it.

        :raises NoBinaries: PostgreSQL is not installed.
        :raises OtherVersion: the cluster needs another version than those installed.
        :raises AlreadyRunning: another daemon has this data directory.
        :raises DirectoryUnusable: the data directory cannot be used.
        :raises NotReady: PostgreSQL failed or took too long.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("the embedded PostgreSQL must be started from the main thread")
        if self._process is not None:
            raise RuntimeError("the embedded PostgreSQL was started before")
        try:
            self._claim()
            self._account = self._account or account_for(self.cluster)
            if self._account is not None:
                self.data_dir.chmod(0o711)
            binaries = choose(self.cluster, installed() if self._places is None else self._places)
            if not (self.cluster / "PG_VERSION").exists():
                self._create(binaries)
            self._serve(binaries)
        except OSError as error:
            self.stop()
            raise DirectoryUnusable(
                f"cannot use the data directory {self.data_dir}: {error}"
            ) from error
        except subprocess.SubprocessError as error:
            self.stop()
            raise self._forbidden() from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server, in order if it can (within 31 s), and let go of the data directory.

        Blocks; any thread may call it, and more than once.
        """
        if self._process is not None:
            for number, patience in _STOP:
                self._process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(patience)
                    break
            self._process = None
            with contextlib.suppress(OSError):  # a killed server leaves its socket there
                self.sockets.rmdir()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _claim(self) -> None:
        """Take the lock that keeps a second daemon out; it goes with the process at the latest."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self._lock = os.fdopen(descriptor, "r+b")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(
                f"another tempmail runs on the data directory {self.data_dir}: "
                "stop it, or choose another --data-dir"
            ) from error

    def _create(self, binaries: Binaries) -> None:
        """Set the cluster up aside and rename it: it is there as a whole or not at all."""
        for abandoned in self.data_dir.glob("postgresql.new-*"):
            shutil.rmtree(abandoned)
        fresh = Path(tempfile.mkdtemp(prefix="postgresql.new-", dir=self.data_dir))
        self._give(fresh)
        # Whoever reaches the socket is trusted: its folder is closed to everyone else.
        options = ("-U", "tempmail", "-A", "trust", "-E", "UTF8", "--no-locale")
        initdb = spawn(
            [binaries.folder / "initdb", "-D", fresh, *options], self._account, subprocess.PIPE
        )
        output, _ = initdb.communicate()
        if initdb.returncode:
            raise NotReady(f"initdb failed{self._whom()}: {_last_words(output)}")
        fresh.rename(self.cluster)
        for folder in (self.data_dir, self.data_dir.parent):  # initdb has synced the rest
            _fsync(folder)

    def _serve(self, binaries: Binaries) -> None:
        """Start the server as soon as that of a killed daemon has left."""
        end = time.monotonic() + _DEPARTURE
        for lock_file in (self.cluster / "postmaster.pid", self.sockets / f"{_SOCKET}.lock"):
            while _names_a_server(lock_file):
                if time.monotonic() > end:
                    raise NotReady(f"another PostgreSQL still runs in {self.cluster}")
                time.sleep(0.01)
        _private_folder(self.sockets, self._account)
        self._give(self.sockets)
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        while True:
            self._launch(binaries)
            try:
                return self._await_ready()
            except NotReady as error:
                # Its processes outlived it: PostgreSQL sees them by their shared memory.
                if "is still in use" not in error.detail or time.monotonic() > end:
                    raise
            time.sleep(0.1)

    def _launch(self, binaries: Binaries) -> None:
        settings = {**SETTINGS, "unix_socket_directories": str(self.sockets)}
        options = [word for pair in settings.items() for word in ("-c", "=".join(pair))]
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as log:
            self._process = spawn(
                [binaries.folder / "postgres", "-D", self.cluster, *options], self._account, log
            )

    def _await_ready(self) -> None:
        """Wait until ``postmaster.pid`` says that our server takes connections."""
        assert self._process is not None
        end = time.monotonic() + _READY
        while (status := self._process.poll()) is None and time.monotonic() < end:
            with contextlib.suppress(FileNotFoundError):
                lines = (self.cluster / "postmaster.pid").read_text().split("\n")
                if lines[0] == str(self._process.pid) and lines[7:8] == ["ready   "]:
                    return
            time.sleep(0.01)
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 2000))
            words = _last_words(log.read())
        what = "is not ready" if status is None else f"ended with status {status}"
        raise NotReady(f"PostgreSQL {what}{self._whom()}, see {self.log}: {words}")

    def _give(self, folder: Path) -> None:
        if self._account is not None:
            try:
                os.chown(folder, self._account.uid, self._account.gid)
            except OSError as error:
                raise self._forbidden() from error

    def _forbidden(self) -> NotReady:
        return NotReady(
            f"PostgreSQL refuses to run as root, and starting it{self._whom()} is forbidden "
            "here: run the daemon as an ordinary user, or pass --database"
        )

    def _whom(self) -> str:
        return f" as user {self._account.uid}" if self._account else ""


def _names_a_server(lock_file: Path) -> bool:
    """Whether the process in PostgreSQL's ``lock_file`` is indeed a PostgreSQL.

    PostgreSQL takes any process of that number for one and would never start again after a
    reboot or in a restarted container, where someone else has the number.  Such a file is
    given our own number, which PostgreSQL ignores as its parent's, while it still looks for
    orphans by the rest of the file.
    """
    try:
        with lock_file.open("r+b") as file:
            pid, *rest = file.read().split(b"\n")
            command = Path(f"/proc/{int(pid)}/cmdline").read_bytes()
            if Path(os.fsdecode(command.split(b"\0")[0])).name.startswith("postgres"):
                return True
            file.seek(0)
            file.write(b"\n".join([b"%d" % os.getpid(), *rest]))
            file.truncate()
    except (FileNotFoundError, ProcessLookupError, ValueError):
        pass  # no file or no such process: PostgreSQL sees that as well
    return False


def _socket_folder(data_dir: Path) -> Path:
    """Inside the data directory, or in /tmp where that path is too long for a socket.

    libpq and PostgreSQL take a comma for the end of a path, so odd names go to /tmp as well.
    """
    folder = data_dir / "run"
    short = len(os.fsencode(folder / _SOCKET)) <= _SOCKET_PATH_LIMIT
    if short and re.fullmatch(r"[A-Za-z0-9_./-]+", str(folder)):
        return folder
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(f"/tmp/tempmail-{os.geteuid()}-{digest}")  # noqa: S108  # checked before use


def _private_folder(folder: Path, account: Account | None) -> None:
    """Make ``folder``, or make sure that nobody else can enter or replace it.

    :raises DirectoryUnusable: someone else made it.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    ours = {os.geteuid()} | ({account.uid} if account else set())
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in ours:
        raise DirectoryUnusable(f"{folder} is not a folder of ours: remove it")
    folder.chmod(0o700)


def _fsync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _last_words(output: bytes) -> str:
    """The last three lines of a program's output as one, at most 600 characters."""
    lines = output.decode("utf-8", "replace").split("\n")
    return " / ".join([line.strip() for line in lines if line.strip()][-3:])[-600:]
