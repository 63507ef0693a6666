"""The real daemon for the client's tests, one for all of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon import PATIENCE, Daemon, daemon, environment


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("client")


@pytest.fixture(scope="session")
def running(data_dir: Path) -> Iterator[Daemon]:
    """A daemon with default options, but for its rate limits."""
    with daemon(data_dir, "--rate-limits", "off") as running:
        yield running
        running.terminate()


@pytest.fixture(scope="session")
def api_key(running: Daemon, data_dir: Path) -> str:
    """Of an account that the operator made."""
    _operate("user", "add", "ann", data_dir=data_dir)
    return str(_operate("key", "add", "ann", data_dir=data_dir)["key"])


def _operate(*command: str, data_dir: Path) -> Any:
    tempmail = str(Path(sys.executable).with_name("tempmail"))
    done = subprocess.run(
        [tempmail, *command, "--data-dir", str(data_dir), "--json"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def url(running: Daemon) -> str:
    return f"http://127.0.0.1:{running.http}"
