"""Dashboard and alerts ask for what the daemon shows, and point to what the runbook says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tempmail.core.metrics import Metrics
from tests.daemon import CHECKOUT

DEPLOY = CHECKOUT / "deploy"
MONITORING = DEPLOY / "monitoring"


def shown() -> set[str]:
    """The names of everything on ``/metrics``, with the suffixes of histograms and counters."""
    names = set()
    for metric in Metrics().registry.collect():
        suffixes = {
            "counter": ["_total"],
            "histogram": ["_bucket", "_sum", "_count"],
        }.get(metric.type, [""])
        names |= {metric.name + suffix for suffix in suffixes}
    return names


@pytest.mark.parametrize("name", ["dashboard.json", "rules.yml", "rules_test.yml"])
def test_every_metric_that_is_asked_for_exists(name: str) -> None:
    asked = set(re.findall(r"tempmail_\w+", (MONITORING / name).read_text("utf-8")))
    assert asked
    assert asked - shown() == set()


def test_every_alert_is_tried() -> None:
    alerts = re.findall(r"alert: (\w+)", (MONITORING / "rules.yml").read_text("utf-8"))
    tried = re.findall(r"alertname: (\w+)", (MONITORING / "rules_test.yml").read_text("utf-8"))
    assert set(alerts) == set(tried)


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_every_link_into_the_runbook_finds_its_heading() -> None:
    runbook = (DEPLOY / "runbook.md").read_text("utf-8")
    headings = {anchor(found) for found in re.findall(r"^#+ (.+)$", runbook, re.MULTILINE)}
    rules = (MONITORING / "rules.yml").read_text("utf-8")
    wanted = re.findall(r"runbook\.md#([\w-]+)", rules) + re.findall(r"\]\(#([\w-]+)\)", runbook)
    assert set(wanted) - headings == set()


def test_every_file_that_the_papers_name_is_there() -> None:
    for paper in DEPLOY.rglob("*.md"):
        text = paper.read_text("utf-8")
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
            assert (paper.parent / link).exists(), f"{paper}: {link}"
        assert not re.findall(r"\[[^]]*\]\(/", text), paper
    assert Path(DEPLOY / "runbook.md").exists()
