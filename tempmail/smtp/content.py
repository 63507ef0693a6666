"""The content of one mail while it comes in: kept in pieces, within its bounds."""

from __future__ import annotations

import enum

from tempmail.core.budget import ByteBudget

_SMALL = 4096
_GATHER = 65536


class ContentFault(enum.Enum):
    """Why a mail's content was not kept."""

    TOO_LARGE = enum.auto()
    NO_ROOM = enum.auto()
    BARE_NEWLINE = enum.auto()


class Content:
    """Octets of one mail, never joined, small pieces apart: a mail of 25 MB takes 25 MB.

    :param limit: octets that are kept at most; what is longer is counted and dropped.
    :param budget: charged for what is kept until :meth:`release`.
    :param reject_bare_newlines: whether CR and LF must stand together (RFC 5321 section 2.3.8).
    :ivar fault: why nothing is kept, or None.
    :ivar size: octets so far, kept or not.
    """

    __slots__ = (
        "_budget",
        "_chunks",
        "_gathered",
        "_held",
        "_limit",
        "_newlines",
        "fault",
        "size",
    )

    def __init__(
        self, limit: int, budget: ByteBudget, *, reject_bare_newlines: bool = False
    ) -> None:
        self._limit = limit
        self._budget = budget
        self._held = 0
        self._chunks: list[bytes] = []
        self._gathered: bytearray | None = None
        self._newlines = _Newlines() if reject_bare_newlines else None
        self.fault: ContentFault | None = None
        self.size = 0

    def add(self, octets: bytes) -> None:
        """Keep ``octets``, at least one, behind the others."""
        length = len(octets)
        self.size += length
        if self.fault is not None:
            return
        if self.size > self._limit:
            self._drop(ContentFault.TOO_LARGE)
        elif not self._budget.take(length):
            self._drop(ContentFault.NO_ROOM)
        else:
            self._held += length
            if self._newlines is not None:
                self._newlines.count(octets)
            if self.size == length or length >= _SMALL:
                self._settle()
                self._chunks.append(octets)
            else:
                # Segments of a few octets must not become millions of objects.
                if self._gathered is None:
                    self._gathered = bytearray()
                self._gathered += octets
                if len(self._gathered) >= _GATHER:
                    self._settle()

    def end(self) -> None:
        """Nothing more follows: judge the whole."""
        if self._newlines is not None and self.fault is None and self._newlines.bare:
            self._drop(ContentFault.BARE_NEWLINE)

    @property
    def chunks(self) -> tuple[bytes, ...]:
        """The octets in pieces."""
        self._settle()
        return tuple(self._chunks)

    def release(self) -> None:
        """Give the budget back what was held; whoever has the chunks has dropped them."""
        self._budget.give(self._held)
        self._held = 0

    def _settle(self) -> None:
        if self._gathered:
            self._chunks.append(bytes(self._gathered))
            self._gathered = None

    def _drop(self, fault: ContentFault) -> None:
        self.fault = fault
        self._chunks = []
        self._gathered = None
        self.release()


class _Newlines:
    """Counts CR, LF and CR LF over all pieces; where the three differ, one stood alone."""

    __slots__ = ("_after_cr", "_cr", "_crlf", "_lf")

    def __init__(self) -> None:
        self._cr = self._lf = self._crlf = 0
        self._after_cr = False

    def count(self, octets: bytes) -> None:
        self._cr += octets.count(b"\r")
        self._lf += octets.count(b"\n")
        self._crlf += octets.count(b"\r\n") + (self._after_cr and octets[0] == 0x0A)
        self._after_cr = octets[-1] == 0x0D

    @property
    def bare(self) -> bool:
        return not self._cr == self._lf == self._crlf
