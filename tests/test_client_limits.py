"""The limits of SMTP clients as an operator chooses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tempmail.core.limits import ClientLimits, Rate
from tempmail.model.errors import InvalidInput
from tempmail.options import OPTIONS
from tempmail.settings import Settings, load

README = Path(__file__).resolve().parent.parent / "README.md"


def test_with_no_options_the_limits_are_those_of_the_core() -> None:
    assert load({}, {}).client_limits == ClientLimits()


def test_a_burst_is_so_many_seconds_worth() -> None:
    limits = load({"smtp-messages-per-minute": "60", "smtp-burst-seconds": "30"}, {}).client_limits
    assert limits.messages == Rate(1, 30)


def test_a_tight_limit_still_takes_the_largest_message() -> None:
    limits = load(
        {
            "smtp-messages-per-minute": "1",
            "smtp-recipients-per-minute": "1",
            "smtp-bytes-per-minute": "1",
            "max-message-bytes": "70000",
        },
        {},
    ).client_limits
    bursts = (limits.messages.burst, limits.recipients.burst, limits.octets.burst)
    assert bursts == (1, 100, 70000)


def test_limits_and_blocks_can_be_turned_off() -> None:
    assert load({"rate-limits": "off"}, {}).client_limits.enforced is False
    assert load({"smtp-strikes": "0"}, {}).client_limits.strikes.burst == 0


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("rate-limits", "yes"),
        ("smtp-connections", "0"),
        ("smtp-connections-per-client", "-1"),
        ("smtp-messages-per-minute", "0"),
        ("smtp-bytes-per-minute", "1e3"),
        ("smtp-strikes", "-1"),
    ],
)
def test_what_no_limit_can_be_is_refused_by_its_name(option: str, text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        load({option: text}, {})
    assert refusal.value.detail.startswith(f"--{option}: ")


def test_a_command_that_needs_some_options_does_not_stumble_over_the_others() -> None:
    environ = {"TEMPMAIL_SMTP_STRIKES": "many", "TEMPMAIL_DATABASE": "postgresql://db/mail"}
    assert load({}, environ, only=("database",)).database == "postgresql://db/mail"


def test_every_option_stands_in_the_readme() -> None:
    text = README.read_text("utf-8")
    assert [option.name for option in OPTIONS if f"`--{option.name}`" not in text] == []


def test_every_option_has_its_attribute() -> None:
    fields = {attribute.name for attribute in Settings.__attrs_attrs__}
    assert {option.attribute for option in OPTIONS} == fields
