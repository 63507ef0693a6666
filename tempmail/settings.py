"""What an operator can choose: options, environment and file become one checked value.

The command line wins over ``TEMPMAIL_*`` variables, those over the TOML file, that over the
defaults.  A variable with ``_FILE`` behind its name is a file that holds the value: that way what
is secret stands in no list of processes.  Everything is checked here, once, before anything starts.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from tempmail.bus.redis_url import RedisUrl
from tempmail.core.forwarding import TrustedHeader, check_trusted
from tempmail.core.limits import STRIKE_FORGIVEN, ClientLimits, Rate
from tempmail.imap.account import Account, check_accounts
from tempmail.mail.refused_kinds import REFUSED_KINDS
from tempmail.model.address import Domains
from tempmail.model.errors import InvalidInput
from tempmail.options import DEFAULT_DOMAIN, OPTIONS, Option
from tempmail.ses.topics import Topic
from tempmail.web_options import check_web

_MOST_OF_A_FILE = 64 * 1024  # bytes of one option's value


@frozen
class Settings:
    """Everything that was chosen; see :data:`OPTIONS` for the meanings."""

    smtp: tuple[str, ...] = ("tcp:2525:interface=127.0.0.1",)
    http: tuple[str, ...] = ("tcp:8080:interface=127.0.0.1",)
    metrics: str | None = None
    domain: tuple[str, ...] = (DEFAULT_DOMAIN,)
    database: str | None = None
    redis: RedisUrl | None = None
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
    host: tuple[str, ...] = ()
    cors_origin: tuple[str, ...] = ()
    trusted_proxy: tuple[str, ...] = ()
    http_connections: int = 10_000
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
    dns: tuple[str, ...] = ("system",)
    imap: tuple[Account, ...] = ()
    recipient_header: tuple[TrustedHeader, ...] = ()
    sns_topic: tuple[Topic, ...] = ()
    sns_insecure: bool = False
    docs: bool | None = None
    sign_up: str | None = None
    environment: str = "dev"

    @hostname.default
    def _first_domain(self) -> str:
        return self.domain[0]

    @property
    def shows_docs(self) -> bool:
        """Whether the API is described to whoever asks."""
        return self.environment != "prod" if self.docs is None else self.docs

    @property
    def signs_up(self) -> str:
        """Who may make an account."""
        return self.sign_up or ("open" if self.environment == "dev" else "closed")

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
    choices = choose(given, environ, config, only)
    chosen = {one.option.attribute: one.value for one in choices if one.source}
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


@frozen
class Choice:
    """What became of one option.

    :ivar value: parsed; None where nobody chose.
    :ivar source: where that was said, ``--name`` or a variable or a file; empty where nobody did.
    """

    option: Option
    value: Any
    source: str


def choose(
    given: Mapping[str, Any],
    environ: Mapping[str, str],
    config: Path | None = None,
    only: Collection[str] | None = None,
) -> list[Choice]:
    """What was chosen for each option, as :func:`load` takes it.

    :raises InvalidInput: naming the option, where it was set and what it should be.
    """
    file = _read(config) if config is not None else {}
    unknown = set(file) - {option.name for option in OPTIONS}
    if unknown:
        raise InvalidInput(f"{config}: unknown keys: {', '.join(sorted(unknown))}")
    choices = []
    for option in OPTIONS:
        if only is not None and option.name not in only:
            continue
        choice = Choice(option, None, "")
        for source, value in (
            (f"--{option.name}", given.get(option.name)),
            (option.variable, environ.get(option.variable)),
            (f"{option.variable}_FILE", _content(option, environ)),
            (f"{option.name} in {config}", file.get(option.name)),
        ):
            if value not in (None, "", []):
                choice = Choice(option, _parsed(option, source, value), source)
                break
        choices.append(choice)
    return choices


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
        several = "; several are separated by spaces" if option.many and "," in str(value) else ""
        raise InvalidInput(f"{source}: {error.detail}{several}") from error
    except ValueError as error:
        shown = " ".join(map(str, texts))
        raise InvalidInput(f"{source}: {shown!r} {error}") from error
    if option.many:
        return values
    if len(values) != 1:
        raise InvalidInput(f"{source} takes one value")
    return values[0]


def _check(settings: Settings) -> None:
    check_trusted(settings.recipient_header, settings.domains)
    strict = settings.environment == "prod"
    check_accounts(settings.imap, settings.domains, os.environ, strict=strict)
    if strict and settings.sns_insecure:
        raise InvalidInput("--sns-insecure is not for --environment prod")
    if len(settings.dns) > 1 and not {"off", "system"}.isdisjoint(settings.dns):
        raise InvalidInput("--dns off and --dns system stand alone")
    check_web(settings.cors_origin, settings.trusted_proxy, settings.environment)
    if settings.smtp_bytes_in_flight < settings.max_message_bytes:
        raise InvalidInput("--smtp-bytes-in-flight has room for one --max-message-bytes at least")
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise InvalidInput("--tls-cert and --tls-key go together")
    for name, path in (("--tls-cert", settings.tls_cert), ("--tls-key", settings.tls_key)):
        if path is not None and not os.access(path, os.R_OK):
            raise InvalidInput(f"{name} {path}: cannot be read")
    if settings.environment == "prod" and settings.domain == (DEFAULT_DOMAIN,):
        raise InvalidInput("--environment prod needs a --domain to receive mail for")
    if settings.environment == "prod" and settings.redis is not None and settings.redis.is_exposed:
        raise InvalidInput("--environment prod wants a password for a --redis on another machine")


def _data_home(environ: Mapping[str, str]) -> Path:
    home = environ.get("XDG_DATA_HOME")
    if home:
        return Path(home) / "tempmail"
    if os.geteuid() == 0:  # root's home is closed to the account that PostgreSQL may run as
        return Path("/var/lib/tempmail")
    return Path.home() / ".local" / "share" / "tempmail"
