"""JSON Schema (2020-12) of the shapes that routes declare, and examples that keep to it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

Schema = dict[str, Any]

REF = "#/components/schemas/"

_LITERAL = re.compile(r"``")
_ROLE = re.compile(r":[a-z]+:`~?([^`]*)`")


class Schemas:
    """The schemas of shapes, each once.

    :param shapes: Structs, without those that their fields name.
    :ivar components: the schemas by name.
    """

    def __init__(self, shapes: Collection[type[msgspec.Struct]]) -> None:
        distinct = tuple(dict.fromkeys(shapes))
        references, components = msgspec.json.schema_components(
            distinct, ref_template=REF + "{name}"
        )
        self._references = dict(zip(distinct, references, strict=True))
        self.components: dict[str, Schema] = {
            name: _for_clients(schema) for name, schema in components.items()
        }

    def reference(self, shape: type[msgspec.Struct]) -> Schema:
        """What stands for the shape elsewhere in the document."""
        return self._references[shape]

    def of(self, shape: type[msgspec.Struct]) -> Schema:
        """The schema itself."""
        return self.components[self._references[shape]["$ref"].removeprefix(REF)]

    def fields(self, shape: type[msgspec.Struct]) -> Iterator[tuple[str, Schema, bool]]:
        """Name, schema and whether it is required, of each field, for where null cannot stand."""
        schema = self.of(shape)
        for name, field in schema["properties"].items():
            yield name, without_null(field), name in schema.get("required", ())

    def example(self, schema: Mapping[str, Any]) -> Any:
        """A value that ``schema`` allows, put together from the examples of its parts.

        :raises LookupError: a part that must be there has none.
        """
        if "$ref" in schema:
            return self.example(self.components[schema["$ref"].removeprefix(REF)])
        if examples := schema.get("examples"):
            return examples[0]
        if "anyOf" in schema:
            return self._of_either(schema["anyOf"])
        match schema.get("type"):
            case "object":
                return self._of_object(schema)
            case "array" if "items" in schema:
                return [self.example(schema["items"])]
        if schema.get("default") is not None:
            return schema["default"]
        raise LookupError(f"no example: {schema}")

    def _of_object(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        values = {}
        for name, field in schema.get("properties", {}).items():
            try:
                values[name] = self.example(field)
            except LookupError:
                if name in schema.get("required", ()):
                    raise
        return values

    def _of_either(self, schemas: Collection[Mapping[str, Any]]) -> Any:
        for one in schemas:
            if one.get("type") != "null":
                try:
                    return self.example(one)
                except LookupError:
                    continue
        if any(one.get("type") == "null" for one in schemas):
            return None
        raise LookupError(f"no example: {schemas}")


def without_null(schema: Schema) -> Schema:
    """``schema`` for a query, in which nothing can be null."""
    kinds = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    if rest.get("default", ...) is None:
        del rest["default"]
    if not kinds:
        return rest
    return {**kinds[0], **rest} if len(kinds) == 1 else {"anyOf": kinds, **rest}


def plain(text: str) -> str:
    """The first paragraph of a docstring, in the Markdown that OpenAPI has."""
    first = _ROLE.sub(r"`\1`", text.strip().partition("\n\n")[0])
    return _LITERAL.sub("`", " ".join(first.split()))


def _for_clients(schema: Schema) -> Schema:
    """A Struct's schema, without what only its programmers want to know."""
    shown = dict(schema)
    if "description" in shown:
        shown["description"] = plain(shown["description"])
        if not shown["description"] or shown["description"].startswith(":"):
            del shown["description"]
    if shown.get("required") == []:
        del shown["required"]
    return shown
