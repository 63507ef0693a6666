"""The verdicts on one message, in two passes: what DNS is asked, then all with its answers."""

from __future__ import annotations

from contextlib import suppress

from tempmail.mail.authenticity.answers import Known, Question
from tempmail.mail.authenticity.arc import check_arc, seal_questions
from tempmail.mail.authenticity.body_hash import Body
from tempmail.mail.authenticity.dkim import check_dkim, key_questions
from tempmail.mail.authenticity.dmarc import (
    NoAuthor,
    author_domain,
    check_dmarc,
    policy_questions,
)
from tempmail.mail.authenticity.header import Damaged, read_head
from tempmail.mail.authenticity.signatures import Sealed
from tempmail.model.authentication import Authentication, Finding


def questions(head: bytes) -> list[Question]:
    """What DNS has to be asked for a message, but for SPF.

    :param head: of the message, as :func:`tempmail.mail.authenticity.header.head_of` has it.
    """
    asked: list[Question] = []
    with suppress(Damaged):
        read = read_head(head)
        asked += key_questions(read) + seal_questions(read)
    with suppress(NoAuthor):
        asked += policy_questions(author_domain(head))
    return list(dict.fromkeys(asked))


def authentication(raw: bytes, spf: Finding, known: Known) -> Authentication:
    """The verdicts on a message.

    :param spf: of it, see :func:`tempmail.mail.authenticity.spf.check_spf`.
    :raises Lacking: one of its :func:`questions` has not been answered.
    """
    try:
        author = author_domain(raw)
    except NoAuthor:
        author = ""
    try:
        head = read_head(raw)
    except Damaged as why:
        dkim = Finding("permerror", f"no signature can be checked: {why}")
        arc = Finding("permerror", f"no seal can be checked: {why}")
    else:
        sealed = Sealed(head, Body(raw, head.body_start), known)
        dkim = check_dkim(sealed, author)
        arc = check_arc(sealed)
    return Authentication(spf, dkim, check_dmarc(raw, spf, dkim, known), arc)
