"""Three owners walk at random over everything that can be asked for, and see nothing foreign.

The routes are those of the daemon's own OpenAPI document, the tools those that it lists over MCP,
so that what is added is walked over too.  Every mail carries its owner's mark in all of its parts.
"""

from __future__ import annotations

import http.client
import json
import smtplib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest
from attrs import define, field, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.daemon import PATIENCE, Daemon, daemon, environment

MISSING = "nobody-at-all@tempmail.localhost"
MAILBOXES = 2
UNADDRESSED = ("create_mailbox", "list_mailboxes")


@frozen
class Seen:
    """What somebody was answered."""

    status: int
    body: bytes
    headers: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def holds(self, text: str) -> bool:
        return text.encode() in self.body or text in self.headers


@define
class Box:
    address: str
    credential: str
    messages: list[str] = field(factory=list)


@define
class Somebody:
    """An owner.

    :ivar mark: stands in each of their mails, and in nobody else's.
    :ivar key: None for an owner of session tokens.
    """

    mark: str
    key: str | None = None
    boxes: list[Box] = field(factory=list)


class World:
    """The daemon, its three owners and what they have."""

    def __init__(self, served: Daemon, data: Path) -> None:
        self.served = served
        self.owners = [
            Somebody("markofanonymous"),
            Somebody("markofann", self._key(data, "ann")),
            Somebody("markofbob", self._key(data, "bob")),
        ]
        document = self.ask("GET", "/openapi.json").json
        self.operations = [
            (method.upper(), path, operation)
            for path, methods in sorted(document["paths"].items())
            for method, operation in sorted(methods.items())
            if method in ("get", "post", "put", "patch", "delete")
        ]
        self.read: set[int] = set()  # what showed its owner something of their own
        self.tools = self._tools() if "/mcp" in document["paths"] else []

    def _key(self, data: Path, name: str) -> str:
        for words in (["user", "add", name], ["key", "add", name]):
            ended = subprocess.run(
                [sys.executable, "-m", "tempmail.cli.main", *words, "--data-dir", str(data)],
                env=environment(),
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=True,
            )
        return ended.stdout.strip()

    def _tools(self) -> list[str]:
        answer = self.mcp(self.owners[1].key or "", "tools/list", {})
        tools = answer.json["result"]["tools"]
        return sorted(tool["name"] for tool in tools)

    def ask(
        self,
        method: str,
        target: str,
        credential: str | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Seen:
        """One request; of a stream what comes at once."""
        sent = dict(headers or {})
        if credential is not None:
            sent["Authorization"] = f"Bearer {credential}"
        raw = None if body is None else json.dumps(body).encode()
        if raw is not None:
            sent["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.served.http, timeout=PATIENCE)
        try:
            connection.request(method, target, raw, sent)
            response = connection.getresponse()
            streams = response.headers.get_content_type() == "text/event-stream"
            if streams and connection.sock is not None:
                connection.sock.settimeout(0.05)
            parts = []
            try:
                while part := response.read1(65536):
                    parts.append(part)
            except TimeoutError:
                assert streams
            return Seen(response.status, b"".join(parts), str(response.headers))
        finally:
            connection.close()

    def mcp(self, credential: str, method: str, params: Any) -> Seen:
        connection = http.client.HTTPConnection("127.0.0.1", self.served.http, timeout=PATIENCE)
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {
            "Authorization": f"Bearer {credential}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2025-06-18",
        }
        try:
            connection.request("POST", "/mcp", json.dumps(body), headers)
            response = connection.getresponse()
            return Seen(response.status, response.read())
        finally:
            connection.close()

    def websocket(self, address: str, credential: str) -> Seen:
        url = f"ws://127.0.0.1:{self.served.http}/ws/inbox/{quote(address)}?after=0"
        headers = {"Authorization": f"Bearer {credential}"}
        try:
            with connect(url, additional_headers=headers, open_timeout=PATIENCE) as socket:
                frames = []
                try:
                    while True:
                        frames.append(str(socket.recv(timeout=0.05)))
                except (TimeoutError, ConnectionClosed):
                    pass
                return Seen(101, "".join(frames).encode())
        except InvalidStatus as refused:
            return Seen(refused.response.status_code, bytes(refused.response.body or b""))

    def furnish(self) -> None:
        """See to it that every owner has mailboxes with marked mail."""
        for owner in self.owners:
            living = []
            for box in owner.boxes:
                path = f"/api/v1/mailboxes/{quote(box.address)}/messages"
                listed = self.ask("GET", path, box.credential)
                if listed.status == 200:
                    living.append(box)
            owner.boxes = living
            while len(owner.boxes) < MAILBOXES:
                made = self.ask("POST", "/api/v1/mailboxes", owner.key, {})
                assert made.status == 201, made
                credential = owner.key or made.json["session_token"]
                owner.boxes.append(Box(made.json["address"], credential))
            for box in owner.boxes:
                self._fill(owner, box)

    def _fill(self, owner: Somebody, box: Box) -> None:
        path = f"/api/v1/mailboxes/{quote(box.address)}/messages"
        known = self.ask("GET", path, box.credential).json["messages"]
        if not known:
            mark = owner.mark
            mail = (
                f"From: {mark} <{mark}@sender.test>\r\nSubject: {mark}\r\nMIME-Version: 1.0\r\n"
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                f"--b\r\n\r\nYour code is 482913. {mark} https://{mark}.test/confirm?t=9a8b7c6d5e\r\n"
                f'--b\r\nContent-Disposition: attachment; filename="{mark}.txt"\r\n\r\n{mark}\r\n'
                "--b--\r\n"
            )
            with smtplib.SMTP("127.0.0.1", self.served.smtp, timeout=PATIENCE) as client:
                client.sendmail(f"{mark}@sender.test", box.address, mail)
            known = self.ask("GET", path, box.credential).json["messages"]
        box.messages = [one["id"] for one in known]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data = tmp_path_factory.mktemp("data")
    with daemon(data, "--rate-limits", "off") as served:
        # Anonymous owners are counted by network, and their mailboxes come and go here.
        subprocess.run(
            [
                *(sys.executable, "-m", "tempmail.cli.main", "plan", "change", "anonymous"),
                *("--max-mailboxes", "-1", "--data-dir", str(data)),
            ],
            env=environment(),
            check=True,
            capture_output=True,
            timeout=PATIENCE,
        )
        yield World(served, data)


@frozen
class Step:
    """Who asks (an owner and one of their credentials), for what, and whose it is."""

    owner: int
    own_box: int
    what: int
    whose: int
    box: int
    message: int


STEPS = st.builds(
    Step,
    owner=st.integers(0, 2),
    own_box=st.integers(0, MAILBOXES - 1),
    what=st.integers(0, 10_000),
    whose=st.integers(0, 2),
    box=st.integers(0, MAILBOXES - 1),
    message=st.integers(0, 3),
)


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, min_size=25, max_size=40))
def test_three_owners_see_nothing_of_each_other(world: World, steps: list[Step]) -> None:
    world.furnish()
    for step in steps:
        walk(world, step)


