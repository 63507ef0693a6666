# Much of twisted.web has no annotations.
# mypy: disable-error-code="no-untyped-call"
"""What all connections share, and the record of every answer."""

from __future__ import annotations

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.logger import Logger
from twisted.web import server
from twisted.web.resource import IResource

from tempmail.core.metrics import Metrics
from tempmail.http.bounded_request import Request
from tempmail.http.channel import Channel, Limits
from tempmail.http.connections import Connections
from tempmail.http.gate import Gate
from tempmail.http.large_bodies import LargeBodies
from tempmail.http.logged import logged
from tempmail.http.readers import Refusals
from tempmail.http.shelf import Shelf

_access = Logger("tempmail.http.access")
_LINE = "{method} {path} {status} {bytes} B {milliseconds} ms {client}"

_METHODS = {
    name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}


class Site(server.Site):
    """What a server endpoint is given to speak HTTP.

    :param resource: the root of what is served.
    :param clock: drives every deadline.
    :param metrics: counts responses.
    :param limits: of each connection.
    :param gate: says who may pass; without it everybody may.
    :param connections: bounds how many there are.
    :param errors: shows refusals to people; without it everybody gets them as programs do.
    """

    protocol = Channel  # type: ignore[assignment]  # twisted.web's own is a factory of a proxy
    requestFactory = Request
    reactor: IReactorTime

    def __init__(
        self,
        resource: IResource,
        clock: IReactorTime,
        metrics: Metrics,
        limits: Limits | None = None,
        gate: Gate | None = None,
        connections: Connections | None = None,
        errors: Refusals | None = None,
    ) -> None:
        super().__init__(resource, parsePOSTFormSubmission=False, timeout=None, reactor=clock)
        self.limits = limits or Limits()
        self.gate = gate or Gate(metrics)
        self.connections = connections or Connections()
        self.errors = errors
        self.refused = metrics.http_refused
        self.large_bodies = LargeBodies(self.limits.large_bodies)
        self.shelf = Shelf(metrics.http_bytes_held)
        self._responses = metrics.http_responses

    def startFactory(self) -> None:
        """Nothing to open: the access log is ours, see :meth:`record`."""

    def stopFactory(self) -> None:
        """Nothing to close."""

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802  # twisted.web's name
        """HTTP/1.1 alone: the bounds of :class:`Channel` are for it."""
        return [b"http/1.1"]

    def log(self, request: Request, status: int | None = None) -> None:  # type: ignore[override]  # only our requests come here
        """Record a request that was answered, or whose client left before."""
        status = status or request.code
        self.gate.answered(request, status)
        self.record(
            request.method,
            request.path,
            status,
            request.sentLength,
            request.seconds_since(self.reactor.seconds()),
            request.getClientAddress(),
        )

    def record(
        self, method: bytes, path: bytes, status: int, size: int, seconds: float, client: IAddress
    ) -> None:
        """Count and log one response.

        :param path: as received; what follows a ``?`` is never logged.
        :param size: bytes of the body that were sent.
        """
        known = _METHODS.get(method)
        self._responses.labels(known or "other", str(status)).inc()
        fields = {
            "method": known or logged(method),
            "path": logged(path),
            "status": status,
            "bytes": size,
            "milliseconds": round(seconds * 1000, 1),
            "client": getattr(client, "host", "-"),
        }
        # Formatted here, for the logger's own way costs a tenth of a small answer.
        line = _LINE.format_map(fields).replace("{", "{{").replace("}", "}}")
        _access.info(line, **fields)
