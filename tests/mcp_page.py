"""The page of the tools' schemas, made of what the server lists: ``python -m tests.mcp_page``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tempmail
from tests.http.mcp_case import McpCase

PAGE = Path(tempmail.__file__).parent / "docs" / "mcp_tools.md"
_HEAD = """\
# The tools' schemas

As `tools/list` shows them to a key of scope `full`; [agents.md](agents.md) says what they are for.
A test keeps this page and the server alike.
"""


def listed() -> list[dict[str, Any]]:
    """The tools, as the server lists them."""
    case = McpCase()
    case.setUp()
    tools: list[dict[str, Any]] = case.ask("tools/list").json["result"]["tools"]
    return tools


def page(tools: Iterable[dict[str, Any]]) -> str:
    parts = [_HEAD]
    for tool in tools:
        hints = ", ".join(name for name, value in tool["annotations"].items() if value is True)
        parts += [
            f"## {tool['name']}\n",
            f"{tool['description']}\n",
            f"Hints: {hints or 'none'}.\n",
            f"Input:\n\n{_block(tool['inputSchema'])}",
            f"Output:\n\n{_block(tool['outputSchema'])}",
        ]
    return "\n".join(parts)


def _block(schema: Any) -> str:
    return f"```json\n{json.dumps(schema, indent=2)}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(listed()), "utf-8")
