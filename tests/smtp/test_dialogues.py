"""Sessions as tables: what is sent, and the codes heard for it; each also split everywhere."""

from __future__ import annotations

import random

import pytest
from attrs import Factory, frozen

from tests.smtp.edge import ENVELOPE, HELLO, Edge, codes

LINE = b"x" * 2049 + b"\r\n"
BOX = b"RCPT TO:<box@example.com>\r\n"
FROM = b"MAIL FROM:<a@example.org>\r\n"
OPEN = ["250", "250 2.1.0", "250 2.1.5"]
BEGIN = HELLO + ENVELOPE + b"DATA\r\n"
BEGUN = [*OPEN, "354"]
KEPT = "250 2.0.0"


@frozen
class Dialogue:
    """:ivar closed: whether the server hangs up."""

    sent: bytes
    heard: list[str]
    contents: list[bytes] = Factory(list)
    closed: bool = False


DIALOGUES = {
    "one mail": Dialogue(
        BEGIN + b"hi\r\n.\r\nQUIT\r\n", [*BEGUN, KEPT, "221 2.0.0"], [b"hi\r\n"], True
    ),
    "two mails": Dialogue(
        BEGIN + b"1\r\n.\r\n" + ENVELOPE + b"DATA\r\n2\r\n.\r\n",
        [*BEGUN, KEPT, *OPEN[1:], "354", KEPT],
        [b"1\r\n", b"2\r\n"],
    ),
    "an empty mail": Dialogue(BEGIN + b".\r\n", [*BEGUN, KEPT], [b""]),
    "lower case, spaces behind": Dialogue(
        b"helo x  \r\nmail from:<> \r\nrcpt to:<Box+t@EXAMPLE.com>\r\ndata \r\n"
        b"hi\r\n.\r\nquit \r\n",
        ["250", "250 2.1.0", "250 2.1.5", "354", KEPT, "221 2.0.0"],
        [b"hi\r\n"],
        True,
    ),
    "postmaster without a domain": Dialogue(
        HELLO + FROM + b"RCPT TO:<Postmaster>\r\n", ["250", "250 2.1.0", "250 2.1.5"]
    ),
    "NOOP RSET HELP VRFY": Dialogue(
        b"NOOP x\r\nRSET\r\nHELP\r\nHELP MAIL\r\nVRFY box\r\nVRFY\r\nRSET x\r\n",
        ["250 2.0.0", "250 2.0.0", "214 2.0.0", "214 2.0.0", "252 2.5.2", "501 5.5.4", "501 5.5.4"],
    ),
    "not offered": Dialogue(
        b"EXPN x\r\nAUTH PLAIN AAAA\r\nSTARTTLS\r\nTURN\r\n", ["502 5.5.1"] * 4
    ),
    "unknown verbs": Dialogue(
        b"FOO\r\n\r\n M\r\n\xff\xfe x\r\nMAILFROM:<a@b.c>\r\n", ["500 5.5.2"] * 5
    ),
    "names": Dialogue(
        b"EHLO\r\nHELO \r\nEHLO \xff\r\nEHLO a\tb\r\nEHLO [192.0.2.1]\r\n",
        [*["501 5.5.4"] * 4, "250"],
    ),
    "order": Dialogue(
        FROM + BOX + b"DATA\r\n" + HELLO + BOX + b"DATA\r\n" + FROM + FROM + b"DATA\r\n",
        ["503 5.5.1"] * 3 + ["250"] + ["503 5.5.1"] * 2 + ["250 2.1.0", "503 5.5.1", "554 5.5.1"],
    ),
    "RSET and EHLO forget the mail": Dialogue(
        HELLO + FROM + BOX + b"RSET\r\nDATA\r\n" + FROM + HELLO + BOX,
        [
            "250",
            "250 2.1.0",
            "250 2.1.5",
            "250 2.0.0",
            "503 5.5.1",
            "250 2.1.0",
            "250",
            "503 5.5.1",
        ],
    ),
    "relaying": Dialogue(
        HELLO + FROM + b"RCPT TO:<a@example.net>\r\nRCPT TO:<a@[127.0.0.1]>\r\nDATA\r\n",
        ["250", "250 2.1.0", "550 5.7.1", "550 5.7.1", "554 5.5.1"],
    ),
    "recipients refused and taken": Dialogue(
        HELLO + FROM + b"RCPT TO:<a@example.net>\r\n" + BOX + b"DATA\r\nhi\r\n.\r\n",
        ["250", "250 2.1.0", "550 5.7.1", "250 2.1.5", "354", KEPT],
        [b"hi\r\n"],
    ),
    "a message that will be too large": Dialogue(
        HELLO + b"MAIL FROM:<a@b.c> SIZE=26214401\r\nMAIL FROM:<a@b.c> SIZE=26214400\r\n",
        ["250", "552 5.3.4", "250 2.1.0"],
    ),
    "DATA with an argument": Dialogue(
        HELLO + ENVELOPE + b"DATA x\r\nNOOP\r\n", [*OPEN, "501 5.5.4", "250 2.0.0"]
    ),
    "bare LF and CR in commands": Dialogue(
        b"NOOP\nNOOP\r\nNOOP\rNOOP\r\nNO\0OP\r\nNOOP\r\r\nNOOP\r\n",
        ["500 5.5.2"] * 4 + ["250 2.0.0"],
    ),
    "a line too long": Dialogue(
        LINE + b"NOOP\r\n" + b"y" * 9000 + b"\r\nNOOP\r\n",
        ["500 5.5.2", "250 2.0.0", "500 5.5.2", "250 2.0.0"],
    ),
    "errors": Dialogue(b"FOO\r\n" * 12, ["500 5.5.2"] * 10 + ["421 4.7.0"], closed=True),
    "HTTP": Dialogue(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nMAIL\r\n", ["502 5.5.1"], closed=True),
    "BDAT is not obeyed, nor what it carries": Dialogue(
        HELLO + ENVELOPE + b"BDAT 6 LAST\r\nNOOP\r\n", [*OPEN, "502 5.5.1"], closed=True
    ),
    "QUIT hears nothing more": Dialogue(b"QUIT\r\nNOOP\r\n", ["221 2.0.0"], closed=True),
    "a long line of content is content": Dialogue(
        BEGIN + b"z" * 40000 + b"\r\nNOOP\r\n.\r\n",
        [*BEGUN, KEPT],
        [b"z" * 40000 + b"\r\nNOOP\r\n"],
    ),
}

SMUGGLED = ENVELOPE + b"DATA\r\nsmuggled\r\n"
"""What a smuggler wants obeyed behind a false end of content."""
for false_end in (
    b"\n.\n",
    b"\n.\r\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r.\n",
    b"\r\n.\n",
    b"\r\n.\r",
    b"\n.\r",
    b"\r\n\n.\n",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"\r\r\n.\r\r\n",
    b"\n\r.\r\n",
    b"\r\n..\r\n",
    b"\r\n. \r\n",
):
    sent = b"hello" + false_end + SMUGGLED
    DIALOGUES[f"smuggling by {false_end!r}"] = Dialogue(
        BEGIN + sent + b".\r\nNOOP\r\n",
        [*BEGUN, KEPT, "250 2.0.0"],
        [sent.replace(b"\r\n.", b"\r\n")],
    )


def run(dialogue: Dialogue, pieces: list[bytes]) -> None:
    edge = Edge()
    session = edge.connect()
    heard = b""
    for piece in pieces:
        if not session.closed:
            heard += session.send(piece)
    assert codes(heard) == dialogue.heard
    assert edge.door.contents == dialogue.contents
    assert session.closed is dialogue.closed
    assert edge.budget.held == 0


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_dialogue_in_one_segment(name: str) -> None:
    run(DIALOGUES[name], [DIALOGUES[name].sent])


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_dialogue_octet_by_octet(name: str) -> None:
    sent = DIALOGUES[name].sent
    run(DIALOGUES[name], [sent[at : at + 1] for at in range(len(sent))])


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_dialogue_split_in_two_at_every_border(name: str) -> None:
    sent = DIALOGUES[name].sent
    for at in range(1, len(sent), 1 + len(sent) // 600):
        run(DIALOGUES[name], [sent[:at], sent[at:]])


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_dialogue_split_at_random(name: str) -> None:
    sent = DIALOGUES[name].sent
    seeded = random.Random(name)
    for _ in range(20):
        borders = sorted(seeded.choices(range(1, len(sent)), k=seeded.randrange(1, 12)))
        run(
            DIALOGUES[name],
            [sent[a:b] for a, b in zip([0, *borders], [*borders, len(sent)], strict=True) if a < b],
        )
