"""JSON Schema (2020-12) of the tools' shapes, as plain as models and their clients like it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tempmail.http.schemas import REF, Schema, Schemas, without_null

_LARGEST = 2**53 - 1
"""That JavaScript's numbers hold exactly."""


def asked_schema(shape: type[msgspec.Struct]) -> Schema:
    """Of arguments: what may be left out is not said to be null as well."""
    schema = answered_schema(shape)
    fields = {name: _of_argument(field) for name, field in schema["properties"].items()}
    return {**schema, "properties": fields}


def answered_schema(shape: type[msgspec.Struct]) -> Schema:
    """Of what is found, in one piece: not all clients follow references."""
    schemas = Schemas([shape])
    schema: Schema = _in_one_piece(schemas.of(shape), schemas.components)
    schema.pop("description", None)  # the tool has one
    return schema


def _of_argument(schema: Schema) -> Schema:
    shown = without_null(schema)
    if "enum" in shown:
        shown.setdefault("type", "string")  # some clients want one everywhere
    if shown.get("maximum", 0) > _LARGEST:
        del shown["maximum"]
    return shown


def _in_one_piece(schema: Any, components: Mapping[str, Schema]) -> Any:
    if isinstance(schema, list):
        return [_in_one_piece(one, components) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _in_one_piece(components[schema["$ref"].removeprefix(REF)], components)
    return {
        name: _in_one_piece(one, components)
        for name, one in schema.items()
        if name != "title" or not isinstance(one, str)
    }
