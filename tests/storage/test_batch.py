"""The claim that decides who answers for a batch."""

from __future__ import annotations

import threading

from tempmail.storage.batch import Batch, Claim


def winners(claim: Claim, together: threading.Barrier) -> list[str]:
    """Which sides got the claim when both asked at once."""
    won: list[str] = []

    def take(side: str) -> None:
        together.wait()
        if getattr(claim, side)():
            won.append(side)

    threads = [threading.Thread(target=take, args=(side,)) for side in ("commit", "refuse")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won


def test_who_commits_first_keeps_the_reactor_from_refusing() -> None:
    claim = Claim()
    assert claim.commit()
    assert not claim.refuse()
    assert not claim.refused


def test_who_refuses_first_keeps_the_thread_from_committing() -> None:
    claim = Claim()
    assert claim.refuse()
    assert not claim.commit()
    assert claim.refused


def test_each_side_may_ask_again_for_what_it_has() -> None:
    claim = Claim()
    assert claim.refuse()
    assert claim.refuse()
    other = Claim()
    assert other.commit()
    assert other.commit()


def test_after_its_commit_the_rest_of_a_batch_may_be_refused() -> None:
    claim = Claim()
    claim.commit()
    claim.reopen()
    assert claim.refuse()


def test_reopening_takes_no_refusal_back() -> None:
    claim = Claim()
    claim.refuse()
    claim.reopen()
    assert claim.refused
    assert not claim.commit()


def test_of_two_threads_at_once_exactly_one_wins() -> None:
    for _ in range(200):
        assert len(winners(Claim(), threading.Barrier(2))) == 1


def test_interrupting_a_batch_without_a_connection_is_harmless() -> None:
    Batch([]).interrupt()
