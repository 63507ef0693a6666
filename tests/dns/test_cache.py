from __future__ import annotations

from tempmail.dns.cache import Cache
from tempmail.dns.reading import Read
from tempmail.mail.authenticity.answers import Answer, Question


def question(number: int) -> Question:
    return Question(f"n{number}.example", "A")


def test_answers_are_kept_for_as_long_as_they_say() -> None:
    cache = Cache()
    cache.keep(question(1), Read(Answer(("192.0.2.1",)), 60), now=100)
    assert cache.get(question(1), 159) == Answer(("192.0.2.1",))
    assert cache.get(question(1), 160) is None
    assert len(cache) == 0


def test_too_many_answers_push_out_those_least_used() -> None:
    cache = Cache(most_entries=3)
    for number in range(3):
        cache.keep(question(number), Read(Answer(), 60), now=0)
    cache.get(question(0), 1)
    cache.keep(question(3), Read(Answer(), 60), now=2)
    assert [cache.get(question(n), 3) is not None for n in range(4)] == [True, False, True, True]


def test_large_answers_push_out_others_too() -> None:
    cache = Cache(most_characters=10_000)
    for number in range(100):
        cache.keep(question(number), Read(Answer(("x" * 4000,)), 60), now=0)
    assert len(cache) == 2


def test_a_newer_answer_takes_the_place_of_the_older() -> None:
    cache = Cache(most_characters=1000)
    for _ in range(50):
        cache.keep(question(1), Read(Answer(("x" * 100,)), 60), now=0)
    assert len(cache) == 1
