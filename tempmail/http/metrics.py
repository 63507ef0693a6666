# Much of twisted.web has no annotations.
# mypy: disable-error-code="no-untyped-call"
"""The metrics as Prometheus fetches them, for an endpoint that need not be public."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from twisted.web.resource import Resource
from twisted.web.server import Request

from tempmail.core.metrics import Metrics
from tempmail.http.problems import NO_SUCH_ROUTE


class MetricsResource(Resource):
    """``/metrics``, and nothing else.

    :param metrics: what is shown.
    """

    isLeaf = True  # noqa: N815  # twisted.web's name

    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self._registry = metrics.registry

    def render_GET(self, request: Request) -> bytes:
        if request.path != b"/metrics":
            missing = NO_SUCH_ROUTE.answer()
            missing.set_head(request)
            return missing.body
        request.setHeader("Content-Type", CONTENT_TYPE_LATEST)
        return generate_latest(self._registry)
