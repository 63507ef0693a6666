"""What a client may do before it is put off: the replies to what core denies."""

from __future__ import annotations

from tempmail.core.admission import SmtpLimits
from tempmail.smtp.replies import Refusal


class Gate:
    """Asks the limits, where there are any.

    :param limits: keeps account of clients; None lets everybody do everything.
    """

    def __init__(self, limits: SmtpLimits | None) -> None:
        self._limits = limits

    def connection(self, peer_ip: str) -> Refusal | None:
        """Why a client is not greeted; where it is, :meth:`left` must follow."""
        denial = None if self._limits is None else self._limits.admit(peer_ip)
        if denial is None:
            return None
        return Refusal(f"421 4.7.0 {denial.text}\r\n".encode("ascii"), denial.reason)

    def left(self, peer_ip: str) -> None:
        """A client that was greeted is gone."""
        if self._limits is not None:
            self._limits.left(peer_ip)

    def message(self, peer_ip: str, recipients: int, octets: int) -> Refusal | None:
        """Why a client may not hand over a mail of as many announced octets now."""
        denial = None if self._limits is None else self._limits.message(peer_ip, recipients, octets)
        if denial is None:
            return None
        return Refusal(f"450 4.7.1 {denial.text}\r\n".encode("ascii"), denial.reason)

    def unannounced(self, peer_ip: str, octets: int) -> None:
        """Charge a client for octets of content that SIZE did not tell of."""
        if self._limits is not None and octets > 0:
            self._limits.content(peer_ip, octets)

    def misbehaved(self, peer_ip: str) -> None:
        """A client has used up its errors."""
        if self._limits is not None:
            self._limits.misbehaved(peer_ip)
