"""Options whose values stand in files: what ``LoadCredential=`` and Docker's secrets hand over."""

from __future__ import annotations

from pathlib import Path

import pytest

from tempmail.model.errors import InvalidInput
from tempmail.settings import load

URL = "postgresql://tempmail:secret@db.example/tempmail"


def test_a_variable_with_file_behind_its_name_reads_the_value_from_that_file(
    tmp_path: Path,
) -> None:
    file = tmp_path / "database"
    file.write_text(URL + "\n")
    assert load({}, {"TEMPMAIL_DATABASE_FILE": str(file)}).database == URL


def test_an_option_that_may_be_repeated_takes_the_words_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "domains"
    file.write_text("a.example\nb.example\n")
    assert load({}, {"TEMPMAIL_DOMAIN_FILE": str(file)}).domain == ("a.example", "b.example")


def test_the_command_line_wins_over_a_file_and_a_file_over_the_configuration(
    tmp_path: Path,
) -> None:
    file, config = tmp_path / "days", tmp_path / "tempmail.toml"
    file.write_text("7")
    config.write_text("tombstone-days = 9\n")
    environ = {"TEMPMAIL_TOMBSTONE_DAYS_FILE": str(file)}
    assert load({}, environ, config).tombstone_days == 7
    assert load({"tombstone-days": "8"}, environ, config).tombstone_days == 8


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(InvalidInput) as refused:
        load({}, environ)
    return refused.value.detail


def test_a_value_and_a_file_of_it_contradict_each_other(tmp_path: Path) -> None:
    file = tmp_path / "database"
    file.write_text(URL)
    detail = refusal({"TEMPMAIL_DATABASE": URL, "TEMPMAIL_DATABASE_FILE": str(file)})
    assert detail == "TEMPMAIL_DATABASE and TEMPMAIL_DATABASE_FILE are both set: one is enough"


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert refusal({"TEMPMAIL_DATABASE_FILE": str(missing)}) == (
        f"TEMPMAIL_DATABASE_FILE {missing}: No such file or directory"
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"\xff\xfe", "is not UTF-8"), (b"x" * 65537, "is longer than 65536 bytes")],
)
def test_a_file_that_holds_no_value_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "value"
    file.write_bytes(content)
    assert refusal({"TEMPMAIL_DATABASE_FILE": str(file)}) == f"TEMPMAIL_DATABASE_FILE {file}: {why}"


def test_a_bad_value_is_blamed_on_the_variable_that_named_its_file(tmp_path: Path) -> None:
    file = tmp_path / "days"
    file.write_text("many")
    assert refusal({"TEMPMAIL_TOMBSTONE_DAYS_FILE": str(file)}).startswith(
        "TEMPMAIL_TOMBSTONE_DAYS_FILE: 'many'"
    )
