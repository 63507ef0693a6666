"""Statements that a connection knows by name: parsed once, and often planned once as well.

psycopg2 writes values into the text of a statement, so the server would read and plan the same one
anew each time, which costs it more than a look-up itself.  PREPARE (PostgreSQL manual, "PREPARE")
keeps them, and EXECUTE is handed the values alone.
"""

from __future__ import annotations

import re
from itertools import count

MOST = 100
"""Names that one connection gives out, also to what could not be prepared; what comes after is sent
as it is."""

_PLACE = re.compile(r"%\((\w+)\)s")

_STALE = frozenset(("0A000", "26000"))
"""SQLSTATEs: the type of its result has changed with the schema, and it is not known after all."""


class Prepared:
    """What one connection knows."""

    def __init__(self) -> None:
        self._calls: dict[str, str] = {}
        self._names = count()
        self._new: str | None = None

    def call(self, sql: str) -> str:
        """What to send in place of ``sql``, with the same values by name.

        A place's type is what the statement makes of it: where that is nothing, as in a list of
        what is selected, it is text unless it is cast.
        """
        known = self._calls.get(sql)
        if known is not None:
            self._new = None
            return known
        number = next(self._names)
        if number >= MOST:
            return sql
        places = _PLACE.findall(sql)
        values = f"({', '.join(f'%({place})s' for place in places)})" if places else ""
        self._calls[sql] = f"EXECUTE statement_{number}{values}"
        self._new = sql
        numbers = count(1)
        body = _PLACE.sub(lambda _: f"${next(numbers)}", sql)
        return f"PREPARE statement_{number} AS {body}; {self._calls[sql]}"

    def failed(self, sql: str, code: str | None) -> None:
        """``sql`` has failed with this SQLSTATE, or on our side: it may have to be told anew."""
        untold = sql == self._new and (code is None or code.startswith("42"))
        if untold or code in _STALE:
            self._calls.pop(sql, None)
