"""The pages for agents, held to what the server does."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from typing import Any

import pytest

from tempmail.http.mcp.asked import WaitForCode, WaitForMessage
from tempmail.http.mcp.found import MOST_TEXT
from tempmail.http.mcp.mail import _MOST_LISTED, _MOST_SHORT
from tempmail.http.mcp.revisions import REVISIONS
from tempmail.http.mcp.stream import TICK_SECONDS
from tests.mcp_page import PAGE, listed, page

GUIDE = PAGE.with_name("agents.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(json|toml|sh)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


def test_the_page_of_schemas_is_what_the_server_lists() -> None:
    assert PAGE.read_text("utf-8") == page(listed()), "python -m tests.mcp_page"


def test_the_guide_lists_every_tool() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \|.*\| `(full|read|codes)` \|$", GUIDE, re.MULTILINE)
    assert [name for name, _ in rows] == [tool["name"] for tool in listed()]


def servers(kind: str, block: str) -> dict[str, Any]:
    document = json.loads(block) if kind == "json" else tomllib.loads(block)
    [found] = [
        document[name] for name in ("mcpServers", "servers", "mcp_servers") if name in document
    ]
    assert found.keys() == {"tempmail"}
    server: dict[str, Any] = found["tempmail"]
    return server


@pytest.mark.parametrize(("kind", "block"), [one for one in BLOCKS if one[0] != "sh"])
def test_every_block_of_configuration_leads_to_the_server(kind: str, block: str) -> None:
    server = servers(kind, block)
    if "command" in server:
        assert [server["command"], *server["args"]] == ["tempmail", "mcp"]
        assert server["env"].keys() == {"TEMPMAIL_URL", "UCT_API_KEY"}
        return
    [url] = [server[name] for name in ("url", "httpUrl", "serverUrl") if name in server]
    assert url == "https://mail.example/mcp"
    shown = server.get("headers", {}).get("Authorization", "")
    assert shown.startswith("Bearer ") or server["bearer_token_env_var"] == "UCT_API_KEY"


def test_commands_of_the_shell_name_the_same() -> None:
    commands = [
        shlex.split(line, comments=True) for _, block in BLOCKS for line in block.splitlines()
    ]
    added = [words for words in commands if words[:3] == ["claude", "mcp", "add"]]
    assert len(added) == 2
    assert "https://mail.example/mcp" in added[0]
    assert added[1][-3:] == ["--", "tempmail", "mcp"]


def test_the_numbers_in_the_guide_are_those_in_force() -> None:
    words = " ".join(GUIDE.split())
    for shape in (WaitForCode, WaitForMessage):
        assert f"A wait takes {shape(address='').timeout_seconds} seconds" in words
    assert f"{MOST_TEXT:,} characters of text" in words
    assert f"{_MOST_SHORT} of a name or subject, {_MOST_LISTED} links" in words
    assert {3: "every three seconds"}[TICK_SECONDS] in words
    for revision in REVISIONS:
        assert revision in words
