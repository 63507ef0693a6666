"""What an operator can say of the site that is served over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from tempmail.model.address import domain_name
from tempmail.model.errors import InvalidInput


def host_name(text: str) -> str:
    """A name or an IP address, without a port."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return str(ip_address(bare))
    except ValueError:
        return domain_name(text)


def cors_origin(text: str) -> str:
    """An origin as browsers write it (RFC 6454 section 6.2), or ``*``."""
    if text == "*":
        return text
    parts = urlsplit(text.lower())
    written = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in ("http", "https") or not parts.hostname or text.lower() != written:
        raise ValueError("is an origin such as https://app.example, without a path")
    host_name(parts.hostname)
    default = {"http": 80, "https": 443}[parts.scheme]
    if "@" in parts.netloc or parts.port == default:
        raise ValueError("is an origin as browsers write it, without the scheme's own port")
    return written


def proxy_network(text: str) -> str:
    """A network as CIDR, or one address."""
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise ValueError(f"is an address or a network such as 192.0.2.0/24: {error}") from None


def check_web(origins: Sequence[str], proxies: Sequence[str], environment: str) -> None:
    """:raises InvalidInput: where what is chosen is right for trying things out alone."""
    if environment != "prod":
        return
    if "*" in origins:
        raise InvalidInput("--cors-origin * is not for --environment prod: name the origins")
    if any(ip_network(one).prefixlen == 0 for one in proxies):
        raise InvalidInput("--trusted-proxy of every address is not for --environment prod")
