"""Both clients against the real daemon."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tempmail.client import (
    AsyncClient,
    AsyncMailbox,
    Client,
    Conflict,
    Error,
    Interrupted,
    InvalidRequest,
    Mailbox,
    NotFound,
    Timeout,
    Unauthenticated,
    Unreachable,
)
from tests.daemon import Daemon

CODE = b"Subject: Your code\r\nFrom: Shop <shop@x.test>\r\n\r\nYour code is %d.\r\n"
CONFIRM = (
    b"Subject: Welcome\r\n\r\nConfirm your address:\r\n"
    b"https://x.test/confirm?token=8f3a9c0d2b7e4f61\r\n"
)
ATTACHED = (
    b"Subject: Files\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\n\r\nhi\r\n--b\r\nContent-Type: text/plain\r\n"
    b"Content-Disposition: attachment; filename=a.txt\r\n\r\nthe text\r\n--b--\r\n"
)


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url, "") as client:
        yield client


@pytest.fixture
def box(client: Client) -> Iterator[Mailbox]:
    with client.create() as mailbox:
        yield mailbox


def test_a_mailbox_is_made_as_wished_and_deleted_at_the_end(client: Client) -> None:
    with client.create("client-test", ttl_minutes=7) as mailbox:
        assert mailbox.address == "client-test@tempmail.localhost"
        info = mailbox.info()
        assert info.expires_at - info.created_at == timedelta(minutes=7)
        with pytest.raises(Conflict):
            client.create("client-test")
    with pytest.raises(NotFound):
        mailbox.info()


def test_a_mailbox_that_is_gone_already_may_be_left(client: Client) -> None:
    with client.create() as mailbox:
        mailbox.delete()


def test_what_happened_inside_is_not_hidden_by_the_end(client: Client) -> None:
    with pytest.raises(ZeroDivisionError), client.create():
        _ = 1 / 0


def test_a_mailbox_is_opened_by_its_token(client: Client, box: Mailbox) -> None:
    assert client.mailbox(box.address, box.token).info().address == box.address
    with pytest.raises(Unauthenticated):
        client.mailbox(box.address).info()
    with pytest.raises((NotFound, Unauthenticated)):
        client.mailbox(box.address, "other-token").info()


def test_an_api_key_opens_its_mailboxes_without_tokens(url: str, api_key: str) -> None:
    with Client(url, api_key) as client, client.create() as one, client.create() as other:
        assert (one.token, other.token) == (None, None)
        assert one.info().owner_type != "anonymous"
        assert {mailbox.address for mailbox in client.mailboxes()} == {one.address, other.address}
        with Client(url, "") as stranger, pytest.raises(Unauthenticated):
            list(stranger.mailboxes())


def test_the_same_wish_again_gives_the_same_mailbox(url: str, api_key: str) -> None:
    with Client(url, api_key) as client, client.create(client_id="run-1") as one:
        assert client.create(client_id="run-1").address == one.address


def test_a_mailbox_shows_itself_without_its_token(box: Mailbox) -> None:
    assert box.token
    assert box.token not in repr(box)


def test_a_wrong_wish_is_refused_with_what_to_do(client: Client) -> None:
    with pytest.raises(InvalidRequest) as caught:
        client.create(ttl_minutes=0)
    assert caught.value.status == 422
    assert "ttl_minutes" in caught.value.detail


def test_a_code_is_waited_for(running: Daemon, box: Mailbox) -> None:
    sending = threading.Thread(
        target=running.send, args=[box.address], kwargs={"mail": CODE % 471123}
    )
    sending.start()
    assert box.code(subject="your code", sender="shop", timeout=20) == "471123"
    sending.join()


def test_a_second_code_is_a_newer_one(running: Daemon, box: Mailbox) -> None:
    running.send(box.address, mail=CODE % 471123)
    assert box.code(timeout=20) == "471123"
    running.send(box.address, mail=CODE % 889900)
    assert box.code(timeout=20) == "889900"
    assert box.code(after=0, timeout=20) == "471123"


def test_mails_can_be_waited_for_in_another_order_than_they_came(
    running: Daemon, box: Mailbox
) -> None:
    running.send(box.address, mail=CONFIRM)
    running.send(box.address, mail=CODE % 471123)
    assert box.code(timeout=20) == "471123"
    expected = "https://x.test/confirm?token=8f3a9c0d2b7e4f61"
    assert box.link("confirm", timeout=20) == expected


def test_a_wait_in_vain_says_what_came(running: Daemon, box: Mailbox) -> None:
    running.send(box.address, mail=CODE % 471123)
    with pytest.raises(Timeout, match=r"#1 'Your code' from 'shop@x\.test' \(code 471123\)"):
        box.wait(subject="Welcome", timeout=1)


def test_a_wait_in_vain_says_what_was_not_kept(running: Daemon, box: Mailbox) -> None:
    for _ in range(101):  # one more than an anonymous mailbox holds
        running.send(box.address)
    with pytest.raises(Timeout, match=r"not kept:\n  full: a mail from 'ann@sender\.test'$"):
        box.code(timeout=1)


def test_a_bad_pattern_is_refused(box: Mailbox) -> None:
    with pytest.raises(InvalidRequest, match="subject"):
        box.wait(subject="/(/")


def test_all_messages_are_listed_over_pages(running: Daemon, box: Mailbox) -> None:
    for _ in range(3):
        running.send(box.address)
    many = box._box
    page, cursor = box._client.run(many.page({"limit": 2}))
    assert [len(page), cursor is not None] == [2, True]
    assert [summary.seq for summary in box.messages()] == [3, 2, 1]
    assert [summary.seq for summary in box.messages(after=1)] == [2, 3]
    box.read()
    assert [summary.seq for summary in box.messages(unread=True)] == [2, 1]
    assert [summary.seq for summary in box.messages(q="nowhere")] == []


def test_a_message_is_read_in_full(running: Daemon, box: Mailbox) -> None:
    running.send(box.address, mail=ATTACHED)
    message = box.wait(timeout=20)
    assert message.subject == "Files"
    assert message.body_text.strip() == "hi"
    assert message.envelope.mail_from == "ann@sender.test"
    assert datetime.now(UTC) - message.received_at < timedelta(minutes=5)
    (attachment,) = message.attachments
    assert attachment.filename == "a.txt"
    assert box.attachment(message, attachment) == b"the text"
    assert box.raw(message).endswith(ATTACHED)
    assert box.read(message.id) == box.read(message)


def test_messages_are_removed(running: Daemon, box: Mailbox) -> None:
    for _ in range(3):
        running.send(box.address)
    box.delete_message(box.wait(timeout=20))
    assert [summary.seq for summary in box.messages()] == [3, 2]
    box.empty()
    assert not list(box.messages())
    with pytest.raises(NotFound):
        box.read()


def test_a_mailbox_is_prolonged(box: Mailbox) -> None:
    assert box.extend(90).expires_at - datetime.now(UTC) > timedelta(minutes=85)


def test_events_are_followed_to_the_end(running: Daemon, box: Mailbox) -> None:
    running.send(box.address)
    events = box.events()
    assert next(events).seq == 1
    running.send(box.address)
    assert next(events).seq == 2
    box.empty()
    assert next(events).kind == "deleted"
    box.delete()
    assert [event.kind for event in events] == ["expired"]


def test_events_that_are_let_go_hold_no_connection(running: Daemon, box: Mailbox) -> None:
    running.send(box.address)
    with contextlib.closing(box.events(after=0)) as events:
        assert next(events).seq == 1
    pool = box._client._http._transport._pool  # type: ignore[attr-defined]
    assert all(connection.is_idle() for connection in pool.connections)


def test_nobody_at_the_url_is_said(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}", "") as nobody, pytest.raises(Unreachable) as caught:
        nobody.create()
    assert f"no server answers at http://127.0.0.1:{port}" in str(caught.value)


def test_an_answer_that_breaks_off_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def break_off() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

        thread = threading.Thread(target=break_off, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with Client(url, "") as client, pytest.raises(Interrupted):
            client.create()
        thread.join(20)


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://x.test", "http://"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not the URL of a server"):
        Client(url)


def test_url_and_key_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPMAIL_URL", "https://mail.test/")
    monkeypatch.setenv("UCT_API_KEY", "uct_key")
    with Client() as client:
        assert client.url == "https://mail.test"
        assert client.mailbox("a@mail.test")._box.credential == "uct_key"
    with Client("http://other.test", "") as client:
        assert client.mailbox("a@mail.test")._box.credential is None
    monkeypatch.delenv("TEMPMAIL_URL")
    with Client() as client:
        assert client.url == "http://127.0.0.1:8080"


def test_no_proxy_of_the_environment_leads_to_the_loopback_interface(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Client(url, "") as client, client.create() as mailbox:
        assert mailbox.info().message_count == 0


@pytest.mark.parametrize(("blocking", "other"), [(Client, AsyncClient), (Mailbox, AsyncMailbox)])
def test_both_clients_offer_the_same(blocking: type, other: type) -> None:
    def offered(kind: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }

    assert offered(blocking) == offered(other)


def test_the_client_for_asyncio_does_the_same(running: Daemon, url: str) -> None:
    async def use() -> None:
        async with AsyncClient(url, "") as client, await client.create() as mailbox:
            waiting = asyncio.create_task(mailbox.code(timeout=20))
            await asyncio.to_thread(running.send, mailbox.address, mail=CODE % 471123)
            assert await waiting == "471123"
            await asyncio.to_thread(running.send, mailbox.address, mail=CONFIRM)
            assert (await mailbox.link("confirm", timeout=20)).startswith("https://x.test/confirm")
            assert [one.seq async for one in mailbox.messages()] == [2, 1]
            assert (await mailbox.read()).subject == "Welcome"
            assert (await mailbox.raw()).endswith(CONFIRM)
            assert (await mailbox.extend(90)).address == mailbox.address
            async with contextlib.aclosing(mailbox.events()) as events:
                assert [(await anext(events)).seq, (await anext(events)).seq] == [1, 2]
            with pytest.raises(Timeout, match="'Welcome'"):
                await mailbox.wait(subject="never", timeout=1)
            await mailbox.delete_message(await mailbox.read())
            await mailbox.empty()
            assert not [one async for one in mailbox.messages()]
        with pytest.raises(NotFound):
            await client_of(url, mailbox)

    asyncio.run(use())


async def client_of(url: str, mailbox: AsyncMailbox) -> None:
    async with AsyncClient(url, "") as client:
        await client.mailbox(mailbox.address, mailbox.token).info()


def test_the_client_for_asyncio_lists_an_accounts_mailboxes(url: str, api_key: str) -> None:
    async def use() -> None:
        async with AsyncClient(url, api_key) as client, await client.create() as mailbox:
            assert [one.address async for one in client.mailboxes()] == [mailbox.address]

    asyncio.run(use())


def test_a_wait_for_asyncio_can_be_cancelled(url: str) -> None:
    async def use() -> None:
        async with AsyncClient(url, "") as client, await client.create() as mailbox:
            with pytest.raises(TimeoutError) as caught:
                await asyncio.wait_for(mailbox.wait(timeout=100), 0.2)
            assert not isinstance(caught.value, Error)
            assert (await mailbox.info()).message_count == 0

    asyncio.run(use())
