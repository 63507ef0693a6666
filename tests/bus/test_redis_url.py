from __future__ import annotations

from pathlib import Path

import pytest

from tempmail.bus.redis_url import RedisUrl, redis_url
from tempmail.model.errors import InvalidInput


def test_a_host_is_enough() -> None:
    assert redis_url("redis://cache.test") == RedisUrl("cache.test")
    assert redis_url("redis://cache.test").channel == "tempmail:0:events"


def test_all_of_it(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.touch()
    url = redis_url(f"rediss://ann:p%40ss%2F@[::1]:7000/5?cacert={ca}&prefix=blue:")
    assert url == RedisUrl("::1", 7000, True, "ann", "p@ss/", 5, str(ca), "blue:")
    assert url.channel == "blue:5:events"
    assert "p@ss" not in repr(url)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost:6379",
        "http://localhost",
        "redis://",
        "redis://:secret@",
        "redis://h:port",
        "redis://:secret@h:99999",
        "redis://h/x",
        "redis://h/-1",
        "redis://h/1/2",
        "redis://:secret@h?db=1",
        "redis://h?prefix=",
        "redis://h?prefix=a%20b",
        "redis://h?cacert=/etc/passwd",
        "rediss://h?cacert=/nowhere",
        "redis://h#secret",
    ],
)
def test_what_cannot_be_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        redis_url(text)
    assert "secret" not in refused.value.detail


@pytest.mark.parametrize(
    ("text", "exposed"),
    [
        ("redis://localhost", False),
        ("redis://127.0.0.2", False),
        ("redis://[::1]", False),
        ("redis://10.0.0.1", True),
        ("rediss://cache.test", True),
        ("redis://:pw@cache.test", False),
    ],
)
def test_one_on_another_machine_that_takes_anybody_is_exposed(text: str, exposed: bool) -> None:
    assert redis_url(text).is_exposed is exposed
