"""Every recipe of the documentation is run, against the real daemon."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tempmail
from tests.client.shop import shop
from tests.daemon import CHECKOUT, PATIENCE, Daemon

TEXT = (Path(tempmail.__file__).parent / "docs" / "recipes.md").read_text("utf-8")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DOUBLE = Path(__file__).with_name("cypress_double.mjs")
CONFIGURATION = """
export default {
  reporter: 'line',
  timeout: 90_000, // machines that test are busy
  expect: { timeout: 60_000 },
  use: {
    baseURL: process.env.BASE_URL,
    launchOptions: { executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] },
  },
};
"""
PASSED = "confirms a new address by its code"


def recipes() -> dict[str, str]:
    """The code blocks that are files, by the names in their first lines."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    named = {}
    for language, block in blocks:
        if language != "sh":  # a single command to install things
            first = re.match(r"(?:#|//) (\S+)\n", block)
            assert first, f"a block without its file's name:\n{block}"
            named[first[1]] = block
    return named


class Folder:
    """A user's project, in which recipes stand and are run.

    :param running: the server that they find.
    """

    def __init__(self, path: Path, running: Daemon) -> None:
        self.path = path
        self._running = running

    def write(self, *names: str) -> None:
        for name in names:
            # The ports of the daemon with default options, which tests cannot have.
            text = recipes()[name].replace("2525", str(self._running.smtp))
            self.path.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
            self.path.joinpath(name).write_text(text)

    def run(self, *command: str, **variables: str) -> str:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TEMPMAIL_", "UCT_"))}
        server = f"http://127.0.0.1:{self._running.http}"
        done = subprocess.run(
            command,
            cwd=self.path,
            env={**kept, "PYTHONPATH": str(CHECKOUT), "TEMPMAIL_URL": server, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=2 * PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture
def folder(tmp_path: Path, running: Daemon) -> Folder:
    return Folder(tmp_path, running)


@pytest.fixture
def site(running: Daemon) -> Iterator[str]:
    with shop(running.smtp) as url:
        yield url


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Playwright for Node, from the npm registry; it drives this machine's Chromium."""
    for program in ("node", "npm"):
        assert shutil.which(program), f"{program} is missing: install Node.js 20 or later"
    assert CHROMIUM, "chromium is missing"
    path = tmp_path_factory.mktemp("node")
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--silent", "@playwright/test@^1.50"],
        cwd=path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=4 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"npm cannot install Playwright:\n{done.stdout}"
    return path / "node_modules"


def test_every_recipe_is_run_here() -> None:
    used = Path(__file__).read_text("utf-8")
    assert recipes(), "no recipe was found"
    for name in recipes():
        assert f'"{name}"' in used, f"{name} is run by no test"


def test_the_recipe_for_pytest(folder: Folder, running: Daemon) -> None:
    folder.write("test_sign_up.py")
    smtp = f"127.0.0.1:{running.smtp}"
    printed = folder.run(sys.executable, "-m", "pytest", "--tempmail-smtp", smtp)
    assert "3 passed" in printed


def test_the_recipe_for_python(folder: Folder) -> None:
    folder.write("sign_up.py")
    printed = folder.run(sys.executable, "sign_up.py").splitlines()
    assert printed[0] == "471123"
    assert "#1 'Welcome' from 'shop@example.org' (code 471123)" in printed[-1]


def test_the_recipe_for_asyncio(folder: Folder) -> None:
    folder.write("sign_up_async.py")
    assert folder.run(sys.executable, "sign_up_async.py") == "471123\n"


def test_the_recipe_for_the_shell(folder: Folder) -> None:
    folder.write("sign-up.sh")
    assert folder.run("bash", "sign-up.sh") == "471123\n"


def test_the_recipe_for_playwright(folder: Folder, node_modules: Path, site: str) -> None:
    folder.write("tempmail.mjs", "sign-up.spec.mjs")
    (folder.path / "playwright.config.mjs").write_text(CONFIGURATION)
    (folder.path / "node_modules").symlink_to(node_modules)
    playwright = str(node_modules / ".bin" / "playwright")
    printed = folder.run(playwright, "test", BASE_URL=site, CHROMIUM=str(CHROMIUM))
    assert "1 passed" in printed


def test_the_recipe_for_cypress(folder: Folder, node_modules: Path, site: str) -> None:
    """Its tasks in Node as they are; its spec over a double of Cypress's commands."""
    folder.write("tempmail.mjs", "cypress.config.mjs", "cypress/e2e/sign-up.cy.js")
    (folder.path / "node_modules").symlink_to(node_modules)
    config = str(folder.path / "cypress.config.mjs")
    spec = str(folder.path / "cypress/e2e/sign-up.cy.js")
    printed = folder.run("node", str(DOUBLE), config, spec, str(CHROMIUM), BASE_URL=site)
    assert printed == f"passed: {PASSED}\n"


def test_the_helper_in_javascript_says_when_nothing_came(folder: Folder) -> None:
    assert shutil.which("node"), "node is missing: install Node.js 20 or later"
    folder.write("tempmail.mjs")
    (folder.path / "vain.mjs").write_text(
        """
import { createMailbox, deleteMailbox, waitForMail } from './tempmail.mjs';
const mailbox = await createMailbox();
await waitForMail(mailbox, { subject: 'never', seconds: 1 }).catch((e) => console.log(e.message));
await waitForMail(mailbox, { subject: '/(/' }).catch((e) => console.log(e.message));
await deleteMailbox(mailbox);
"""
    )
    vain, wrong = folder.run("node", "vain.mjs").splitlines()
    assert vain.startswith("no mail for ")
    assert vain.endswith(' in 1 s: {"subject":"never"}')
    assert wrong.startswith("tempmail: 422 ")
