"""How long a client may take (RFC 5321 section 4.5.3.2)."""

from __future__ import annotations

from attrs import frozen


@frozen
class Patience:
    """Absolute times: nothing but a mail that came to its end makes them begin anew.

    :ivar command: seconds until the next mail begins, and as many more until its content does.
    :ivar octet: seconds without an octet of content.
    :ivar content: seconds that any mail's content may take ...
    :ivar min_rate: ... and octets a second that buy it more.
    """

    command: float = 300.0
    octet: float = 180.0
    content: float = 300.0
    min_rate: int = 1024

    def with_commands(self, seconds: float, *, mail_begun: bool) -> bool:
        """Whether there is some left for a session that has no content yet."""
        return seconds <= (2 * self.command if mail_begun else self.command)

    def with_content(self, seconds: float, size: int, silent: float) -> bool:
        """Whether there is some left for a mail of ``size`` octets so far."""
        return silent <= self.octet and seconds <= self.content + size / self.min_rate


ORDINARY = Patience()
UNDER_STRESS = Patience(command=10.0, octet=10.0, content=10.0)
SHORT_OF_ROOM = Patience(octet=10.0, content=20.0, min_rate=64 * 1024)
"""While most of what may be held of content is held: who trickles keeps it from all others."""
