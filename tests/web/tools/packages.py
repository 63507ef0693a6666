"""Packages of the npm registry, in the versions that ``package.json`` beside this names."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.daemon import PATIENCE

HERE = Path(__file__).parent
_installed: dict[str, Path] = {}


def packages(folders: pytest.TempPathFactory, *names: str) -> Path:
    """A folder in which ``node_modules`` has these; one for each set of names in a run."""
    wanted = json.loads((HERE / "package.json").read_text("utf-8"))["devDependencies"]
    key = " ".join(names)
    if key not in _installed:
        for program in ("node", "npm"):
            assert shutil.which(program), f"{program} is missing: install Node.js 20 or later"
        folder = folders.mktemp("npm")
        (folder / "package.json").write_text('{"private": true, "type": "module"}')
        exact = [f"{name}@{wanted[name]}" for name in names]
        run(folder, "npm", "install", "--no-audit", "--no-fund", "--silent", *exact)
        _installed[key] = folder
    return _installed[key]


def run(folder: Path, *command: str) -> str:
    """What a command prints; it has to succeed."""
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=4 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
