"""The client and the daemon share a package, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tempmail
from tests.test_layers import imported

ROOT = Path(tempmail.__file__).parent
CLIENT = sorted((ROOT / "client").glob("*.py"))
COMMANDS = set((ROOT / "cli").glob("*.py"))  # they may speak to a server as its users do
DAEMON = sorted(set(ROOT.rglob("*.py")) - set(CLIENT) - COMMANDS)


@pytest.mark.parametrize("module", CLIENT, ids=lambda path: str(path.name))
def test_the_client_imports_nothing_of_the_daemon(module: Path) -> None:
    ours = {name for name in imported(module) if name.split(".")[0] == "tempmail"}
    allowed = {"tempmail", "tempmail.__version__"}
    assert not {name for name in ours - allowed if not name.startswith("tempmail.client")}


def test_the_daemon_imports_nothing_of_the_client() -> None:
    for module in DAEMON:
        assert not [name for name in imported(module) if name.startswith("tempmail.client")], module


@pytest.mark.parametrize("module", ["tempmail.client", "tempmail.client.pytest_plugin"])
def test_what_is_imported_into_every_run_of_pytest_is_light(module: str) -> None:
    program = f"""
import sys, pytest
import {module}
print(sorted({{"httpx", "twisted", "asyncio", "subprocess"}} & (set(sys.modules) - before)))
"""
    program = "import sys, pytest; before = set(sys.modules)\n" + program
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "[]"


def test_without_httpx_the_client_says_what_to_install() -> None:
    program = """
import sys
sys.modules["httpx"] = None
try:
    from tempmail.client import Client
except ModuleNotFoundError as error:
    print(error)
"""
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "with its extra 'client'" in printed.stdout
