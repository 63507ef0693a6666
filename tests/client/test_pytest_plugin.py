"""The plugin in runs of pytest of their own, as a user's project has it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.daemon import CHECKOUT, PATIENCE, Daemon

SENDING = """
import smtplib

def send(smtp_server, address, subject="Hello", text="Your code is 471123."):
    with smtplib.SMTP(*smtp_server) as smtp:
        smtp.sendmail("shop@x.test", [address], f"Subject: {subject}\\r\\n\\r\\n{text}\\r\\n")
"""


class Project:
    """A user's project, with its tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "sending.py").write_text(SENDING)

    def ini(self, lines: str) -> None:
        (self.folder / "pytest.ini").write_text(f"[pytest]\n{lines}\n")

    def run(
        self, tests: str, *options: str, status: int = 0, prelude: str = "", **more: str
    ) -> str:
        """What pytest prints of these tests.

        :param status: pytest's, as it should be.
        :param prelude: runs before pytest, in its process.
        """
        (self.folder / "test_project.py").write_text(f"from sending import send\n{tests}")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TEMPMAIL_", "UCT_"))}
        program = f"import sys\n{prelude}\nimport pytest\nsys.exit(pytest.main(sys.argv[1:]))"
        without = ("cacheprovider", "schemathesis", "hypothesispytest")  # dear, and of no use here
        arguments = [*(f"-pno:{one}" for one in without), "-v", "-ra", *options]
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=self.folder,
            env={**kept, "PYTHONPATH": f"{CHECKOUT}:{self.folder}", **more},
            capture_output=True,
            text=True,
            timeout=4 * PATIENCE,
            check=False,
        )
        printed = done.stdout + done.stderr
        assert done.returncode == status, printed
        return printed


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def named(running: Daemon, url: str) -> list[str]:
    """Options that name a server which runs already."""
    return ["--tempmail-url", url, "--tempmail-smtp", f"127.0.0.1:{running.smtp}"]


def test_a_test_gets_a_mailbox_and_a_server_of_its_own(project: Project) -> None:
    project.run(
        """
def test_mail(mailbox, smtp_server, tempmail_server):
    assert tempmail_server.private
    send(smtp_server, mailbox.address)
    assert mailbox.code(subject="hello", timeout=20) == "471123"
    (__import__("pathlib").Path(__file__).parent / "url").write_text(tempmail_server.url)
""",
        UCT_API_KEY="uct_of_another_server",
        TEMPMAIL_DATABASE="postgresql://nowhere.test/other",
    )
    url = (project.folder / "url").read_text()
    with pytest.raises(OSError, match="refused"):
        __import__("urllib.request").request.urlopen(url, timeout=5)


def test_workers_of_xdist_do_not_see_each_other(project: Project) -> None:
    printed = project.run(
        """
import pytest

@pytest.mark.parametrize("number", range(6))
def test_mail(mailbox, smtp_server, tempmail_server, number, worker_id):
    send(smtp_server, mailbox.address, text=f"Your code is 47112{number}.")
    assert mailbox.code(timeout=20) == f"47112{number}"
    folder = __import__("pathlib").Path(__file__).parent
    (folder / f"url-{worker_id}").write_text(tempmail_server.url)
""",
        *("-n", "2"),
    )
    assert "6 passed" in printed
    urls = [path.read_text() for path in project.folder.glob("url-*")]
    assert len(urls) == len(set(urls)) == 2


def test_mailboxes_are_deleted_after_their_test(project: Project, named: list[str]) -> None:
    printed = project.run(
        """
import pytest
from tempmail.client import NotFound
kept = []

def test_first(mailbox, make_mailbox):
    kept.extend([mailbox, make_mailbox(ttl_minutes=5)])
    assert len({one.address for one in kept}) == 2
    assert 1 == 2

def test_second(tempmail_client):
    for one in kept:
        with pytest.raises(NotFound):
            one.info()
""",
        *named,
        status=1,
    )
    assert "1 failed, 1 passed" in printed


def test_a_failed_test_shows_which_mails_came(project: Project, named: list[str]) -> None:
    printed = project.run(
        """
def test_mail(mailbox, make_mailbox, smtp_server):
    make_mailbox()
    send(smtp_server, mailbox.address, "Welcome to the shop")
    mailbox.wait(timeout=20)
    mailbox.link(timeout=1)
""",
        *named,
        status=1,
    )
    section = printed.partition("- tempmail -")[2]
    assert "#1 'Welcome to the shop'" in section
    assert "(code 471123)" in section
    assert "nothing arrived" in section
    assert "no mail with a link for " in printed
    assert "tempmail/client" not in printed, "frames of ours tell a tester nothing"


