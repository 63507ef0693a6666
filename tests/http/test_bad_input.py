"""Every parameter of every declared route, with what no client should send.

Nothing of it is trouble on our side, and what is refused is named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec.inspect import BoolType, IntType, ListType, StrType, StructType, type_info
from twisted.trial.unittest import SynchronousTestCase

from tempmail.core.tokens import digest
from tempmail.http import api
from tempmail.http.allowed import kinds
from tempmail.http.routes import Access, Route, klein_app
from tempmail.model.account import Caller
from tempmail.model.mailbox import UserOwner
from tests.http.service import Service, request_bytes

KEY = "uct_" + "k" * 43

TEXTS = [
    *("", " ", "0", "-1", "+1", "1.5", "1e3", "0x10", "NaN", "Infinity", "true", "null", "[]"),
    *(
        "{}",
        "9" * 19,
        "9" * 400,
        "-9223372036854775809",
        "18446744073709551616",
        "\u0663",
        "\uff11",
    ),
    *(
        "x",
        "\u00e9",
        "e\u0301",
        "\u202etxt.exe",
        "\U0001f600",
        "\ufeff",
        "\x00",
        "a\x00b",
        "\x1b[31m",
    ),
    *("a\r\nSet-Cookie: x=y", "\x7f", "x" * 300, "x" * 5000, "\u00fc" * 2000, "%00", "%s%n", "%"),
    *("' OR 1=1 --", "'; DROP TABLE mailboxes; --", '" OR ""="', "\\", "$1", "${jndi:ldap://x}"),
    *("../../etc/passwd", "<script>alert(1)</script>", "{{7*7}}", "`id`", "a@b@c", "@", "a@", "@b"),
    *("a@mail.test\n", "a@[192.0.2.1]", "postmaster", "/(/", "/(a+)+$/", "/a{1000}{1000}/", "//"),
    *("latest", "00000000-0000-0000-0000-000000000000", "x'; SELECT pg_sleep(9)--"),
]
OCTETS = ["%FF", "%ED%A0%80", "%C0%AF", "%F8%88%80%80%80", "%", "%G0", "%0"]
"""What is no UTF-8, or no percent-encoding."""

VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1.5, -0.0, 1e308, 2**31, 2**63 - 1, 2**63, 2**64, 10**400),
    *([], [[]], ["x"] * 100, {}, {"a": {"b": "c"}}, [None], {"": ""}),
    *TEXTS,
]
BODIES = [
    *(b"null", b"true", b"1", b'"x"', b"[]", b"[{}]", b"{", b"}", b"{}{}", b"\xff", b"\x00"),
    *(b"NaN", b'{"a":NaN}', b"{'a':1}", b'{"a":1,}', b'{"a":"\\ud800"}', b'{"a":1e999999}'),
    *(
        b"[" * 60_000,
        b'{"a":' * 12_000,
        b'{"\\u0000":1}',
        b'{"a":"\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
    ),
]


def required(shape: type[msgspec.Struct] | None) -> dict[str, Any]:
    """Something plain for each field that cannot be left out."""
    info = type_info(shape)
    assert isinstance(info, StructType)
    plain: dict[type, Any]
    plain = {IntType: 1, StrType: "x", ListType: ["read"], BoolType: True}
    return {
        field.encode_name: plain.get(type(next(kinds(field.type))), {})
        for field in info.fields
        if field.required
    }


class Walk(SynchronousTestCase):
    def setUp(self) -> None:
        self.routes: list[Route] = []

        def recorded(routes: list[Route], callers: Any) -> Any:
            self.routes += routes
            return klein_app(routes, callers)

        self.patch(api, "klein_app", recorded)
        self.start()

    def start(self) -> None:
        self.routes.clear()
        self.service = Service()
        ann = Caller(UserOwner(1), key_id=1, requests_per_minute=-1, digest=digest(KEY))
        self.service.keys.known[digest(KEY)] = ann
        self.url, self.token = self.service.mailbox("walk")
        self.service.deliver(self.url)

    def path(self, route: Route, **names: str) -> str:
        usual = {"address": "walk@mail.test", "which": "latest", "index": "0"}
        return re.sub(
            r"<(?:\w+:)?(\w+)>",
            lambda name: names.get(name[1], usual.get(name[1], "1")),
            route.path,
        )

    def ask(
        self, route: Route, target: str, body: bytes = b"", credential: bool = True
    ) -> tuple[int, str]:
        """The status of the answer, and the detail of a refusal."""
        headers = {"Content-Type": "application/json"} if body else {}
        if credential and route.access is not Access.ANYBODY:
            of_account = route.access is Access.ACCOUNT or route.path == "/api/v1/mailboxes"
            headers["Authorization"] = f"Bearer {KEY if of_account else self.token}"
        connection = self.service.connect()
        connection.send(request_bytes(route.method, target, headers, body))
        if not connection.received():
            self.service.clock.advance(130)  # it waits for a message
        received = connection.received()
        connection.leave()
        head, _, rest = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 "), (target, received)
        status = int(head.split(b" ")[1])
        if b"problem+json" not in head:
            return status, ""
        problem = json.loads(rest)
        self.assertEqual(set(problem), {"type", "title", "status", "detail", "code"})
        self.assertNotRegex(problem["detail"], r"[\x00-\x1f\x7f]")
        self.assertLess(len(problem["detail"]), 500)
        return status, str(problem["detail"])

    def check(self, route: Route, name: str, sent: object, answer: tuple[int, str]) -> None:
        status, detail = answer
        where = f"{route.method} {route.path} {name}={sent!r:.80}: {status} {detail}"
        self.assertEqual(self.flushLoggedErrors(), [], where)
        self.assertLess(status, 500, where)
        if status == 422:
            self.assertTrue(name in detail or "query is not" in detail, where)
            self.assertNotIn("Expected", detail, where)
            self.assertTrue("`" not in detail or "`" in str(sent) or "%60" in str(sent), where)
        if self.url[-14:] not in self.service.storage.boxes or status == 429:
            self.start()

    def fields(self, shape: type[msgspec.Struct] | None) -> Iterator[str]:
        yield from () if shape is None else shape.__struct_encode_fields__

    def test_there_are_routes_to_walk(self) -> None:
        self.assertGreater(len(self.routes), 15)
        self.assertIn("/api/v1/mailboxes/<address>/messages/wait", [r.path for r in self.routes])

    def test_values_in_the_query(self) -> None:
        for route in tuple(self.routes):
            for name in self.fields(route.query):
                for text in [*(quote(text, safe="") for text in TEXTS), *OCTETS]:
                    answer = self.ask(route, f"{self.path(route)}?{quote(name)}={text}")
                    self.check(route, name, text, answer)

    def test_values_in_the_body(self) -> None:
        for route in tuple(self.routes):
            for name in self.fields(route.body):
                for value in VALUES:
                    body = json.dumps({**required(route.body), name: value}).encode()
                    self.check(route, name, value, self.ask(route, self.path(route), body))

    def test_bodies_that_are_none(self) -> None:
        for route in tuple(self.routes):
            if route.body is not None:
                for body in BODIES:
                    status, detail = self.ask(route, self.path(route), body)
                    where = f"{route.method} {route.path} {body!r:.60}: {status} {detail}"
                    self.assertIn(status, (400, 422), where)
                    self.assertEqual(self.flushLoggedErrors(), [], where)

    def test_names_in_the_path(self) -> None:
        for route in tuple(self.routes):
            for name in re.findall(r"<(?:\w+:)?(\w+)>", route.path):
                for text in [*(quote(text, safe="") for text in TEXTS), *OCTETS]:
                    target = self.path(route, **{name: text})
                    status, detail = self.ask(route, target)
                    where = f"{route.method} {target!r:.90}: {status} {detail}"
                    self.assertEqual(self.flushLoggedErrors(), [], where)
                    self.assertLess(status, 500, where)
                    if self.url[-14:] not in self.service.storage.boxes:
                        self.start()

    def test_names_that_no_route_has(self) -> None:
        for route in tuple(self.routes):
            if route.access is Access.ANYBODY:  # monitors add what they like
                continue
            for name in ["colour", "limit[]", "__proto__", "\u00e9", "a" * 5000, "x\x00", "'--"]:
                target = f"{self.path(route)}?{quote(name, safe='')}=1"
                status, detail = self.ask(route, target)
                where = f"{route.method} {target!r:.90}: {status} {detail}"
                self.assertIn(status, (403, 422), where)
                if status == 422 and name.isprintable():
                    self.assertTrue(detail.startswith(name[:64]), where)
                if route.body is not None:
                    status, detail = self.ask(
                        route, self.path(route), json.dumps({name: 1}).encode()
                    )
                    self.assertIn(status, (403, 422), where)

    def test_parameters_given_twice(self) -> None:
        for route in tuple(self.routes):
            for name in self.fields(route.query):
                status, detail = self.ask(route, f"{self.path(route)}?{name}=1&{name}=1")
                self.assertEqual((status, detail), (422, f"{name}: given more than once"))


class Wording(SynchronousTestCase):
    def setUp(self) -> None:
        self.service = Service()
        self.url, self.token = self.service.mailbox("ann")

    def detail(self, method: str, target: str, body: Any = None) -> str:
        reply = self.service.call(method, target, body, token=self.token)
        self.assertEqual((reply.status, reply.json["code"]), (422, "invalid"), reply)
        return str(reply.json["detail"])

    def test_a_number_has_its_bounds(self) -> None:
        for text in ["0", "201", "x", "1.5", "true"]:
            self.assertEqual(
                self.detail("GET", f"{self.url}/messages?limit={text}"),
                "limit: is a whole number between 1 and 200",
            )

    def test_a_text_its_length(self) -> None:
        self.assertEqual(
            self.detail("GET", f"{self.url}/messages?q={'x' * 201}"),
            "q: is a text of 1 to 200 characters without NUL",
        )

    def test_a_choice_its_words(self) -> None:
        self.assertEqual(
            self.detail("GET", f"{self.url}/messages/wait?has=x"), "has: is one of: code, link"
        )
        self.assertEqual(
            self.detail("GET", f"{self.url}/messages?unread=2"), "unread: is true or false"
        )

    def test_what_is_missing_or_unknown_is_named(self) -> None:
        self.assertRegex(self.detail("PATCH", self.url), "^ttl_minutes: is missing; it is a whole ")
        self.assertRegex(
            self.detail("PATCH", self.url, {"ttl_minutes": 1, "colour": 1}),
            "^colour: no such parameter; there are: ttl_minutes$",
        )
        self.assertEqual(self.detail("PATCH", self.url, [1]), "the body: is a JSON object")
