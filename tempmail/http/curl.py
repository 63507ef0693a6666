"""How to ask for an operation of the OpenAPI document with curl."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

_NAME = re.compile(r"\{([a-z_]+)\}")


def command(method: str, path: str, operation: Mapping[str, Any]) -> str:
    """A command for a shell in which ``HOST``, ``TOKEN`` and what varies in the path are set."""
    words = ["curl"]
    content = operation["responses"].get("200", {}).get("content", {})
    if "text/event-stream" in content:
        words.append("-N")
    given = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if method not in ("get", "post") or (method == "post" and given is None):
        words.append(f"-X {method.upper()}")
    security = operation["security"]
    if security and {} not in security:
        words.append('-H "Authorization: Bearer $TOKEN"')
    if given is not None:
        words.append(f"--json '{json.dumps(given['example'])}'")
    scheme = "wss" if operation.get("x-websocket") else "https"
    words.append(f'"{scheme}://$HOST{_NAME.sub(_variable, path)}{_query(operation)}"')
    return " \\\n  ".join(words)


def _variable(name: re.Match[str]) -> str:
    return f"${name[1].upper()}"


def _query(operation: Mapping[str, Any]) -> str:
    """The examples of the query's parameters, where a body does not show them."""
    if "requestBody" in operation:
        return ""
    shown = {
        one["name"]: json.dumps(one["example"])
        if one["example"] in (True, False)
        else one["example"]
        for one in operation["parameters"]
        if one["in"] == "query" and "example" in one
    }
    return "?" + urlencode(shown, safe="@/") if shown else ""
