"""``tests/run --exhaustive``: what takes minutes, for the night."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--exhaustive", action="store_true", help="every border of every dialogue")
