"""What a parameter may be, in words, from the type that declares it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import msgspec
from msgspec.inspect import (
    BoolType,
    DateTimeType,
    DictType,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    Metadata,
    NoneType,
    StrType,
    StructType,
    Type,
    UnionType,
    type_info,
)

_WHERE = re.compile(r"(?P<why>.*) - at `\$\.(?P<field>[^`]*)`\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]*)`\Z")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>[^`]*)`\Z")
_STEPS = re.compile(r"[^.\[\]]+|\[[^\]]*\]")
_WITHOUT_NUL = r"^[^\x00]*$"


def kinds(kind: Type) -> Iterator[Type]:
    """The types that a field may have, without what is said about them."""
    if isinstance(kind, Metadata):
        yield from kinds(kind.type)
    elif isinstance(kind, UnionType):
        for one in kind.types:
            yield from kinds(one)
    else:
        yield kind


def what_is_wrong(error: msgspec.ValidationError, shape: type[msgspec.Struct]) -> str:
    """The parameter that ``error`` is about, and what it may be."""
    text = str(error)
    allowed = _allowed(shape)
    if missing := _MISSING.match(text):
        field = missing["field"]
        return f"{field}: is missing; it is {allowed.get(field, 'required')}"
    if unknown := _UNKNOWN.match(text):
        return f"{unknown['field'][:64]}: no such parameter; there are: {', '.join(allowed)}"
    if where := _WHERE.match(text):
        return f"{where['field'][:64]}: is {_words(_at(type_info(shape), where['field']))}"
    return text


def _at(kind: Type, path: str) -> Type:
    """The type of what lies at ``path`` in a value of ``kind``."""
    for step in _STEPS.findall(path):
        for one in kinds(kind):
            match one:
                case StructType():
                    found = [each.type for each in one.fields if each.encode_name == step]
                case ListType():
                    found = [one.item_type]
                case DictType():
                    found = [one.value_type]
                case _:
                    found = []
            if found:
                kind = found[0]
                break
        else:
            break
    return kind


@cache
def _allowed(shape: type[msgspec.Struct]) -> dict[str, str]:
    info = type_info(shape)
    assert isinstance(info, StructType)
    return {field.encode_name: _words(field.type) for field in info.fields}


def _words(kind: Type) -> str:
    return " or ".join(_word(one) for one in kinds(kind) if not isinstance(one, NoneType))


def _word(kind: Type) -> str:
    match kind:
        case BoolType():
            return "true or false"
        case IntType():
            return "a whole number" + _between(kind.ge, kind.le)
        case FloatType():
            return "a number" + _between(kind.ge, kind.le)
        case LiteralType():
            return f"one of: {', '.join(map(str, kind.values))}"
        case StrType():
            return "a text" + _long(kind)
        case ListType():
            return f"a list, each {_words(kind.item_type)}"
        case DateTimeType():
            return "a time with its offset (RFC 3339), such as 2030-01-31T12:00:00Z"
    return "an object"


def _between(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f" between {least} and {most}"
    if least is not None:
        return f" of {least} or more"
    return "" if most is None else f" of {most} or less"


def _long(kind: StrType) -> str:
    if kind.max_length is None:
        length = "" if not kind.min_length else f" of {kind.min_length} characters or more"
    elif kind.min_length:
        length = f" of {kind.min_length} to {kind.max_length} characters"
    else:
        length = f" of {kind.max_length} characters at most"
    if kind.pattern == _WITHOUT_NUL:
        return f"{length} without NUL"
    return length if kind.pattern is None else f"{length} that matches {kind.pattern}"
