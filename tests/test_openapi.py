"""The description of the API: what the daemon serves, held to its conventions and to the truth."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from tests.daemon import Daemon, daemon

METHODS = {"get", "post", "put", "patch", "delete"}
OF_OTHERS = {"publicKey"}  # WebAuthn's own name
SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon(tmp_path_factory.mktemp("daemon"), "--rate-limits", "off") as it:
        yield it


@pytest.fixture(scope="module")
def document(running: Daemon) -> Any:
    status, document = running.request("GET", "/openapi.json")
    assert status == 200
    return document


def operations(document: Any) -> Iterator[tuple[str, Any]]:
    for path, methods in document["paths"].items():
        assert methods.keys() <= METHODS
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def contents(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Where, media type, and what is said of every body."""
    for where, operation in operations(document):
        for media_type, said in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{where}, asked", media_type, said
        for status, answer in operation["responses"].items():
            for media_type, said in answer.get("content", {}).items():
                yield f"{where}, {status}", media_type, said
    for name, answer in document["components"]["responses"].items():
        for media_type, said in answer["content"].items():
            yield f"refusal {name}", media_type, said


def faults(document: Any, schema: Any, value: Any) -> list[str]:
    """What keeps ``value`` from being what ``schema`` says."""
    whole = {**schema, "components": document["components"]}  # to which its references point
    validator = OAS31Validator(whole, format_checker=OAS31Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def test_it_is_an_openapi_document(document: Any) -> None:
    assert document["openapi"].startswith("3.1.")
    validate(document)


def test_every_operation_says_what_it_does_and_has_a_name_of_its_own(document: Any) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(names)) == len(names) >= 20
    tags = {tag["name"] for tag in document["tags"]}
    for where, operation in operations(document):
        assert SNAKE.fullmatch(operation["operationId"]), where
        assert operation["summary"], where
        assert set(operation["tags"]) <= tags, where


def test_names_that_programs_know_stay(document: Any) -> None:
    named = {operation["operationId"]: where for where, operation in operations(document)}
    box = "/api/v1/mailboxes/{address}"
    assert {
        "create_mailbox": "POST /api/v1/mailboxes",
        "list_mailboxes": "GET /api/v1/mailboxes",
        "get_mailbox": f"GET {box}",
        "extend_mailbox": f"PATCH {box}",
        "delete_mailbox": f"DELETE {box}",
        "list_messages": f"GET {box}/messages",
        "delete_messages": f"DELETE {box}/messages",
        "get_message": f"GET {box}/messages/{{which}}",
        "delete_message": f"DELETE {box}/messages/{{which}}",
        "get_raw_message": f"GET {box}/messages/{{which}}/raw",
        "wait_for_message": f"GET {box}/messages/wait",
        "follow_events": f"GET {box}/events",
        "open_websocket": "GET /ws/inbox/{address}",
    }.items() <= named.items()


def test_every_field_and_parameter_is_explained_in_snake_case(document: Any) -> None:
    for name, schema in document["components"]["schemas"].items():
        for field, said in schema.get("properties", {}).items():
            where = f"{name}.{field}"
            assert SNAKE.fullmatch(field) or field in OF_OTHERS, where
            nested = [said, said.get("items", {}), *said.get("anyOf", ())]
            known = any("description" in one or "$ref" in one for one in nested)
            assert known or field == "type", where
    for where, operation in operations(document):
        for parameter in operation["parameters"]:
            assert SNAKE.fullmatch(parameter["name"]), where
            assert parameter.get("description"), f"{where}: {parameter['name']}"


def test_times_are_rfc_3339(document: Any) -> None:
    for name, schema in document["components"]["schemas"].items():
        for field, said in schema.get("properties", {}).items():
            if field.endswith("_at") or field in ("at", "date"):
                kinds = [one for one in (said, *said.get("anyOf", ())) if "format" in one]
                assert [one["format"] for one in kinds] == ["date-time"], f"{name}.{field}"


def test_refusals_are_problems_with_their_codes(document: Any) -> None:
    for where, operation in operations(document):
        for status, answer in operation["responses"].items():
            own = where.startswith(("GET /health", "POST /mcp"))  # a report, a JSON-RPC error
            if status >= "400" and not own:
                assert "$ref" in answer, f"{where} {status}"
    for name, answer in document["components"]["responses"].items():
        [said] = [answer["content"]["application/problem+json"]]
        codes = said["schema"]["allOf"][1]["properties"]["code"]["enum"]
        assert all(SNAKE.fullmatch(code) for code in codes), name
        assert said["example"]["code"] in codes


def test_what_operations_refuse_follows_from_what_they_declare(document: Any) -> None:
    for where, operation in operations(document):
        refused = operation["responses"].keys()
        parameters = {one["in"] for one in operation["parameters"]}
        assert ("401" in refused) == bool(operation["security"]), where
        assert "path" not in parameters or "404" in refused, where
        assert "query" not in parameters or refused & {"422", "101"}, where
        assert "requestBody" not in operation or {"413", "415", "422"} <= refused, where
        assert where.startswith("GET /health") or {"429", "500", "503"} <= refused, where


