"""The options: their names, what they mean, and how their texts are read.

What they default to is said in :class:`tempmail.settings.Settings`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import frozen

from tempmail.bus.redis_url import redis_url
from tempmail.core.forwarding import trusted_header
from tempmail.dns.servers import server
from tempmail.imap.account import account
from tempmail.model.address import domain_name
from tempmail.ses.topics import topic
from tempmail.web_options import cors_origin, host_name, proxy_network

DEFAULT_DOMAIN = "tempmail.localhost"


@frozen
class Option:
    """One thing to choose.

    :ivar parse: from text to value; raises ``ValueError`` or :class:`InvalidInput`.
    :ivar many: whether it may be given more than once (in a variable: separated by spaces).
    """

    name: str
    help: str
    parse: Callable[[str], Any] = str
    many: bool = False

    @property
    def variable(self) -> str:
        return "TEMPMAIL_" + self.name.upper().replace("-", "_")

    @property
    def attribute(self) -> str:
        return self.name.replace("-", "_")


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("is a whole number, without a unit")
    return int(text)


def _bytes_up_to(most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        count = _whole(text)
        if not 64 * 1024 <= count <= most:
            raise ValueError(f"is between 65536 and {most}")
        return count

    return parse


def _days(text: str) -> int:
    days = _whole(text)
    if not 0 <= days <= 3650:
        raise ValueError("is between 0 and 3650")
    return days


def _at_least_one(text: str) -> int:
    count = _whole(text)
    if not 1 <= count <= 10**15:
        raise ValueError("is at least 1")
    return count


def _count(text: str) -> int:
    return 0 if text == "0" else _at_least_one(text)


def _on_or_off(text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError("is on or off")
    return text == "on"


def _kind(text: str) -> str:
    kind = text.lower().removeprefix(".")
    if not kind.replace("-", "").replace("_", "").isalnum():
        raise ValueError("is a kind of file, such as exe")
    return kind


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"is one of {', '.join(words)}")
        return text

    return parse


def _resolver(text: str) -> str:
    if text not in ("off", "system"):
        server(text)
    return text


OPTIONS = (
    Option(
        "smtp",
        "Where mail is received, a Twisted endpoint such as tcp:25 or tls:465:... "
        "[default: tcp:2525:interface=127.0.0.1]",
        many=True,
    ),
    Option(
        "http",
        "Where the API and the WebSockets are served [default: tcp:8080:interface=127.0.0.1]",
        many=True,
    ),
    Option("metrics", "Where Prometheus metrics are served; not served without it"),
    Option(
        "domain",
        f"A domain to receive mail for; the first is the default one [default: {DEFAULT_DOMAIN}]",
        domain_name,
        many=True,
    ),
    Option(
        "database",
        "PostgreSQL 14 or later, as postgresql://user@host/name; without it an embedded server "
        "runs in the data directory",
    ),
    Option(
        "redis",
        "A Redis that connects several daemons on one --database, as redis://HOST/0 or, with its "
        "certificate checked, rediss://USER:PASSWORD@HOST/0?cacert=FILE&prefix=WORD",
        redis_url,
    ),
    Option("tls-cert", "PEM file with the certificate chain for STARTTLS", Path),
    Option("tls-key", "PEM file with its private key", Path),
    Option(
        "data-dir",
        "What must survive a restart [default: /var/lib/tempmail for root, else "
        "~/.local/share/tempmail or what XDG_DATA_HOME says]",
        Path,
    ),
    Option("hostname", "Our name in the SMTP greeting [default: the first domain]", domain_name),
    Option(
        "max-message-bytes",
        "The largest message taken, announced as SIZE [default: 26214400]",
        _bytes_up_to(512 * 1024**2),
    ),
    Option(
        "tombstone-days",
        "For how long a released address is given to nobody else [default: 30]",
        _days,
    ),
    Option(
        "unknown-recipients",
        "accept mail for addresses that nobody made and drop it in silence, reject it at RCPT, or "
        "create a public mailbox of the first mail [default: accept]",
        _one_of("accept", "reject", "create"),
    ),
    Option(
        "public-inboxes",
        "off closes the interfaces that make mailboxes which everybody reads, and turns "
        "--unknown-recipients create into accept [default: on]",
        _on_or_off,
    ),
    Option(
        "attachments",
        "A kind of attachment that is not handed out, such as exe; `none` refuses "
        "none [default: what Gmail and Outlook refuse, and programs of other systems]",
        _kind,
        many=True,
    ),
    Option(
        "bare-newline",
        "keep mail with a CR or LF that stands alone as it is, or reject it [default: keep]",
        _one_of("keep", "reject"),
    ),
    Option(
        "host",
        "A name or address that the site answers to over HTTP, besides those of the loopback "
        "interface [default: each --domain and --hostname, in dev also every IP "
        "address]",
        host_name,
        many=True,
    ),
    Option(
        "cors-origin",
        "Another site whose pages may use the API and the WebSockets, such as "
        "https://app.example; * is every site, in dev alone",
        cors_origin,
        many=True,
    ),
    Option(
        "trusted-proxy",
        "A proxy, or a network of them as 192.0.2.0/24, that is believed what it says in Forwarded "
        "or X-Forwarded-For of whom a request is from",
        proxy_network,
        many=True,
    ),
    Option(
        "http-connections",
        "HTTP connections open at once, of which one client may have a quarter; fewer where the "
        "system allows fewer open files [default: 10000]",
        _at_least_one,
    ),
    Option(
        "rate-limits",
        "on or off; off lifts every limit on a single SMTP or HTTP client, and blocks nobody "
        "[default: on]",
        _on_or_off,
    ),
    Option(
        "smtp-connections",
        "SMTP connections open at once, of all clients together [default: 2000]",
        _at_least_one,
    ),
    Option(
        "smtp-connections-per-client",
        "SMTP connections open at once of one client, an IPv4 address or IPv6 /64 [default: 400]",
        _at_least_one,
    ),
    Option("smtp-messages-per-minute", "Messages of one client [default: 300000]", _at_least_one),
    Option(
        "smtp-recipients-per-minute",
        "Recipients of one client's messages [default: 600000]",
        _at_least_one,
    ),
    Option(
        "smtp-bytes-per-minute",
        "Content of one client's messages [default: 12582912000]",
        _at_least_one,
    ),
    Option(
        "smtp-burst-seconds",
        "How many seconds' worth of these three a client may use at once [default: 20]",
        _at_least_one,
    ),
    Option(
        "smtp-recipients-per-message",
        "Recipients of one message, further ones get 452 [default: 100]",
        _at_least_one,
    ),
    Option(
        "smtp-errors",
        "Permanent refusals after which a session is ended with 421 [default: 10]",
        _at_least_one,
    ),
    Option(
        "smtp-seconds",
        "Seconds for a command, and for the content of a message besides what its size earns it; "
        "10 under stress (RFC 5321 section 4.5.3.2) [default: 300]",
        _at_least_one,
    ),
    Option(
        "smtp-bytes-in-flight",
        "Content that all messages under way may hold, beyond that 452 [default: 268435456]",
        _bytes_up_to(64 * 1024**3),
    ),
    Option(
        "smtp-strikes",
        "Sessions ended for their errors after which a client is blocked for a while, one "
        "being forgiven every two minutes; 0 blocks nobody [default: 5]",
        _count,
    ),
    Option(
        "dns",
        "Who is asked for SPF, DKIM, DMARC and ARC: off, the system's resolvers, or the address of "
        "one, with or without :PORT [default: system]",
        _resolver,
        many=True,
    ),
    Option(
        "imap",
        "An account to fetch mail from: imaps://USER@HOST/INBOX?password_file=PATH&mailbox=ADDRESS "
        "and what else the README names",
        account,
        many=True,
    ),
    Option(
        "recipient-header",
        "An address to which a trusted forwarder sends other addresses' mail, which a header "
        "names: ADDRESS?peers=192.0.2.0/24&headers=x-original-to",
        trusted_header,
        many=True,
    ),
    Option(
        "sns-topic",
        "A topic on which Amazon SES announces mail to POST /api/v1/ses/inbound: "
        "arn:aws:sns:REGION:ACCOUNT:NAME; without one there is no such route",
        topic,
        many=True,
    ),
    Option(
        "sns-insecure",
        "on believes whoever names the topic, without a signature; for trying things out, in dev "
        "alone [default: off]",
        _on_or_off,
    ),
    Option(
        "docs",
        "on or off: whether /openapi.json and /docs/api describe the API "
        "[default: on, with --environment prod off]",
        _on_or_off,
    ),
    Option(
        "sign-up",
        "Who may make an account in a browser: open (everybody), invite (who has an invitation of "
        "the operator's) or closed (nobody) [default: open, with --environment prod closed]",
        _one_of("open", "invite", "closed"),
    ),
    Option(
        "environment",
        "dev or prod; prod makes no certificate of its own and wants a --domain [default: dev]",
        _one_of("dev", "prod"),
    ),
)
