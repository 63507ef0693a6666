"""Makes ``twistd tempmail`` known to Twisted."""

from twisted.application.service import ServiceMaker

tempmail = ServiceMaker(
    "tempmail",
    "tempmail.plugin",
    "A whole temporary-mail service: SMTP in, HTTP and WebSocket out",
    "tempmail",
)
