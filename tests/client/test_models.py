"""What servers of other versions tell is read as far as it is known."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tempmail.client.models import Attachment, Code, Event, MailboxInfo, Message, Summary

FULL = {
    "id": "m1",
    "seq": 4,
    "from_address": "shop@x.test",
    "received_at": "2026-01-01T00:00:00.123456Z",
    "preview": None,
    "attachment_count": None,
    "codes": [{"value": "1234", "confidence": 0.5, "context": "c", "colour": "red"}],
    "cc": ["a@x.test"],
    "date": None,
    "headers": [{"name": "Subject", "value": "s"}],
    "attachments": [{"index": 0, "filename": "a.txt", "future": {}}],
    "links": [],
    "envelope": {"mail_from": "m@x.test", "later": 1},
    "something_new": [1, 2],
}


def test_unknown_members_are_left_out_and_missing_ones_have_defaults() -> None:
    message = Message.read(FULL)
    assert message.codes == (Code("1234", 0.5, "c"),)
    assert message.attachments == (Attachment(0, "a.txt"),)
    assert message.envelope.mail_from == "m@x.test"
    assert message.received_at == datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
    assert (message.subject, message.body_text, message.defects) == ("", "", ())


def test_what_a_key_for_codes_is_told_is_a_message_too() -> None:
    told = {"id": "m1", "seq": 4, "links": [{"href": "https://x.test", "kind": "confirm"}]}
    assert Message.read(told).link() == "https://x.test"


def test_values_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Summary.read(FULL).subject = "other"  # type: ignore[misc]


def test_values_can_be_compared_and_kept_in_sets() -> None:
    assert len({Message.read(FULL), Message.read(FULL)}) == 1


def test_what_makes_a_message_is_needed() -> None:
    with pytest.raises(TypeError):
        Summary.read({"id": "m1"})
    with pytest.raises(KeyError):
        MailboxInfo.read({"address": "a@x.test"})
    with pytest.raises(KeyError):
        Event.read({"message_id": "m1"})


def test_a_message_says_shortly_what_it_is() -> None:
    assert str(Message.read(FULL)) == "#4 '' from 'shop@x.test' (code 1234)"
