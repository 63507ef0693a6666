"""Agents' tools over both transports, driven by the client of those who make the protocol."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import frozen
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPError

from tests.daemon import PATIENCE, Daemon, daemon, environment

MAIL = b"From: Shop <shop@shop.test>\r\nSubject: Your code\r\n\r\nYour code is 482913.\r\n"
RELAY = [sys.executable, "-m", "tempmail.cli.main", "mcp"]
CONNECTIONS = [
    pytest.param(transport, mode, id=f"{transport}-{mode}")
    for transport in ("http", "stdio")
    for mode in ("auto", "legacy")
]

CLOSING = [one for one in CONNECTIONS if one.id != "http-legacy"]
"""Those that close the connection of what they cancel."""


@frozen
class Served:
    """A daemon and keys of its users."""

    daemon: Daemon
    full: str
    codes: str
    another: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.daemon.http}"

    @asynccontextmanager
    async def client(self, transport: str, mode: str, key: str) -> AsyncIterator[Client]:
        if transport == "stdio":
            variables = environment(TEMPMAIL_URL=self.url, UCT_API_KEY=key)
            command = StdioServerParameters(command=RELAY[0], args=RELAY[1:], env=variables)
            async with Client(stdio_client(command), mode=mode) as client:
                yield client
            return
        headers = {"Authorization": f"Bearer {key}"}
        async with create_mcp_http_client(headers=headers) as http:
            over = streamable_http_client(f"{self.url}/mcp", http_client=http)
            async with Client(over, mode=mode) as client:
                yield client


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("data")

    def operate(*words: str) -> str:
        command = [sys.executable, "-m", "tempmail.cli.main", *words, "--data-dir", str(data)]
        return subprocess.run(
            command, env=environment(), capture_output=True, text=True, check=True, timeout=PATIENCE
        ).stdout.strip()

    with daemon(data, "--rate-limits", "off") as it:
        operate("user", "add", "ann")
        operate("user", "add", "bob")
        full, another = operate("key", "add", "ann"), operate("key", "add", "bob")
        yield Served(it, full, operate("key", "add", "ann", "--scope", "codes"), another)


def text_of(result: Any) -> str:
    [content] = result.content
    text: str = content.text
    return text


@pytest.mark.parametrize(("transport", "mode"), CONNECTIONS)
def test_an_agent_signs_up_with_a_mailbox_of_its_own(
    served: Served, transport: str, mode: str
) -> None:
    async def story() -> None:
        async with served.client(transport, mode, served.full) as client:
            newest = "2026-07-28" if mode == "auto" else "2025-11-25"
            assert client.protocol_version == newest
            assert [tool.name for tool in (await client.list_tools()).tools] == [
                *("create_mailbox", "list_mailboxes", "get_messages", "read_message"),
                *("delete_mailbox", "wait_for_message", "wait_for_code"),
            ]
            made = (await client.call_tool("create_mailbox", {})).structured_content
            assert made["owner_type"] == "mcp"
            box = {"address": made["address"]}
            listed = (await client.call_tool("list_mailboxes", {})).structured_content
            assert box["address"] in [one["address"] for one in listed["mailboxes"]]

            waiting = asyncio.create_task(
                client.call_tool("wait_for_code", {**box, "timeout_seconds": 60, "from": "shop"})
            )
            empty = (await client.call_tool("get_messages", box)).structured_content
            assert empty["messages"] == []  # while another call waits
            await asyncio.to_thread(served.daemon.send, box["address"], mail=MAIL)
            found = (await waiting).structured_content
            assert (found["found"], found["code"]) == (True, "482913")

            [summary] = (await client.call_tool("get_messages", box)).structured_content["messages"]
            read = await client.call_tool("read_message", {**box, "message_id": summary["id"]})
            assert "Your code is 482913." in read.structured_content["text"]
            assert "stranger" in text_of(read)
            await client.call_tool("delete_mailbox", box)
            gone = await client.call_tool("get_messages", box)
            assert gone.is_error
            assert "not_found" in text_of(gone)

    asyncio.run(story())


@pytest.mark.parametrize(("transport", "mode"), CONNECTIONS)
def test_a_wait_shows_progress_and_gives_what_comes(
    served: Served, transport: str, mode: str
) -> None:
    async def story() -> None:
        seen: list[tuple[float, float | None]] = []
        arrived = asyncio.Event()

        async def note(progress: float, total: float | None, message: str | None) -> None:
            seen.append((progress, total))
            arrived.set()

        async with served.client(transport, mode, served.full) as client:
            made = (await client.call_tool("create_mailbox", {})).structured_content
            box = {"address": made["address"], "timeout_seconds": 100}
            waiting = asyncio.create_task(
                client.call_tool("wait_for_message", box, progress_callback=note)
            )
            await asyncio.wait_for(arrived.wait(), PATIENCE)
            await asyncio.to_thread(served.daemon.send, made["address"], mail=MAIL)
            found = (await waiting).structured_content
            assert found["message"]["subject"] == "Your code"
            assert seen[0] == (3, 100)

    asyncio.run(story())


@pytest.mark.parametrize("transport", ["http", "stdio"])
def test_a_codes_key_waits_for_codes_and_reads_nothing(served: Served, transport: str) -> None:
    async def story() -> None:
        async with served.client("http", "auto", served.full) as owner:
            made = (await owner.call_tool("create_mailbox", {})).structured_content
        served.daemon.send(made["address"], mail=MAIL)
        async with served.client(transport, "auto", served.codes) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert names == ["list_mailboxes", "wait_for_code"]
            box = {"address": made["address"]}
            found = await client.call_tool("wait_for_code", box)
            assert found.structured_content["code"] == "482913"
            assert "Your code" not in str(found)
            refused = await client.call_tool("read_message", box)
            assert refused.is_error
            assert "insufficient_scope" in text_of(refused)

    asyncio.run(story())


def test_anothers_mailbox_looks_like_none(served: Served) -> None:
    async def story() -> None:
        async with served.client("http", "auto", served.full) as owner:
            made = (await owner.call_tool("create_mailbox", {})).structured_content
        async with served.client("http", "auto", served.another) as client:
            listed = (await client.call_tool("list_mailboxes", {})).structured_content
            assert listed["mailboxes"] == []
            tools = ("get_messages", "read_message", "delete_mailbox", "wait_for_code")
            for name in tools:
                theirs = await client.call_tool(name, {"address": made["address"]})
                none = await client.call_tool(name, {"address": "nobody@tempmail.localhost"})
                assert theirs.is_error, name
                assert text_of(theirs) == text_of(none)

    asyncio.run(story())


@pytest.mark.parametrize(("transport", "mode"), CLOSING)
def test_a_wait_that_is_given_up_ends_at_the_server(
    served: Served, transport: str, mode: str
) -> None:
    """As the access log says: the client left, 499."""

    async def story() -> None:
        async with served.client(transport, mode, served.full) as client:
            made = (await client.call_tool("create_mailbox", {})).structured_content
            before = ended()
            with pytest.raises(MCPError):
                await client.call_tool(
                    "wait_for_message",
                    {"address": made["address"], "timeout_seconds": 120},
                    read_timeout_seconds=1,
                )
            await asyncio.to_thread(until, lambda: ended() > before)

    def ended() -> int:
        return sum("POST /mcp 499" in line for line in served.daemon.output)

    asyncio.run(story())


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def relayed(served: Served, *lines: str, url: str = "", key: str = "") -> list[Any]:
    """What the relay says to these lines, after which its input ends."""
    ended = subprocess.run(
        RELAY,
        env=environment(TEMPMAIL_URL=url or served.url, UCT_API_KEY=key or served.full),
        input="".join(f"{line}\n" for line in lines).encode(),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    return [json.loads(line) for line in ended.stdout.splitlines()]


def ping(number: int | str) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": "ping"})


def test_the_relay_answers_what_it_was_asked_before_its_input_ends(served: Served) -> None:
    said = relayed(served, ping(1), ping("two"), "", '{"jsonrpc":"2.0","method":"notifications/x"}')
    assert sorted(said, key=str) == [
        {"jsonrpc": "2.0", "id": "two", "result": {}},
        {"jsonrpc": "2.0", "id": 1, "result": {}},
    ]


def test_the_relay_says_what_is_wrong_in_the_protocols_own_words(served: Served) -> None:
    [said] = relayed(served, "{")
    assert (said["id"], said["error"]["code"]) == (None, -32700)
    [said] = relayed(served, f"[{ping(1)}]")
    assert (said["id"], said["error"]["code"]) == (None, -32600)
    [said] = relayed(served, ping("x" * 1024 * 1024))
    assert (said["id"], said["error"]["code"]) == (None, -32600)
    [said] = relayed(served, ping("x" * 100_000))
    assert said["id"] == "x" * 100_000
    assert "413" in said["error"]["message"]
    [said] = relayed(served, ping(1), url="http://127.0.0.1:9")
    assert "no tempmail server answers at http://127.0.0.1:9" in said["error"]["message"]
    [said] = relayed(served, ping(1), key="uct_never")
    assert "401" in said["error"]["message"]
    assert "UCT_API_KEY" in said["error"]["message"]
    [said] = relayed(served, ping(1), url=f"{served.url}/api/v1")
    assert "404" in said["error"]["message"]


def test_the_relay_wants_a_key_before_it_begins() -> None:
    ended = subprocess.run(
        RELAY, env=environment(UCT_API_KEY=""), capture_output=True, timeout=PATIENCE, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"UCT_API_KEY" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_relay_while_it_waits(served: Served, number: signal.Signals) -> None:
    address, token = served.daemon.create()
    process = subprocess.Popen(
        RELAY,
        env=environment(TEMPMAIL_URL=served.url, UCT_API_KEY="", TEMPMAIL_TOKEN=token),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    call = {"name": "wait_for_message", "arguments": {"address": address, "timeout_seconds": 100}}
    wait = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    process.stdin.write(f"{json.dumps(wait)}\n{ping(2)}\n".encode())
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["id"] == 2
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (0, b"", b"")
