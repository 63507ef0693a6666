"""The layers of ARCHITECTURE.md, read from the imports themselves."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tempmail
from tests.daemon import CHECKOUT, PATIENCE, environment

ROOT = Path(tempmail.__file__).parent
LAYERS = {
    "model": 0,
    "mail": 1,
    "core": 2,
    "storage": 3,
    "dns": 3,
    "bus": 3,
    "imap": 3,
    "ses": 3,
    "smtp": 3,
    "http": 3,
    "live": 3,
    "workers": 3,
}
EVERYWHERE = 4  # what wires the layers: modules directly in the package
MOST_LINES = 400


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def imported(module: Path) -> Iterator[str]:
    """The dotted names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(parts: tuple[str, ...]) -> int:
    return LAYERS.get(parts[0], EVERYWHERE) if parts else EVERYWHERE


@pytest.mark.parametrize("module", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_layers_below_its_own(module: Path) -> None:
    here = module.relative_to(ROOT).parts[:-1]
    for name in imported(module):
        top, *rest = name.split(".")
        if top != "tempmail" or not rest or rest[0] == "__version__":
            continue
        same = bool(here) and rest[0] == here[0]
        assert same or layer(tuple(rest)) < layer(here) or layer(here) == EVERYWHERE, (
            f"{module.relative_to(ROOT)} imports {name}"
        )


@pytest.mark.parametrize("module", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_reactor_is_imported_by_the_plugin_alone(module: Path) -> None:
    if module != ROOT / "plugin.py":
        assert "twisted.internet.reactor" not in set(imported(module))


def test_model_and_mail_know_nothing_of_twisted() -> None:
    for module in [*ROOT.joinpath("model").glob("*.py"), *ROOT.joinpath("mail").glob("*.py")]:
        assert not [name for name in imported(module) if name.startswith("twisted")], module


def test_the_daemon_does_not_load_what_reads_mail() -> None:
    """Workers alone do, which may be killed; and so the daemon starts sooner."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, tempmail.plugin; print(*sys.modules)"],
        cwd=CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    ).stdout.split()
    assert "tempmail.workers.pool" in loaded
    readers = {"parse", "tree", "contents", "codes", "links", "safe_html"}
    assert {f"tempmail.mail.{one}" for one in readers}.isdisjoint(loaded)


@pytest.mark.parametrize("module", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_long(module: Path) -> None:
    assert len(module.read_text("utf-8").splitlines()) <= MOST_LINES


def test_the_plugin_folder_is_no_package() -> None:
    plugins = ROOT.parent / "twisted"
    assert not list(plugins.rglob("__init__.py"))
