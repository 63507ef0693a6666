"""What an operator can choose: options, environment and file become one checked value.

The command line wins over ``TEMPMAIL_*`` variables, those over the TOML file, that over the
defaults.  A variable with ``_FILE`` behind its name is a file that holds the value: that way what
is secret stands in no list of processes.  Everything is checked here, once, before anything starts.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from tempmail.core.limits import STRIKE_FORGIVEN, ClientLimits, Rate
from tempmail.mail.refused_kinds import REFUSED_KINDS
from tempmail.model.address import Domains, domain_name
from tempmail.model.errors import InvalidInput

DEFAULT_DOMAIN = "tempmail.localhost"

_MOST_OF_A_FILE = 64 * 1024  # bytes of one option's value


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


def _bytes_up_to(most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        count = int(text)
        if not 64 * 1024 <= count <= most:
            raise ValueError(f"is between 65536 and {most}")
        return count

    return parse


def _days(text: str) -> int:
    days = int(text)
    if not 0 <= days <= 3650:
        raise ValueError("is between 0 and 3650")
    return days


def _at_least_one(text: str) -> int:
    count = int(text)
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
        "A kind of attachment that is not handed out, such as exe; may be repeated; `none` refuses "
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
        "rate-limits",
        "on or off; off lifts every limit on a single SMTP client, and blocks nobody [default: on]",
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
        "environment",
        "dev or prod; prod makes no certificate of its own and wants a --domain [default: dev]",
        _one_of("dev", "prod"),
    ),
)


@frozen
class Settings:
    """Everything that was chosen; see :data:`OPTIONS` for the meanings."""

    smtp: tuple[str, ...] = ("tcp:2525:interface=127.0.0.1",)
    http: tuple[str, ...] = ("tcp:8080:interface=127.0.0.1",)
    metrics: str | None = None
    domain: tuple[str, ...] = (DEFAULT_DOMAIN,)
    database: str | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    data_dir: Path = field(factory=lambda: _data_home(os.environ))
    hostname: str = field()
    max_message_bytes: int = 25 * 1024 * 1024
    tombstone_days: int = 30
    unknown_recipients: str = "accept"
    attachments: tuple[str, ...] = ()
    public_inboxes: bool = True
    bare_newline: str = "keep"
    rate_limits: bool = True
    smtp_connections: int = 2000
    smtp_connections_per_client: int = 400
    smtp_messages_per_minute: int = 300_000
    smtp_recipients_per_minute: int = 600_000
    smtp_bytes_per_minute: int = 12_582_912_000
    smtp_burst_seconds: int = 20
    smtp_recipients_per_message: int = 100
    smtp_errors: int = 10
    smtp_seconds: int = 300
    smtp_bytes_in_flight: int = 256 * 1024 * 1024
    smtp_strikes: int = 5
    environment: str = "dev"

    @hostname.default
    def _first_domain(self) -> str:
        return self.domain[0]

    @property
    def refused_kinds(self) -> frozenset[str]:
        """Kinds of attachments that are not handed out."""
        if not self.attachments:
            return REFUSED_KINDS
        return frozenset(self.attachments) - {"none"}

    @property
    def domains(self) -> Domains:
        return Domains(self.domain)

    @property
    def client_limits(self) -> ClientLimits:
        """Those of one SMTP client; a burst always has room for the largest message."""

        def rate(per_minute: int, least: int) -> Rate:
            return Rate(per_minute / 60, max(per_minute / 60 * self.smtp_burst_seconds, least))

        return ClientLimits(
            enforced=self.rate_limits,
            connections=self.smtp_connections,
            connections_per_client=self.smtp_connections_per_client,
            messages=rate(self.smtp_messages_per_minute, 1),
            recipients=rate(self.smtp_recipients_per_minute, self.smtp_recipients_per_message),
            octets=rate(self.smtp_bytes_per_minute, self.max_message_bytes),
            strikes=Rate(STRIKE_FORGIVEN, self.smtp_strikes),
        )


def load(
    given: Mapping[str, Any],
    environ: Mapping[str, str],
    config: Path | None = None,
    only: Collection[str] | None = None,
) -> Settings:
    """Settings from what was given on the command line, the environment and a file.

    :param given: texts, or lists of them, by option name; None for what was not given.
    :param config: a TOML file whose keys are the options' names.
    :param only: the options looked at, all where None; the others keep their defaults.
    :raises InvalidInput: naming the option, where it was set and what it should be.
    """
    file = _read(config) if config is not None else {}
    unknown = set(file) - {option.name for option in OPTIONS}
    if unknown:
        raise InvalidInput(f"{config}: unknown keys: {', '.join(sorted(unknown))}")
    chosen: dict[str, Any] = {}
    for option in OPTIONS:
        if only is not None and option.name not in only:
            continue
        for source, value in (
            (f"--{option.name}", given.get(option.name)),
            (option.variable, environ.get(option.variable)),
            (f"{option.variable}_FILE", _content(option, environ)),
            (f"{option.name} in {config}", file.get(option.name)),
        ):
            if value not in (None, "", []):
                chosen[option.attribute] = _parsed(option, source, value)
                break
    chosen.setdefault("data_dir", _data_home(environ))
    settings = Settings(**chosen)
    _check(settings)
    return settings


def _content(option: Option, environ: Mapping[str, str]) -> str | None:
    """What stands in the file that the option's ``_FILE`` variable names."""
    variable = f"{option.variable}_FILE"
    name = environ.get(variable)
    if not name:
        return None
    if environ.get(option.variable):
        raise InvalidInput(f"{option.variable} and {variable} are both set: one is enough")
    try:
        with Path(name).open("rb") as file:
            content = file.read(_MOST_OF_A_FILE + 1)
        if len(content) > _MOST_OF_A_FILE:
            raise InvalidInput(f"{variable} {name}: is longer than {_MOST_OF_A_FILE} bytes")
        return content.decode("utf-8").strip()
    except OSError as error:
        raise InvalidInput(f"{variable} {name}: {error.strerror}") from error
    except UnicodeError as error:
        raise InvalidInput(f"{variable} {name}: is not UTF-8") from error


