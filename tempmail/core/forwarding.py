"""Mail that a trusted forwarder sends on with its own recipient in the envelope.

A catch-all service in front sends everything to one address of ours and says in a header whom
it was for.  That header counts for the recipients and the clients that the operator names, for
anyone could write it.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import parse_qsl

from attrs import evolve, frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tempmail.core.delivery import Door
from tempmail.core.metrics import Metrics
from tempmail.core.recipients import RecipientCheck, Standing
from tempmail.mail.forwarded import HEADERS, fields, original_recipient
from tempmail.model.address import Domains, Recipient
from tempmail.model.errors import InvalidInput
from tempmail.model.message import Envelope, Placement

_log = Logger()


@frozen
class TrustedHeader:
    """What the operator trusts.

    :ivar inbox: the address that forwarded mail is sent to.
    :ivar headers: names of headers that say whom it was for, in lower case, the first first.
    :ivar peers: the networks of those who forward.
    """

    inbox: str
    headers: tuple[str, ...]
    peers: tuple[IPv4Network | IPv6Network, ...]

    def trusts(self, peer_ip: str) -> bool:
        """Whether a client forwards."""
        try:
            address = ip_address(peer_ip.partition("%")[0])
        except ValueError:  # a Unix socket's path
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in peers for peers in self.peers)


def trusted_header(text: str) -> TrustedHeader:
    """Read ``inbox@our.domain?peers=192.0.2.0/24,2001:db8::/32&headers=x-original-to``.

    :raises InvalidInput: saying what is wrong.
    """
    inbox, _, query = text.partition("?")
    if not all(inbox.rpartition("@")):
        raise InvalidInput(f"{inbox!r} is no address, as in inbox@example.org?peers=192.0.2.0/24")
    given = dict(parse_qsl(query, keep_blank_values=True))
    unknown = given.keys() - {"headers", "peers"}
    if unknown:
        raise InvalidInput(f"unknown: {', '.join(sorted(unknown))}; there are peers and headers")
    try:
        peers = tuple(ip_network(peer) for peer in given.get("peers", "").split(",") if peer)
    except ValueError as error:
        raise InvalidInput(f"peers: {error}") from error
    if not peers:
        raise InvalidInput("needs peers=, the networks of those who forward, as in 192.0.2.0/24")
    return TrustedHeader(inbox, header_names(given.get("headers")), peers)


def check_trusted(trusted: Sequence[TrustedHeader], domains: Domains) -> None:
    """:raises InvalidInput: an inbox is not ours, or there twice."""
    seen: set[str] = set()
    for one in trusted:
        recipient = domains.recipient(one.inbox)
        if recipient is None:
            raise InvalidInput(f"--recipient-header {one.inbox}: is under none of our domains")
        if recipient.address in seen:
            raise InvalidInput(f"--recipient-header {one.inbox}: is given twice")
        seen.add(recipient.address)


def header_names(text: str | None) -> tuple[str, ...]:
    """Names of headers, separated by commas; the usual ones where nothing was said.

    :raises InvalidInput: for what is no name of a header.
    """
    if not text:
        return HEADERS
    names = tuple(name.strip().lower() for name in text.split(","))
    for name in names:
        if not name.isascii() or not name.isprintable() or not name or set(name) & set(": "):
            raise InvalidInput(f"headers: {name!r} is no header's name, as in delivered-to")
    return names


class ForwardedDelivery:
    """The :class:`Door` for mail by SMTP, some of which is forwarded.

    :param door: what keeps it.
    """

    def __init__(
        self,
        door: Door,
        trusted: Sequence[TrustedHeader],
        domains: Domains,
        metrics: Metrics,
    ) -> None:
        self._door = door
        self._domains = domains
        self._trusted = {domains.canonical(one.inbox): one for one in trusted}
        self._count = metrics.forwarded

    @property
    def inboxes(self) -> frozenset[str]:
        """The addresses that forwarded mail is sent to."""
        return frozenset(self._trusted)

    def deliver(self, envelope: Envelope) -> Deferred[list[Placement]]:
        """See :meth:`Door.deliver`; placements are of those whom the mail was for."""
        if any(recipient.address in self._trusted for recipient in envelope.recipients):
            envelope = self._unwrapped(envelope)
        return self._door.deliver(envelope)

    def turned_away(self, envelope: Envelope, reason: str, *, refused: bool) -> None:
        """See :meth:`Door.turned_away`."""
        self._door.turned_away(envelope, reason, refused=refused)

    def _unwrapped(self, envelope: Envelope) -> Envelope:
        found = fields(envelope.chunks)
        recipients: dict[tuple[str, str], Recipient] = {}
        for recipient in envelope.recipients:
            trusted = self._trusted.get(recipient.address)
            if trusted is not None:
                recipient = self._original(trusted, found, envelope.peer_ip) or recipient
            recipients.setdefault((recipient.address, recipient.tag), recipient)
        return evolve(envelope, recipients=tuple(recipients.values()))

    def _original(
        self, trusted: TrustedHeader, found: Sequence[tuple[bytes, bytes]], peer_ip: str
    ) -> Recipient | None:
        original, outcome = None, "untrusted_peer"
        if trusted.trusts(peer_ip):
            original = original_recipient(found, trusted.headers, self._domains, self.inboxes)
            outcome = "not_named" if original is None else "named"
        self._count.labels(outcome).inc()
        if original is None:
            _log.info(
                "mail of {peer_ip} stays with {inbox}: {why}",
                peer_ip=peer_ip,
                inbox=trusted.inbox,
                why=outcome,
            )
        return original


class ForwardedCheck:
    """A :class:`RecipientCheck` that takes the addresses that forwarded mail is sent to.

    Whether whom it was for is there turns out when its headers have come.
    """

    def __init__(self, check: RecipientCheck, inboxes: frozenset[str]) -> None:
        self._check = check
        self._inboxes = inboxes
        self.tells = check.tells

    def check(self, address: str) -> Standing | Deferred[Standing]:
        """See :meth:`RecipientCheck.check`."""
        return Standing.OPEN if address in self._inboxes else self._check.check(address)
