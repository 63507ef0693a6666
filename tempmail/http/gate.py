# Much of twisted.web has no annotations.
# mypy: disable-error-code="no-untyped-call"
"""Who may pass: what is looked at before a request is routed, and what becomes of its headers.

In this order: whom it is from, whether it is for us, whether the page that made a browser send it
may, whether the client is shut out, and whether it asks too often.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from twisted.logger import Logger

from tempmail.core.documents import PATH
from tempmail.core.metrics import Metrics
from tempmail.core.request_limits import RateReached, RequestLimits, Standing
from tempmail.http.answers import Answer
from tempmail.http.cookies import session_cookie
from tempmail.http.cross_origin import ORIGIN_REFUSED, CrossOrigin, is_from_elsewhere
from tempmail.http.hosts import Hosts
from tempmail.http.logged import logged
from tempmail.http.origins import Origins
from tempmail.http.problems import Problem, problem_of
from tempmail.http.proxies import TrustedProxies
from tempmail.http.readers import answer_to
from tempmail.model.account import Caller

if TYPE_CHECKING:
    from tempmail.http.bounded_request import Request

_WIDER = (PATH.encode() + b"/", b"/static/")
"""A mail has many images, and a page many files: their rate is not that of the API."""

_HEALTH = re.compile(rb"/health(?:/|\Z)")
_TAKES_QUERY = re.compile(rb"/ws/inbox/|/api/v1/mailboxes/[^/]+/events\Z")
_ACCOUNT_IN_QUERY = re.compile(rb"[?&](?:(?:api_key|token)=uct_|ticket=[^&])")
_KEY = b"uct_"
_NOTIFICATIONS = b"/api/v1/ses/inbound"

CLIENT_LEFT = 499
"""Recorded instead of the status of an answer that nobody waited for."""

_UNKNOWN_HOST = Problem(
    421,
    "unknown_host",
    "this is no name of this site; its operator names those that it answers to with --host",
)


class Gate:
    """:param hosts: the names that the site answers to; any where None.
    :param origins: other sites whose pages may use us.
    :param proxies: those that are believed whom a request is from.
    :param limits: how often a client may ask; without them, as often as it likes.
    :param topics: of Amazon SNS, which calls as often as there is mail, from addresses that it
        shares with strangers: they must not be able to have it shut out, so its calls have a rate
        of their own.
    :param https_only: tell browsers that came by TLS to come by nothing else (RFC 6797).
    """

    _log = Logger()

    def __init__(
        self,
        metrics: Metrics,
        *,
        hosts: Hosts | None = None,
        origins: Origins | None = None,
        proxies: TrustedProxies | None = None,
        limits: RequestLimits | None = None,
        topics: Collection[str] = (),
        https_only: bool = False,
    ) -> None:
        self.proxies = proxies or TrustedProxies()
        self._hosts = hosts
        self._cross_origin = CrossOrigin(origins or Origins())
        self._limits = limits
        self._topics = frozenset(topics)
        self._https_only = https_only
        self._refused = metrics.http_refused

    def admit(self, request: Request) -> Answer | None:
        """Look at a request; it gets the headers that its answer will have, whoever gives it.

        :returns: the answer, where it is not to be routed.
        """
        self._see_client(request)
        if _HEALTH.match(request.path):  # for monitors, which come by address and often
            return None
        problem = self._misled(request)
        if problem is None:
            preflight = self._cross_origin.preflight(request)
            if preflight is not None:
                return preflight
            problem = self._denied(request)
        elif problem is ORIGIN_REFUSED:
            problem = self._denied_elsewhere(request) or problem
        if problem is None:
            return None
        self.refused(request, problem)
        return answer_to(request, problem)

    def charge(self, request: Request, caller: Caller) -> None:
        """Count a request by the plan of its caller, once that is known.

        :raises RateReached: there were too many.
        """
        if self._limits is None:
            return
        if caller.requests_per_minute is None and not request.uncounted:
            return
        if request.uncounted:
            request.uncounted = False
            self._limits.key_known(request.client_host)
        self.charge_further(request, caller)

    def charge_further(self, request: Request, caller: Caller) -> None:
        """Count what is as much work as one request more.

        :raises RateReached: there were too many.
        """
        if self._limits is None:
            return
        host, blame = request.client_host, self._may_blame(request)
        try:
            if caller.requests_per_minute is None:
                found = self._limits.anonymous(host, blame=blame)
            else:
                found = self._limits.user(host, caller, blame=blame)
        except RateReached as why:
            request.denied = True
            self._tell(request, why.standing)
            self.refused(request, problem_of(why))
            raise
        self._tell(request, found)

    def answered(self, request: Request, status: int) -> None:
        """Draw conclusions from how a request was answered."""
        if self._limits is None:
            return
        host = request.client_host
        if request.uncounted:
            request.uncounted = False
            if status not in (401, CLIENT_LEFT):  # who leaves would not have us look
                self._limits.key_known(host)
            if status != 401:
                self._limits.uncounted(host)
        if not self._may_blame(request):
            return
        if status == 401 and request.credentials_shown:
            self._limits.misdeed(host, "guessing")
        elif status == 429 and request.method == b"POST" and not request.denied:
            self._limits.misdeed(host, "mailboxes")

    def refused(self, request: Request, problem: Problem) -> None:
        """Count and log a refusal."""
        self._refused.labels(problem.code).inc()
        self._log.info(
            "refused {method} {path} of {client}: {code}",
            method=logged(request.method),
            path=logged(request.path),
            client=request.client_host,
            code=problem.code,
        )

    def _see_client(self, request: Request) -> None:
        client = self.proxies.client(request.client_host, request.requestHeaders)
        if client is not None:
            request.forwarded(client)
        if self._https_only and request.isSecure():
            request.setHeader(b"Strict-Transport-Security", b"max-age=31536000")

    def _misled(self, request: Request) -> Problem | None:
        """Whether a name or a page that is not ours has sent the client here."""
        if self._hosts is not None:
            host = request.requestHeaders.getRawHeaders(b"Host", (b"",))[0]
            if host not in self._hosts:
                return _UNKNOWN_HOST
        return self._cross_origin.refusal(request)

    def _denied(self, request: Request) -> Problem | None:
        """Whether the client is to come again later."""
        if self._limits is None:
            return None
        host = request.client_host
        if self._is_notification(request):
            size = 0 if request.content is None else request.content.getbuffer().nbytes
            return _many_notifications(self._limits.notification(host, size))
        seconds = 0 if self.proxies.trusts(host) else self._limits.blocked(host)
        if seconds:
            return Problem(
                429,
                "blocked",
                "your network is shut out for a while, for its haste or for what it tried",
                {"Retry-After": str(seconds)},
            )
        blame = self._may_blame(request)
        try:
            if request.path.startswith(_WIDER):
                self._tell(request, self._limits.document(host, blame=blame))
            elif _shows_account(request):
                self._limits.key_shown(host, blame=blame)
                request.uncounted = True  # until it is known whose key that is
            else:
                self._tell(request, self._limits.anonymous(host, blame=blame))
        except RateReached as why:
            request.denied = True
            self._tell(request, why.standing)
            return problem_of(why)
        return None

    def _denied_elsewhere(self, request: Request) -> Problem | None:
        """Whether pages of other sites have been refused more often than they may be."""
        if self._limits is None:
            return None
        try:
            self._limits.elsewhere(request.client_host)
        except RateReached as why:
            request.denied = True
            return problem_of(why)
        return None

    def _may_blame(self, request: Request) -> bool:
        """Whether its network may be shut out for it: not for what other sites' pages have a
        visitor's browser do, nor is a proxy for what all do that come through it."""
        return not (is_from_elsewhere(request) or self.proxies.trusts(request.client_host))

    def _is_notification(self, request: Request) -> bool:
        if request.path != _NOTIFICATIONS:
            return False
        named = request.requestHeaders.getRawHeaders("X-Amz-Sns-Topic-Arn", ("",))
        return named[0] in self._topics

    @staticmethod
    def _tell(request: Request, standing: Standing | None) -> None:
        if standing is not None:
            headers = request.responseHeaders
            headers.setRawHeaders(b"RateLimit-Limit", [b"%d" % standing.limit])
            headers.setRawHeaders(b"RateLimit-Remaining", [b"%d" % standing.remaining])
            headers.setRawHeaders(b"RateLimit-Reset", [b"%d" % standing.reset])


def _many_notifications(seconds: int) -> Problem | None:
    """503 and not 429: SNS sends again what failed on our side."""
    if not seconds:
        return None
    return Problem(
        503,
        "busy",
        "there are too many notifications from your network; send it again",
        {"Retry-After": str(seconds)},
    )


def _shows_account(request: Request) -> bool:
    """Whether there is a credential that may be an account's, which has a rate of its own."""
    headers = request.requestHeaders
    for name, start in (
        (b"Authorization", b"bearer " + _KEY),
        (b"X-Session-Token", _KEY),
    ):
        for value in headers.getRawHeaders(name, ()):
            if value[: len(start)].lower() == start:
                return True
    if session_cookie(request) is not None:
        return True
    return bool(_TAKES_QUERY.match(request.path) and _ACCOUNT_IN_QUERY.search(request.uri))
