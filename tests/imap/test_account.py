"""Accounts as operators write them: one precise line for each mistake, and never the secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from tempmail.imap.account import account, check_accounts
from tempmail.model.address import Domains
from tempmail.model.errors import InvalidInput, Unavailable

DOMAINS = Domains(["example.test"])


def test_a_gmail_account() -> None:
    given = account(
        "imaps://ann@gmail.com@imap.gmail.com/%5BGmail%5D/All%20Mail"
        "?password_file=/etc/secret&mailbox=box@example.test&delete=yes&start=new"
    )
    assert (given.user, given.host, given.port) == ("ann@gmail.com", "imap.gmail.com", 993)
    assert (given.folder, given.tls) == ("[Gmail]/All Mail", "tls")
    assert (given.delete, given.old) == (True, False)
    assert given.headers == ("delivered-to", "x-original-to", "x-forwarded-to")
    assert given.name == "ann@gmail.com@imap.gmail.com/[Gmail]/All Mail"


def test_what_is_not_said_is_the_careful_choice() -> None:
    given = account("imap://ann@mail.test?password_env=SECRET")
    assert (given.port, given.folder, given.tls) == (143, "INBOX", "starttls")
    assert (given.delete, given.old, given.mailbox) == (False, True, None)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mail.test", "is a URL"),
        ("imaps://mail.test?password_env=X", "is a URL"),
        ("imaps://ann@mail.test:port?password_env=X", "is no URL"),
        ("imaps://ann:hunter2@mail.test", "a password is never in the URL"),
        ("imaps://ann@mail.test", "needs either password_file or password_env"),
        ("imaps://ann@mail.test?password_env=X&password_file=/x", "needs either"),
        ("imaps://ann@mail.test?password=hunter2", "unknown: password;"),
        ("imaps://ann@mail.test?password_env=X&delete=maybe", "delete is one of no, yes"),
        ("imaps://ann@mail.test?password_env=X&insecure=yes", "imaps is never insecure"),
        ("imaps://ann@mail.test?password_env=X&headers=none", "needs a mailbox"),
        ("imaps://ann@mail.test?password_env=X&headers=a:b", "is no header's name"),
        ("imaps://ann@mail.test/a%0D%0Ab?password_env=X", "the folder is one line"),
    ],
)
def test_a_mistake_is_named_in_one_line_without_the_secret(text: str, why: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        account(text)
    assert why in refusal.value.detail
    assert "hunter2" not in refusal.value.detail
    assert "\n" not in refusal.value.detail


def test_a_password_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    given = account(f"imaps://ann@mail.test?password_file={file}")
    for secret in ("one", "zwei Wörter"):
        file.write_text(f"{secret}\n", "utf-8")
        assert given.secret({}) == secret.encode()
    file.write_text("two\nlines\n")
    with pytest.raises(Unavailable):
        given.secret({})
    file.unlink()
    with pytest.raises(Unavailable, match="No such file"):
        given.secret({})


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (["imaps://a@mail.test?password_env=X"] * 2, "is given twice"),
        (["imaps://a@mail.test?password_env=X&mailbox=box@other.test"], "under none of our"),
        (["imaps://a@mail.test?password_env=Y"], "the variable Y holds no password"),
        (["imaps://a@mail.test?password_file=/nowhere"], "/nowhere with the password: No such"),
        (["imaps://a@mail.test?password_env=X&ca_file=/nowhere"], "/nowhere cannot be read"),
    ],
)
def test_what_cannot_be_read_is_said_at_the_start(texts: list[str], why: str) -> None:
    accounts = [account(text) for text in texts]
    with pytest.raises(InvalidInput) as refusal:
        check_accounts(accounts, DOMAINS, {"X": "hunter2"}, strict=True)
    assert why in refusal.value.detail


def test_only_in_development_a_password_may_be_sent_in_clear() -> None:
    clear = account("imap://a@mail.test?password_env=X&insecure=yes")
    other = account("imap://b@mail.test?password_env=X")
    check_accounts([clear, other], DOMAINS, {"X": "hunter2"}, strict=False)
    check_accounts([other], DOMAINS, {"X": "hunter2"}, strict=True)
    with pytest.raises(InvalidInput, match="not insecure"):
        check_accounts([clear], DOMAINS, {"X": "hunter2"}, strict=True)
