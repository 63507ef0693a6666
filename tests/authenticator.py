"""A browser with an authenticator, in software (Web Authentication Level 3, section 6)."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import encode_cbor

_PRESENT, _VERIFIED, _NEW = 0x01, 0x04, 0x40


class Authenticator:
    """Makes one passkey, and signs with it.

    :ivar origin: of the page that asks.
    :ivar sign_count: how often it has signed; set it back for a copy of the device.
    :ivar counts: whether it counts at all.
    :ivar verified: the flag that says whether it knows who uses it; 0 where somebody found it.
    """

    def __init__(self, origin: str, *, counts: bool = True) -> None:
        self.origin = origin
        self.sign_count = 0
        self.counts = counts
        self.verified = _VERIFIED
        self.user_handle = b""
        self.credential_id = secrets.token_bytes(32)
        self._key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: Mapping[str, Any], fmt: str = "none") -> dict[str, Any]:
        """What ``navigator.credentials.create`` answers, as JSON."""
        self.user_handle = _bytes(options["user"]["id"])
        point = self._key.public_key().public_numbers()
        cose = {
            1: 2,
            3: -7,
            -1: 1,
            -2: point.x.to_bytes(32, "big"),
            -3: point.y.to_bytes(32, "big"),
        }
        attested = (
            bytes(16)
            + len(self.credential_id).to_bytes(2, "big")
            + self.credential_id
            + encode_cbor(cose)
        )
        data = self._data(options["rp"]["id"], _PRESENT | self.verified | _NEW) + attested
        return self._answer(
            clientDataJSON=_text(self._client_data("webauthn.create", options["challenge"])),
            attestationObject=_text(encode_cbor({"fmt": fmt, "attStmt": {}, "authData": data})),
        )

    def get(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """What ``navigator.credentials.get`` answers, as JSON."""
        client_data = self._client_data("webauthn.get", options["challenge"])
        data = self._data(options["rpId"], _PRESENT | self.verified)
        signed = data + hashlib.sha256(client_data).digest()
        return self._answer(
            clientDataJSON=_text(client_data),
            authenticatorData=_text(data),
            signature=_text(self._key.sign(signed, ec.ECDSA(SHA256()))),
            userHandle=_text(self.user_handle),
        )

    def _data(self, host: str, flags: int) -> bytes:
        self.sign_count += self.counts
        return (
            hashlib.sha256(host.encode()).digest()
            + bytes([flags])
            + self.sign_count.to_bytes(4, "big")
        )

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, **response: str) -> dict[str, Any]:
        identity = _text(self.credential_id)
        return {"id": identity, "rawId": identity, "type": "public-key", "response": response}


def _text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "==")