def test_a_failed_test_shows_no_more_than_one_can_read(project: Project, named: list[str]) -> None:
    printed = project.run(
        """
def test_mail(mailbox, smtp_server):
    for number in range(25):
        send(smtp_server, mailbox.address, "x" * 900)
    assert False
""",
        *named,
        status=1,
    )
    section = printed.partition("- tempmail -")[2]
    assert section.count("#") == 20
    assert "x" * 201 not in section


def test_a_server_that_dies_does_not_disturb_the_report(project: Project) -> None:
    printed = project.run(
        """
import os, signal

def test_mail(mailbox):
    with open(f"/proc/self/task/{os.getpid()}/children") as children:
        for pid in children.read().split():
            os.kill(int(pid), signal.SIGKILL)
    assert 1 == 2
""",
        status=1,
    )
    assert "assert 1 == 2" in printed
    assert "no server answers at" in printed
    assert "INTERNALERROR" not in printed


def test_ctrl_c_leaves_nothing_behind(project: Project) -> None:
    temporary = project.folder / "temporary"
    temporary.mkdir()
    project.run(
        """
import os, signal, time

def test_mail(mailbox):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
""",
        status=2,
        TMPDIR=str(temporary),
    )
    assert list(temporary.iterdir()) == []


def test_the_server_can_be_named_in_the_ini_file(
    project: Project, running: Daemon, url: str
) -> None:
    project.ini(f"tempmail_url = {url}\ntempmail_smtp = 127.0.0.1:{running.smtp}")
    project.run(
        f"""
def test_mail(mailbox, smtp_server, tempmail_server):
    assert tempmail_server == ("{url}", ("127.0.0.1", {running.smtp}), False)
    send(smtp_server, mailbox.address)
    mailbox.wait(timeout=20)
"""
    )


def test_the_server_can_be_named_by_a_variable(project: Project, url: str) -> None:
    printed = project.run(
        """
def test_mailbox(mailbox):
    pass

def test_smtp(smtp_server):
    pass
""",
        status=1,
        TEMPMAIL_URL=url,
    )
    assert "1 passed" in printed
    assert "say where the server takes mail, by --tempmail-smtp" in printed


def test_options_of_the_server_can_be_given(project: Project) -> None:
    project.ini("tempmail_options = --domain shop.test")
    project.run('def test_mailbox(mailbox):\n    assert mailbox.address.endswith("@shop.test")\n')


def test_a_server_that_cannot_start_fails_the_tests_with_what_to_do(project: Project) -> None:
    project.ini("tempmail_options = --no-such-option")
    printed = project.run(
        "def test_a(mailbox):\n    pass\n\ndef test_b(mailbox):\n    pass\n", status=1
    )
    assert "2 errors" in printed
    assert "no-such-option" in printed
    assert "with its extras 'client' and 'embedded'" in printed
    assert "Traceback" not in printed


def test_fixtures_of_the_projects_own_come_first(project: Project) -> None:
    project.run(
        """
import pytest

@pytest.fixture
def mailbox():
    return "ours"

@pytest.fixture
def smtp_server():
    return "ours too"

def test_fixtures(mailbox, smtp_server):
    assert (mailbox, smtp_server) == ("ours", "ours too")
"""
    )


def test_a_run_that_does_not_use_it_imports_and_starts_nothing(project: Project) -> None:
    project.run(
        """
import sys

def test_nothing(pytestconfig):
    assert pytestconfig.pluginmanager.has_plugin("tempmail")
    assert not {"httpx", "twisted", "tempmail.client.sync"} & set(sys.modules)
"""
    )


def test_it_can_be_turned_off(project: Project) -> None:
    printed = project.run("def test_a(mailbox):\n    pass\n", "-p", "no:tempmail", status=1)
    assert "fixture 'mailbox' not found" in printed


def test_without_httpx_only_tests_with_mailboxes_fail(project: Project, named: list[str]) -> None:
    printed = project.run(
        "def test_a(mailbox):\n    pass\n\ndef test_b():\n    pass\n",
        *named,
        status=1,
        prelude="sys.modules['httpx'] = None",
    )
    assert "1 passed, 1 error" in printed
    assert "with its extra 'client'" in printed
