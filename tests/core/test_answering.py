from __future__ import annotations

import msgspec
import pytest
from attrs import evolve

from tempmail.core.answering import LEFT_OUT, MOST_BYTES, Answering
from tempmail.core.metrics import Metrics
from tempmail.model.message import Message
from tests.core.doubles import VIEW, message


def mail(text: str = "", html: str = "", headers: tuple[tuple[str, str], ...] = ()) -> Message:
    return message(evolve(VIEW, body_text=text, body_html=html, headers=headers))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def answering(metrics: Metrics) -> Answering:
    return Answering(metrics)


def test_what_is_usual_fits(answering: Answering) -> None:
    for _ in range(20):
        usual = mail("x" * 50_000, "<p>" * 40_000)
        assert answering.fit(usual) is usual


def test_the_first_is_whole_whatever_it_holds(answering: Answering) -> None:
    first = mail("x" * MOST_BYTES, "y" * MOST_BYTES)
    assert answering.fit(first) is first
    second = mail("x" * MOST_BYTES)
    assert answering.fit(second) is second


def test_what_is_too_much_comes_without_what_is_long_and_says_so(
    answering: Answering, metrics: Metrics
) -> None:
    answering.fit(mail())
    answering.fit(mail("x" * (MOST_BYTES - 10)))
    large = mail("x" * 8, "y" * 3, (("Received", "from mx"),))
    view = answering.fit(large).view
    assert view is not None
    assert (view.body_text, view.body_html, view.headers) == ("", "", ())
    assert view.defects == (LEFT_OUT,)
    assert (view.subject, view.codes) == (VIEW.subject, VIEW.codes)
    small = mail("x" * 10)
    assert answering.fit(small) is small, "there is room for it"
    assert metrics.registry.get_sample_value("tempmail_answers_cut_total") == 1


@pytest.mark.parametrize(
    "kept",
    [
        mail('\n\t\r"\\' * 1000),
        mail("\N{EURO SIGN}" * 1000, "\N{PILE OF POO}" * 1000),
        mail(headers=(("Received", '"' * 1000),) * 10),
    ],
)
def test_no_less_is_counted_than_json_takes(kept: Message) -> None:
    assert kept.view is not None
    lists = [list(pair) for pair in kept.view.headers]
    taken = (
        len(msgspec.json.encode([kept.view.body_text, kept.view.body_html, lists, lists]))
        - len(b'["","",[],[]]')
        - 2 * sum(len(b'["",""],') for _ in lists)
    )
    whole = Answering(Metrics())
    whole.fit(mail())
    whole.fit(mail("x" * (MOST_BYTES - taken + 1)))
    fitted = whole.fit(kept).view
    assert fitted is not None
    assert fitted.defects == (LEFT_OUT,)
