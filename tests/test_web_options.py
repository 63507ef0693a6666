"""What an operator can say of the site that is served over HTTP."""

from __future__ import annotations

import pytest

from tempmail.model.errors import InvalidInput
from tempmail.settings import load

PROD = {"environment": "prod", "domain": ["mail.test"]}


def test_values_are_written_as_browsers_and_programs_write_them() -> None:
    settings = load(
        {
            "host": ["Mail.Test", "[2001:DB8::1]", "192.0.2.1", "bücher.test"],
            "cors-origin": ["HTTPS://App.Example", "http://localhost:3000"],
            "trusted-proxy": ["192.0.2.1", "10.0.0.0/8", "2001:db8::/32"],
        },
        {},
    )
    assert settings.host == ("mail.test", "2001:db8::1", "192.0.2.1", "xn--bcher-kva.test")
    assert settings.cors_origin == ("https://app.example", "http://localhost:3000")
    assert settings.trusted_proxy == ("192.0.2.1/32", "10.0.0.0/8", "2001:db8::/32")


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("host", "mail.test:8080"),
        ("host", "http://mail.test"),
        ("host", "*"),
        ("cors-origin", "app.example"),
        ("cors-origin", "https://app.example/"),
        ("cors-origin", "https://app.example:443"),
        ("cors-origin", "https://user@app.example"),
        ("cors-origin", "https://*.example"),
        ("cors-origin", "https://app.example:x"),
        ("cors-origin", "ftp://app.example"),
        ("cors-origin", "null"),
        ("trusted-proxy", "proxy.test"),
        ("trusted-proxy", "10.0.0.1/8"),
        ("trusted-proxy", "10.0.0.0/33"),
        ("http-connections", "0"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(option: str, text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        load({option: [text] if option != "http-connections" else text}, {})
    assert refusal.value.detail.startswith(f"--{option}: ")


def test_what_lets_everybody_in_is_for_trying_out() -> None:
    assert load({"cors-origin": ["*"]}, {}).cors_origin == ("*",)
    for loose in ({"cors-origin": ["*"]}, {"trusted-proxy": ["0.0.0.0/0"]}):
        with pytest.raises(InvalidInput, match="prod"):
            load({**PROD, **loose}, {})
