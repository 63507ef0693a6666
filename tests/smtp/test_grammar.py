from __future__ import annotations

import pytest

from tempmail.smtp import replies
from tempmail.smtp.grammar import ForwardPath, Sender, parse_mail, parse_rcpt
from tempmail.smtp.replies import Refusal

SENDERS = [
    (b"FROM:<a@b.example>", Sender("a@b.example")),
    (b"from:<a@b.example>", Sender("a@b.example")),
    (b"FROM: <a@b.example>", Sender("a@b.example")),
    (b"FROM:<a@b.example> SIZE=2048", Sender("a@b.example", 2048)),
    (b"FROM:<a@b.example> size=2048 body=8bitmime", Sender("a@b.example", 2048)),
    (b"FROM:<a@b.example> BODY=7BIT SIZE=1", Sender("a@b.example", 1)),
    (b"FROM:<a@b.example> SMTPUTF8", Sender("a@b.example", 0, utf8=True)),
    (b"FROM:<>", Sender("")),
    (b"FROM:<> SIZE=9 ", Sender("", 9)),
    (b'FROM:<"a b"@c.example>', Sender('"a b"@c.example')),
    (b'FROM:<"a\\"b>@"@c.example>', Sender('"a\\"b>@"@c.example')),
    (b"FROM:<@x.example,@y.example:a@b.example>", Sender("a@b.example")),
    (b"FROM:<a@[192.0.2.1]>", Sender("a@[192.0.2.1]")),
    (b"FROM:<a@[IPv6:::1]>", Sender("a@[IPv6:::1]")),
    (b"FROM:<a@localhost>", Sender("a@localhost")),
    ("FROM:<böx@bücher.example> SMTPUTF8".encode(), Sender("böx@bücher.example", 0, utf8=True)),
    ("FROM:<böx@b.example>".encode(), replies.SMTPUTF8_NEEDED),
    (b"FROM:<b\xf6x@b.example> SMTPUTF8", replies.BAD_SENDER),
    (b"", replies.BAD_ARGUMENT),
    (b"<a@b.example>", replies.BAD_ARGUMENT),
    (b"TO:<a@b.example>", replies.BAD_ARGUMENT),
    (b"FROM:a@b.example", replies.BAD_SENDER),
    (b"FROM:<a@b.example", replies.BAD_SENDER),
    (b"FROM:<a>", replies.BAD_SENDER),
    (b"FROM:<@b.example>", replies.BAD_SENDER),
    (b"FROM:<a@>", replies.BAD_SENDER),
    (b"FROM:<a..b@c.example>", replies.BAD_SENDER),
    (b"FROM:<.a@c.example>", replies.BAD_SENDER),
    (b"FROM:<a b@c.example>", replies.BAD_SENDER),
    (b"FROM:<a@b@c.example>", replies.BAD_SENDER),
    (b"FROM:<a@[300.0.2.1]>", replies.BAD_SENDER),
    (b"FROM:<a@[IPv6:::g]>", replies.BAD_SENDER),
    (b'FROM:<"a@c.example>', replies.BAD_SENDER),
    (b"FROM:<" + b"x" * 65 + b"@c.example>", replies.BAD_SENDER),
    (b"FROM:<a@" + b"x." * 128 + b"x>", replies.BAD_SENDER),
    (b"FROM:<a@b.example>SIZE=1", replies.BAD_ARGUMENT),
    (b"FROM:<a@b.example> SIZE=", replies.BAD_ARGUMENT),
    (b"FROM:<a@b.example> SIZE", replies.BAD_ARGUMENT),
    (b"FROM:<a@b.example> SIZE=-1", replies.BAD_ARGUMENT),
    (b"FROM:<a@b.example> SIZE=" + b"9" * 21, replies.BAD_ARGUMENT),
    (b"FROM:<a@b.example> SIZE=1 SIZE=1", replies.BAD_ARGUMENT),
    (b"FROM:<a@b.example> BODY=BINARYMIME", replies.BAD_ARGUMENT),
    (b"FROM:<a@b.example> SMTPUTF8=1", replies.BAD_ARGUMENT),
    (b"FROM:<a@b.example> -X=1", replies.BAD_ARGUMENT),
    (b"FROM:<a@b.example> " + b" ".join(b"X%d" % n for n in range(11)), replies.BAD_ARGUMENT),
    (b"FROM:<a@b.example> RET=FULL", replies.UNKNOWN_PARAMETER),
    (b"FROM:<> AUTH=<>", replies.UNKNOWN_PARAMETER),
]

RECIPIENTS = [
    (b"TO:<box@example.com>", ForwardPath("box@example.com", "box@example.com")),
    (b"to: <Box+Tag@Example.COM>", ForwardPath("Box+Tag@Example.COM", "Box+Tag@Example.COM")),
    (b"TO:<postmaster>", ForwardPath("postmaster", "postmaster")),
    (b"TO:<PostMaster>", ForwardPath("PostMaster", "PostMaster")),
    (b'TO:<"box"@example.com>', ForwardPath("box@example.com", '"box"@example.com')),
    (b'TO:<"a\\ \\"b"@example.com>', ForwardPath('a "b@example.com', '"a\\ \\"b"@example.com')),
    (b"TO:<@relay.example:box@example.com>", ForwardPath("box@example.com", "box@example.com")),
    (b"TO:<box@[192.0.2.1]>", ForwardPath("box@[192.0.2.1]", "box@[192.0.2.1]")),
    ("TO:<box@bücher.example>".encode(), replies.SMTPUTF8_NEEDED),
    (b"TO:<>", replies.BAD_RECIPIENT),
    (b"TO:<box>", replies.BAD_RECIPIENT),
    (b"TO:box@example.com", replies.BAD_RECIPIENT),
    (b"FROM:<box@example.com>", replies.BAD_ARGUMENT),
    (b"TO:<" + b"x" * 65 + b"@example.com>", replies.BAD_RECIPIENT),
    (b"TO:<box@example.com> NOTIFY=NEVER", replies.UNKNOWN_PARAMETER),
    (b"TO:<box@example.com>x", replies.BAD_ARGUMENT),
]


@pytest.mark.parametrize(("argument", "meaning"), SENDERS)
def test_mail_means(argument: bytes, meaning: Sender | Refusal) -> None:
    assert parse_mail(argument) == meaning


@pytest.mark.parametrize(("argument", "meaning"), RECIPIENTS)
def test_rcpt_means(argument: bytes, meaning: ForwardPath | Refusal) -> None:
    assert parse_rcpt(argument, utf8=False) == meaning


def test_a_utf8_recipient_is_taken_after_smtputf8() -> None:
    argument = "TO:<böx@bücher.example>".encode()
    assert parse_rcpt(argument, utf8=True) == ForwardPath(
        "böx@bücher.example", "böx@bücher.example"
    )


def test_a_hostile_argument_takes_no_longer_than_its_length() -> None:
    """Each would take years with an expression that backtracks."""
    for piece in (b"a.", b"a", b'"\\a', b"@a,", b"@a.a", b"<", b"a-"):
        hostile = piece * (2048 // len(piece))
        for argument in (b"FROM:<" + hostile, b"FROM:<" + hostile + b"@", b'FROM:<"' + hostile):
            assert isinstance(parse_mail(argument), Refusal)
