"""An agent without a socket: messages to ``/mcp`` of the service under test."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.tokens import digest as key_digest
from tempmail.model.account import Caller, Scope
from tempmail.model.mailbox import UserOwner
from tests.http.service import Connection, Headers, Reply, Service, replies, request_bytes

NEWEST = "2026-07-28"
BOTH = "application/json, text/event-stream"
META = {
    "io.modelcontextprotocol/protocolVersion": NEWEST,
    "io.modelcontextprotocol/clientCapabilities": {},
}


class McpCase(SynchronousTestCase):
    """Users 1 and 2 have a key of each scope."""

    def setUp(self) -> None:
        self.service = Service()
        for user in (1, 2):
            for scope in Scope:
                known = key_digest(self.key(user, scope))
                self.service.keys.known[known] = Caller(UserOwner(user), scope, user, digest=known)

    @staticmethod
    def key(user: int = 1, scope: Scope = Scope.FULL) -> str:
        return f"uct_{scope}{user}"

    def post(self, message: Any, token: str | None = None, headers: Headers | None = None) -> Reply:
        sent = {"Accept": BOTH, **(headers or {})}
        return self.service.call("POST", "/mcp", message, token=token or self.key(), headers=sent)

    def ask(
        self,
        method: str,
        params: Any = None,
        token: str | None = None,
        headers: Headers | None = None,
    ) -> Reply:
        message = {"jsonrpc": "2.0", "id": 7, "method": method}
        if params is not None:
            message["params"] = params
        return self.post(message, token, headers)

    def call(self, name: str, token: str | None = None, **arguments: Any) -> Any:
        """The result of using a tool."""
        reply = self.ask("tools/call", {"name": name, "arguments": arguments}, token)
        self.assertEqual(reply.status, 200, reply)
        return reply.json["result"]

    def found(self, name: str, token: str | None = None, **arguments: Any) -> Any:
        """What a tool found."""
        result = self.call(name, token, **arguments)
        self.assertIs(result["isError"], False, result)
        return result["structuredContent"]

    def failed(self, name: str, token: str | None = None, **arguments: Any) -> str:
        """What an agent is told of a tool that failed."""
        result = self.call(name, token, **arguments)
        self.assertEqual((result["isError"], "structuredContent" in result), (True, False), result)
        text: str = result["content"][0]["text"]
        return text

    def make(self, user: int = 1, **wish: Any) -> str:
        address: str = self.found("create_mailbox", self.key(user), **wish)["address"]
        return address

    def deliver(self, address: str, raw: bytes = b"hello", subject: str = "hello") -> str:
        identity = str(self.service.deliver(f"/{address}", raw, subject))
        self.service.clock.advance(0)
        return identity

    def begin(
        self,
        name: str,
        token: str | None = None,
        meta: Any = None,
        accept: str = BOTH,
        **arguments: Any,
    ) -> Connection:
        """Start to use a tool that waits."""
        params = {"name": name, "arguments": arguments, "_meta": meta or {}}
        message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
        connection = self.service.connect()
        sent = {
            "Authorization": f"Bearer {token or self.key()}",
            "Accept": accept,
            "Content-Type": "application/json",
        }
        connection.send(request_bytes("POST", "/mcp", sent, json.dumps(message).encode()))
        self.service.clock.advance(0)
        return connection

    def reply(self, connection: Connection) -> Reply:
        [reply] = replies(connection.received(), "POST")
        return reply

    def assert_error(self, reply: Reply, status: int, code: int, words: str = "") -> None:
        self.assertEqual((reply.status, reply.json["error"]["code"]), (status, code), reply)
        self.assertEqual(reply.headers["content-type"], "application/json")
        self.assertIn(words, reply.json["error"]["message"])

    def counted(self, metric: str, **labels: str) -> float:
        name = f"tempmail_mcp_{metric}_total"
        return self.service.metrics.registry.get_sample_value(name, labels) or 0.0
