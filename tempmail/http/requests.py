"""What clients send, checked against the shape that a route declares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec.inspect import (
    BoolType,
    Field,
    LiteralType,
    StrType,
    StructType,
    Type,
    type_info,
)
from twisted.web.server import Request

from tempmail.http.allowed import kinds, what_is_wrong
from tempmail.http.problems import Problem, Refused
from tempmail.model.errors import InvalidInput

_Shape = TypeVar("_Shape", bound=msgspec.Struct)

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})\Z")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,18})\.[0-9]{1,18}\Z")

_NOT_JSON = Problem(415, "unsupported_media_type", "send the body as application/json")
_JSON = b"application/json"
_UNSAID = b"application/x-www-form-urlencoded"
"""What curl and urllib say of a body when nobody told them what it is."""


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """For routes that take no parameters."""


def parameters(
    request: Request, *, query: type[_Shape] | None = None, body: type[_Shape] | None = None
) -> _Shape:
    """The parameters of ``request``, each from where it may stand.

    :param query: their shape in the query string, where they may stand there.
    :param body: their shape in a JSON body; the same as ``query`` where both may hold them.
    :raises InvalidInput: for an unknown, doubled, missing or wrong parameter, by its name.
    :raises Refused: for a body that is not JSON.
    """
    shape = query or body
    assert shape is not None
    given = _query(request, query or Nothing)
    if body is not None:
        sent = _body(request)
        if doubled := sorted(given.keys() & sent.keys()):
            raise InvalidInput(f"{doubled[0]}: given in the query and in the body; give it once")
        given |= sent
    return _checked(given, shape)


def _query(request: Request, shape: type[msgspec.Struct]) -> dict[str, Any]:
    """The query's values: numbers and booleans as such, where the shape has no text there.

    What may be left out is left out as well by an empty value, which is how HTTP clients write that
    there is none.
    """
    values: dict[str, Any] = {}
    for name, text in query_pairs(request):
        if name in values:
            raise InvalidInput(f"{name[:64]}: given more than once")
        values[name] = text
    if shape.__struct_config__.forbid_unknown_fields:
        _checked_names(values, shape)
    for name in [name for name, text in values.items() if not text and name in _optional(shape)]:
        del values[name]
    for name in values.keys() - _fields(shape, StrType, LiteralType):
        values[name] = _literal(values[name])
    for name in values.keys() & _fields(shape, BoolType):
        values[name] = {0: False, 1: True}.get(values[name], values[name])
    return values


def query_pairs(request: Request) -> list[tuple[str, str]]:
    """Names and values of the query, in order.

    Not ``request.args``: Twisted takes a semicolon for a separator, and leaves out what has no
    equals sign.

    :raises InvalidInput: it is not UTF-8, or has too many parts.
    """
    query = request.uri.partition(b"?")[2]
    try:
        return parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50
        )
    except UnicodeError:
        raise InvalidInput("the query is not UTF-8") from None
    except ValueError:
        raise InvalidInput("the query has too many parts") from None


def _literal(text: str) -> float | bool | str:
    if _INTEGER.match(text):
        return int(text)
    if _DECIMAL.match(text):
        return float(text)
    return {"true": True, "false": False}.get(text.lower(), text)


@cache
def _fields(shape: type[msgspec.Struct], *wanted: type[Type]) -> frozenset[str]:
    """The names of those fields that may have a value of a wanted type."""
    return frozenset(
        field.encode_name
        for field in _declared(shape)
        if any(isinstance(kind, wanted) for kind in kinds(field.type))
    )


@cache
def _optional(shape: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(field.encode_name for field in _declared(shape) if not field.required)


def _declared(shape: type[msgspec.Struct]) -> tuple[Field, ...]:
    info = type_info(shape)
    assert isinstance(info, StructType)
    return info.fields


def _checked_names(values: Mapping[str, Any], shape: type[msgspec.Struct]) -> None:
    for name in values.keys() - set(shape.__struct_encode_fields__):
        known = ", ".join(shape.__struct_encode_fields__) or "none"
        raise InvalidInput(f"{name[:64]}: no such parameter; those in the query are: {known}")


def sent_json(request: Request, *, unsaid: bool = False) -> bytes:
    """The body of ``request``, which may be empty.

    :param unsaid: whether an object counts as JSON as well where the client did not choose what to
        say of it.
    :raises Refused: it is said to be something else than JSON.
    """
    content = request.content
    raw = content.read() if content is not None else b""
    if not raw:
        return raw
    headers = request.requestHeaders
    taken = (_JSON, _UNSAID) if unsaid and raw.lstrip()[:1] == b"{" else (_JSON,)
    for media_type in headers.getRawHeaders(b"Content-Type", ()):
        if media_type.partition(b";")[0].strip().lower() not in taken:
            raise Refused(_NOT_JSON)
    if any(c.lower() != b"identity" for c in headers.getRawHeaders(b"Content-Encoding", ())):
        raise Refused(_NOT_JSON)
    return raw


def _body(request: Request) -> dict[str, Any]:
    raw = sent_json(request, unsaid=True)
    if not raw:
        return {}
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.ValidationError:
        raise InvalidInput("the body: is a JSON object") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(Problem(400, "malformed_json", f"the body is not JSON: {error}")) from None


def _checked(values: Mapping[str, Any], shape: type[_Shape]) -> _Shape:
    try:
        return msgspec.convert(values, shape)
    except msgspec.ValidationError as error:
        raise InvalidInput(what_is_wrong(error, shape)) from None