def _read(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_text("utf-8"))
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"--config {config}: {error}") from error


def _parsed(option: Option, source: str, value: Any) -> Any:
    texts = value if isinstance(value, list) else [value]
    if option.many and isinstance(value, str):
        texts = value.split()
    try:
        values = tuple(option.parse(str(text)) for text in texts)
    except InvalidInput as error:
        raise InvalidInput(f"{source}: {error.detail}") from error
    except ValueError as error:
        raise InvalidInput(f"{source}: {value!r}: {error}") from error
    if option.many:
        return values
    if len(values) != 1:
        raise InvalidInput(f"{source} takes one value")
    return values[0]


def _check(settings: Settings) -> None:
    if settings.smtp_bytes_in_flight < settings.max_message_bytes:
        raise InvalidInput("--smtp-bytes-in-flight has room for one --max-message-bytes at least")
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise InvalidInput("--tls-cert and --tls-key go together")
    for name, path in (("--tls-cert", settings.tls_cert), ("--tls-key", settings.tls_key)):
        if path is not None and not os.access(path, os.R_OK):
            raise InvalidInput(f"{name} {path}: cannot be read")
    if settings.environment == "prod" and settings.domain == (DEFAULT_DOMAIN,):
        raise InvalidInput("--environment prod needs a --domain to receive mail for")


def _data_home(environ: Mapping[str, str]) -> Path:
    home = environ.get("XDG_DATA_HOME")
    if home:
        return Path(home) / "tempmail"
    if os.geteuid() == 0:  # root's home is closed to the account that PostgreSQL may run as
        return Path("/var/lib/tempmail")
    return Path.home() / ".local" / "share" / "tempmail"
