"""What is said to browsers and their authenticators, and what of their answers holds.

Web Authentication Level 3: sections 7.1 (registering) and 7.2 (signing in).  No attestation is
asked for: whose make an authenticator is does not matter here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import frozen
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    options_to_json_dict,
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_cbor,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from tempmail.core.plain_cbor import NotPlain, check_authenticator_data, check_plain
from tempmail.model.credentials import Enrolment, KnownPasskey, NewPasskey

Credential = Mapping[str, Any]
"""What ``PublicKeyCredential.toJSON()`` gives."""

_MILLISECONDS = 5 * 60 * 1000
_ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,  # Windows Hello knows no other
]
# Bytes in base64; some times as many as browsers send.
_MOST = {
    "clientDataJSON": 4096,
    "attestationObject": 8192,
    "authenticatorData": 4096,
    "signature": 2048,
    "userHandle": 128,
}
_MOST_ID = 1023
_MOST_KEY = 2048


class Refuted(Exception):
    """An answer that does not hold; why, without a secret."""


@frozen
class Place:
    """Where a ceremony takes place.

    :ivar host: the name of the site, for which passkeys are made.
    :ivar origins: from which its pages come.
    """

    host: str
    origins: tuple[str, ...]


def creation_options(place: Place, challenge: bytes, whose: Enrolment) -> dict[str, Any]:
    """What ``PublicKeyCredential.parseCreationOptionsFromJSON`` takes."""
    options = generate_registration_options(
        rp_id=place.host,
        rp_name=place.host,
        user_id=whose.handle,
        user_name=whose.name,
        challenge=challenge,
        timeout=_MILLISECONDS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,  # nobody types a name to sign in
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in whose.known],
        supported_pub_key_algs=_ALGORITHMS,
    )
    return options_to_json_dict(options)


def request_options(place: Place, challenge: bytes) -> dict[str, Any]:
    """What ``PublicKeyCredential.parseRequestOptionsFromJSON`` takes."""
    return options_to_json_dict(
        generate_authentication_options(
            rp_id=place.host,
            challenge=challenge,
            timeout=_MILLISECONDS,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def challenge_in(credential: Credential) -> bytes:
    """The challenge that an answer is to; whether it is one of ours is for others to say.

    :raises Refuted: it says none.
    """
    _check_sizes(credential)
    try:
        data = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        return base64url_to_bytes(data["challenge"])
    except Exception as error:
        raise Refuted("no client data") from error


def registered(place: Place, challenge: bytes, credential: Credential, name: str) -> NewPasskey:
    """The passkey that an authenticator made for us.

    :param name: what it is to be called.
    :raises Refuted: the answer does not hold.
    """
    _check_sizes(credential)
    try:
        parsed = parse_registration_credential_json(dict(credential))
        _check_attestation(parsed.response.attestation_object)
        stated = parse_attestation_object(parsed.response.attestation_object).fmt
        if stated not in (AttestationFormat.NONE, AttestationFormat.PACKED):
            raise Refuted("an attestation that was not asked for")
        made = verify_registration_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=place.host,
            expected_origin=list(place.origins),
            supported_pub_key_algs=_ALGORITHMS,
            require_user_verification=True,  # whoever finds the device must not be let in
        )
    except Refuted:
        raise
    except Exception as error:  # a stranger's bytes, in a parser that was not written for them
        raise Refuted(str(error)) from error
    if len(made.credential_id) > _MOST_ID or len(made.credential_public_key) > _MOST_KEY:
        raise Refuted("its id or its key is too long")
    return NewPasskey(made.credential_id, made.credential_public_key, made.sign_count, name)


def credential_id(credential: Credential) -> bytes:
    """Which passkey answers.

    :raises Refuted: it does not say.
    """
    try:
        return base64url_to_bytes(credential["id"])[: _MOST_ID + 1]
    except Exception as error:
        raise Refuted("no credential id") from error


def asserted(place: Place, challenge: bytes, credential: Credential, passkey: KnownPasskey) -> int:
    """How often ``passkey`` has signed, this time included, as it says.

    Whether that is more than before is for the caller to find out.

    :raises Refuted: the answer does not hold.
    """
    _check_sizes(credential)
    try:
        parsed = parse_authentication_credential_json(dict(credential))
        if parsed.response.user_handle != passkey.user_handle:
            raise Refuted("another user's handle")
        check_authenticator_data(parsed.response.authenticator_data)
        return verify_authentication_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=place.host,
            expected_origin=list(place.origins),
            credential_public_key=passkey.public_key,
            require_user_verification=True,
            credential_current_sign_count=0,  # compared where it is stored, in one step
        ).new_sign_count
    except Refuted:
        raise
    except Exception as error:
        raise Refuted(str(error)) from error


def _check_attestation(data: bytes) -> None:
    """:raises NotPlain: it has what a decoder must not see."""
    if check_plain(data) != len(data):
        raise NotPlain("something stands behind it")
    check_authenticator_data(parse_cbor(data)["authData"])


def _check_sizes(credential: Credential) -> None:
    response = credential.get("response")
    if not isinstance(response, dict):
        raise Refuted("no response")
    for name, most in _MOST.items():
        value = response.get(name)
        if value is not None and not (isinstance(value, str) and len(value) <= most):
            raise Refuted(f"{name} is too long, or no text")
