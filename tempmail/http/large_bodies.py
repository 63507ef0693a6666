"""A bound on how many large request bodies are held at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from tempmail.model.network import network


class LargeBodies:
    """Counts those that are larger than an ordinary body may be, until they are answered.

    :param most: how many there may be; of which one network may have a quarter.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._each = max(1, most // 4)
        self._of: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._of.total()

    def hold(self, host: str) -> Callable[[], None] | None:
        """Hold one more for a client.

        :returns: what lets go of it, to be called once; None where there cannot be one more.
        """
        client = network(host)
        if len(self) >= self._most or self._of[client] >= self._each:
            return None
        self._of[client] += 1

        def let_go() -> None:
            self._of[client] -= 1
            if not self._of[client]:
                del self._of[client]

        return let_go
