"""What is known of where a message came from, and what was found in it, each with its reason."""

from __future__ import annotations

from attrs import frozen


@frozen
class Signature:
    """One DKIM signature (RFC 6376).

    :ivar domain, selector: where its key lies; empty where the signature does not say so.
    :ivar result: as in :class:`Finding`.
    """

    domain: str
    selector: str
    result: str
    reason: str


@frozen
class Finding:
    """The outcome of one method (RFC 8601 section 2.7).

    :ivar result: ``pass``, ``fail``, ``softfail``, ``neutral``, ``none``, ``temperror`` or
        ``permerror``.
    :ivar reason: a short sentence for people.
    :ivar domain: that it speaks of.
    :ivar signatures: of DKIM alone, those that were looked at, the topmost first.
    """

    result: str
    reason: str
    domain: str | None = None
    signatures: tuple[Signature, ...] = ()


@frozen
class Scan:
    """What somebody before us found in the content."""

    result: str
    reason: str


@frozen
class Authentication:
    """The verdicts on a message.

    :ivar spf, dkim, dmarc, arc: None until they were evaluated, which is done for all at once;
        before that the first three may be what somebody said who had the message before us.
    :ivar spam, virus: None where nobody looked.
    """

    spf: Finding | None = None
    dkim: Finding | None = None
    dmarc: Finding | None = None
    arc: Finding | None = None
    spam: Scan | None = None
    virus: Scan | None = None

    @property
    def evaluated(self) -> bool:
        return self.arc is not None  # which nobody before us tells

    @property
    def unsettled(self) -> bool:
        """Whether something was not known for a reason that may pass."""
        found = (self.spf, self.dkim, self.dmarc, self.arc)
        return any(one is not None and one.result == "temperror" for one in found)