def test_examples_are_there_and_are_what_the_schemas_say(document: Any) -> None:
    bodies = list(contents(document))
    assert len(bodies) > 40
    for where, media_type, said in bodies:
        if "json" in media_type and said["schema"]:
            assert faults(document, said["schema"], said["example"]) == [], where
    for where, operation in operations(document):
        for parameter in operation["parameters"]:
            if "example" in parameter:
                found = faults(document, parameter["schema"], parameter["example"])
                assert found == [], f"{where}: {parameter['name']}"
            assert "example" in parameter or parameter["in"] == "query", where


def test_unknown_fields_are_refused_in_requests_and_may_come_in_answers(document: Any) -> None:
    for where, media_type, said in contents(document):
        if media_type == "application/json" and "$ref" in said["schema"]:
            schema = document["components"]["schemas"][said["schema"]["$ref"].rpartition("/")[2]]
            tolerant = "temporary-address" in where or not where.endswith(", asked")
            assert ("additionalProperties" in schema) != tolerant, where


def test_what_the_daemon_answers_is_what_the_document_says(running: Daemon, document: Any) -> None:
    address, _ = running.create()
    status, problem = running.request("GET", f"/api/v1/mailboxes/{address}")
    refusal = document["paths"]["/api/v1/mailboxes/{address}"]["get"]["responses"][str(status)]
    said = document["components"]["responses"][refusal["$ref"].rpartition("/")[2]]
    schema = said["content"]["application/problem+json"]["schema"]
    assert faults(document, schema, problem) == []
    assert faults(document, schema, {**problem, "code": "else"})


class Outline(HTMLParser):
    """What a reader, or one who has it read out, goes by."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.levels: list[int] = []
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if identity := given.get("id"):
            assert identity not in self.anchors, identity
            self.anchors.add(identity)
        assert "style" not in given
        assert not any(name.startswith("on") for name in given)
        self.links += [given[name] or "" for name in ("href", "src") if name in given]


def test_the_page_describes_every_operation_without_script_or_anything_from_elsewhere(
    running: Daemon, document: Any
) -> None:
    status, page = running.request("GET", "/docs/api")
    assert status == 200
    text = page.decode()
    outline = Outline(text)
    assert not {"script", "img", "iframe", "form"} & set(outline.tags)
    assert {"header", "nav", "main", "h1"} <= set(outline.tags)
    assert outline.levels[0] == 1
    assert outline.levels.count(1) == 1
    for above, below in zip(outline.levels, outline.levels[1:], strict=False):
        assert below <= above + 1
    for link in outline.links:
        if link.startswith("#"):
            assert link[1:] in outline.anchors
        else:
            assert link.startswith("/")
            assert running.request("GET", link)[0] in (200, 302), link
    described = [operation["operationId"] for _, operation in operations(document)]
    assert set(described) <= outline.anchors
    assert text.count("curl ") == len(described)


def test_neither_is_there_in_production_unless_asked_for(tmp_path: Path) -> None:
    production = ("--environment", "prod", "--domain", "mail.test")
    with daemon(tmp_path, *production) as off:
        for path in ("/openapi.json", "/docs/api", "/nothing-here"):
            status, problem = off.request("GET", path)
            assert (status, problem["code"]) == (404, "not_found")
        off.terminate()
    with daemon(tmp_path, *production, "--docs", "on") as on:
        assert on.request("GET", "/openapi.json")[0] == 200


CONFIG = """
headers = {{ Authorization = "Bearer {token}" }}

[parameters]
"path.address" = "{address}"
"path.which" = "latest"
"query.timeout" = 1

# The others ask for what a document cannot say: which names exist, and which words are patterns.
[checks]
positive_data_acceptance.enabled = false
missing_required_header.enabled = false
use_after_free.enabled = false
ensure_resource_availability.enabled = false
object_level_authorization.enabled = false

[phases.coverage]
# TRACE is no method here at all, which is a 501 (RFC 9110 section 9.1).
unexpected-methods = ["PUT", "PATCH", "DELETE", "POST", "GET"]

# What deletes gets a mailbox of its own, so that the others find theirs.
[[operations]]
include-method = "DELETE"
headers = {{ Authorization = "Bearer {its_token}" }}
parameters = {{ "path.address" = "{ended}" }}

# Whether a session token was ever issued is found out where its ticket is used.
[[operations]]
include-operation-id = "create_ticket"
checks.ignored_auth.enabled = false
"""


def test_schemathesis_finds_nothing(running: Daemon, tmp_path: Path) -> None:
    """Requests made up from the document, right and wrong ones, for mailboxes that exist."""
    (address, token), (ended, its_token) = running.create(), running.create()
    running.send(address)
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.format(address=address, token=token, ended=ended, its_token=its_token))
    found = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config)),
            *("run", f"http://127.0.0.1:{running.http}/openapi.json"),
            *("--phases", "examples,coverage,fuzzing"),
            *("--max-examples", "8", "--seed", "1", "--workers", "2"),
            *("--generation-database", "none", "--request-timeout", "20"),
            # An answer there goes on until the client leaves.
            *("--exclude-operation-id", "follow_events"),
            *("--exclude-operation-id", "open_websocket"),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=tmp_path,
    )
    assert found.returncode == 0, found.stdout[-20_000:] + found.stderr
