"""One measured round: a load on one contender, with what it cost and what it stored."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from tests.bench.accounting import cpu_seconds
from tests.bench.cluster import Postgres
from tests.bench.contenders import Contender
from tests.bench.load import Load, LoadError
from tests.bench.mails import mails

_WARM_UP = 100


@dataclass(frozen=True)
class Mode:
    """A way of sending.

    :ivar shape: see load.py.
    :ivar width: connections at once.
    :ivar size: bytes a mail.
    :ivar mails: how many a round, for each contender by name; about equal times are aimed at.
    :ivar least: the ratio of CPU per mail that the project has promised.
    """

    name: str
    shape: str
    width: int
    size: int
    mails: dict[str, int]
    least: float


MODES = (
    Mode("20 kept, 2 KB", "kept", 20, 2048, {"ours": 20000, "reference": 2000}, 20),
    Mode("one mail a connection, 2 KB", "fresh", 20, 2048, {"ours": 14000, "reference": 1600}, 15),
    Mode("20 kept, 50 KB", "kept", 20, 51200, {"ours": 9000, "reference": 900}, 12),
    Mode("200 pipelined, 2 KB", "pipelined", 200, 2048, {"ours": 40000, "reference": 2000}, 35),
)


@dataclass(frozen=True)
class Round:
    """What one round came to.

    :ivar cost: microseconds of CPU per mail answered 250, by part (daemon, database, redis).
    :ivar p50, p99: milliseconds from the end of DATA to 250.
    :ivar rate: mails answered 250 a second.
    """

    cost: dict[str, float]
    p50: float
    p99: float
    rate: float

    @property
    def total(self) -> float:
        """Return the cost of all parts."""
        return sum(self.cost.values())


def measure(contender: Contender, server: Postgres, mode: Mode, share: float = 1.0) -> Round:
    """Send one round to an emptied contender.

    :param share: of the mode's mails.
    :raises LoadError: a mail was not answered 250, or what is stored is not what was answered.
    """
    count = int(mode.mails[contender.name] * share)
    warm_up = mails(mode.size, _WARM_UP, 1000)
    Load(contender.port, mode.shape, warm_up, width=mode.width).run()
    contender.reset()

    parts = {**contender.pids, "database": server.pid}
    before: dict[str, float] = {}

    def read() -> None:
        before.update({part: cpu_seconds([pid]) for part, pid in parts.items()})

    bag = mails(mode.size, count, 1000)
    outcome = Load(contender.port, mode.shape, bag, width=mode.width, ready=read).run()
    cost = {
        part: (cpu_seconds([pid]) - before[part]) / outcome.accepted * 1e6
        for part, pid in parts.items()
    }
    stored = contender.stored()
    contender.reset()
    if not outcome.accepted == stored == count:
        raise LoadError(
            f"{contender.name}, {mode.name}: {count} mails, {outcome.accepted} answered 250,"
            f" {stored} stored; {outcome.summary()}"
        )
    return Round(
        cost,
        outcome.percentile(0.5) * 1000,
        outcome.percentile(0.99) * 1000,
        outcome.accepted / outcome.seconds,
    )


def middle(rounds: list[Round]) -> Round:
    """Return the median of each figure."""
    return Round(
        {part: median(r.cost[part] for r in rounds) for part in rounds[0].cost},
        median(r.p50 for r in rounds),
        median(r.p99 for r in rounds),
        median(r.rate for r in rounds),
    )