def test_each_of_them_saw_what_is_their_own(world: World) -> None:
    """Else the walk above would have shown nothing."""
    assert len(world.read) >= 4, [world.operations[what][:2] for what in world.read]


def walk(world: World, step: Step) -> None:
    asker, owner = world.owners[step.owner], world.owners[step.whose]
    credential = asker.boxes[step.own_box].credential
    box = owner.boxes[step.box]
    message = [*box.messages, "latest", str(uuid4())][step.message % (len(box.messages) + 2)]
    foreign = asker is not owner
    kinds = len(world.operations) + len(world.tools) + 1
    what = step.what % kinds

    def ask(address: str) -> Seen:
        if what < len(world.operations):
            return operate(world, what, address, message, credential)
        if what < kinds - 1:
            return use(
                world, world.tools[what - len(world.operations)], address, message, credential
            )
        return world.websocket(address, credential)

    seen = ask(box.address)
    assert seen.status < 500, (what, seen)
    if seen.holds(asker.mark):
        world.read.add(what)
    for other in world.owners:
        if other is not asker:
            assert not seen.holds(other.mark), (what, seen)
            for theirs in other.boxes:
                assert not seen.holds(theirs.credential)
    if foreign and names_a_mailbox(world, what):
        missing = ask(MISSING)
        assert alike(seen, box.address) == alike(missing, MISSING), (what, seen, missing)


def names_a_mailbox(world: World, what: int) -> bool:
    """Whether it is asked of one mailbox; names that are wished for may be taken, and are told."""
    if what < len(world.operations):
        _, path, operation = world.operations[what]
        asked = {parameter["name"] for parameter in operation.get("parameters", [])}
        return bool(asked & {"address", "name"}) or "{address}" in path
    tool = what - len(world.operations)
    return tool >= len(world.tools) or world.tools[tool] not in UNADDRESSED


def operate(world: World, what: int, address: str, message: str, credential: str) -> Seen:
    method, path, operation = world.operations[what]
    known = {"address": address, "which": message, "id": message, "index": "0"}
    known["name"] = address.partition("@")[0]
    target = path
    query = {}
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        if parameter["in"] == "path":
            target = target.replace(f"{{{name}}}", quote(known.get(name, "x"), safe="@"))
        elif parameter["in"] == "query" and name in ("address", "timeout"):
            query[name] = {"address": address, "timeout": "1"}[name]
    if path.endswith("/wait"):
        query["has"] = "code"
    body: Any = None
    if "requestBody" in operation:
        body = {"ttl_minutes": 30} if path.endswith("{address}") else {}
    if method == "DELETE" and "/keys/" in path:
        target = "/api/v1/keys/999999"  # its own keys are walked with
    if query:
        target += "?" + urlencode(query)
    return world.ask(method, target, credential, body)


def use(world: World, tool: str, address: str, message: str, credential: str) -> Seen:
    arguments: dict[str, Any] = {}
    if tool not in UNADDRESSED:
        arguments["address"] = address
    if tool == "read_message":
        arguments["message_id"] = message
    if tool.startswith("wait"):
        arguments["timeout_seconds"] = 1
    return world.mcp(credential, "tools/call", {"name": tool, "arguments": arguments})


def alike(seen: Seen, address: str) -> tuple[int, bytes]:
    """What was answered, but for what says which address was asked for."""
    body = seen.body.replace(quote(address, safe="@").encode(), b"ADDRESS")
    return seen.status, body.replace(address.encode(), b"ADDRESS")
