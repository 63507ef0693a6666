"""Says what Grafana would not understand of the dashboard, and writes its PromQL as rules.

check_dashboard.py expressions DASHBOARD     as a rules file that promtool reads
check_dashboard.py model DASHBOARD           what Grafana's own model loses; needs
                                             grafana-foundation-sdk
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_VARIABLES = {"$__rate_interval": "5m", "$instance": ".*"}


def expressions(board: dict[str, Any]) -> Iterator[str]:
    """The PromQL of each panel, with Grafana's variables filled in."""
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            text = target["expr"]
            for name, value in _VARIABLES.items():
                text = text.replace(name, value)
            yield text


def rules(board: dict[str, Any]) -> str:
    """A rules file that records each expression; JSON is YAML."""
    recorded = [
        {"record": f"panel:{number}", "expr": expr}
        for number, expr in enumerate(expressions(board))
    ]
    return json.dumps({"groups": [{"name": "dashboard", "rules": recorded}]})


def lost(given: Any, understood: Any, path: str = "") -> Iterator[str]:
    """Paths of what is in ``given`` and not, or not the same, in ``understood``."""
    if isinstance(given, dict):
        for key, value in given.items():
            if not isinstance(understood, dict) or key not in understood:
                if value not in (None, [], {}, False):
                    yield f"{path}/{key}"
            else:
                yield from lost(value, understood[key], f"{path}/{key}")
    elif isinstance(given, list) and isinstance(understood, list) and len(given) == len(understood):
        for number, (one, other) in enumerate(zip(given, understood, strict=True)):
            yield from lost(one, other, f"{path}/{number}")
    elif given != understood:
        yield path


def main(what: str, name: str) -> int:
    board = json.loads(Path(name).read_text("utf-8"))
    if what == "expressions":
        sys.stdout.write(rules(board))
        return 0
    from grafana_foundation_sdk.cog import encoder, plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    plugins.register_default_plugins()
    understood = json.loads(encoder.JSONEncoder().encode(Dashboard.from_json(board)))
    paths = list(lost(board, understood))
    sys.stderr.writelines(f"Grafana does not know {path}\n" for path in paths)
    return 1 if paths else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
