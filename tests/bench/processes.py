"""Child processes that end with the benchmark, however it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


class BenchError(Exception):
    """Why a benchmark has no result, in words."""


class StartError(BenchError):
    """A server did not become ready; the text has the end of its log."""


@contextmanager
def reported(script: str) -> Iterator[None]:
    """Turn what ends a benchmark early into one line and an exit status.

    SIGTERM unwinds like Ctrl-C, so that what was started is stopped.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    except (BenchError, OSError) as error:
        raise SystemExit(f"{script}: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


@contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    *,
    stop: signal.Signals = signal.SIGTERM,
    user: str | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``command`` until the block ends; its output goes to ``log``.

    On leaving it is sent ``stop``, and after 20 s SIGKILL. Should the benchmark itself be killed,
    the kernel sends ``stop`` (PR_SET_PDEATHSIG).

    :param user: whose rights it runs with where the benchmark runs as root; None for ours.
    """
    wrapper = ["setpriv", f"--pdeathsig={stop.name.removeprefix('SIG')}"]
    if user is not None and os.geteuid() == 0:
        wrapper += [f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    # This checkout is what is measured, as it starts for everybody.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TEMPMAIL_")}
    environment["PYTHONPATH"] = str(CHECKOUT)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*wrapper, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the benchmark, which stops them in order
            cwd=CHECKOUT,
            env=environment,
        )
    try:
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, timeout: float = 30
) -> None:
    """Return when ``ready`` says so; raise StartError when the process ends or time is up."""
    deadline = time.monotonic() + timeout
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            what = "did not become ready" if process.returncode is None else "ended"
            tail = log.read_text(errors="replace")[-2000:]
            raise StartError(f"{process.args!r} {what}:\n{tail}")
        time.sleep(0.05)


def greets(port: int) -> bool:
    """Say whether something on 127.0.0.1:``port`` sends bytes to those who connect."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as client:
            return client.recv(1) != b""
    except OSError:
        return False


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that is free now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
