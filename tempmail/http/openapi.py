"""The OpenAPI 3.1 document, out of what the routes declare."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from tempmail.http.described import Names
from tempmail.http.problems import CONTENT_TYPE, ProblemDocument
from tempmail.http.refusals import Refusal, refusals
from tempmail.http.routes import Access, Returns, Route
from tempmail.http.schemas import Schemas

Document = dict[str, Any]

_ABOUT = """\
Mailboxes that disappear, and the mail in them the moment it arrives.

All JSON, in UTF-8; times are RFC 3339 in UTC.  Unknown parameters are refused.  Every refusal is a
problem document (RFC 9457) with a stable `code`; besides those named with each operation, any
request can be answered 405 `method_not_allowed`, 408 `too_slow`, 421 `unknown_host` or 431
`head_too_large`.

Where requests are limited, every answer says how many are left: `RateLimit-Limit` a minute,
`RateLimit-Remaining`, and `RateLimit-Reset`, the seconds until all of them are there again.

A further field in an answer or a further `code` is no change of the interface.
"""
_TAGS = (
    (
        "Mailboxes",
        r"^/api/v1/mailboxes(/[^/]+(/deliveries)?)?$",
        "Make, prolong and end mailboxes.",
    ),
    ("Live", r"/wait$|/events$|^/ws/|/tickets$", "Hear of a message the moment it is committed."),
    ("Messages", r"^/api/v1/mailboxes/|^/m/", "Read what has arrived, and remove it."),
    ("Accounts", r"^/api/v1/(?!ses/)", "Users, their keys and what they may have."),
    (
        "Other dialects",
        r"^/api/|^/generate|^/inbox",
        "Interfaces of other services: public mailboxes, which everybody reads.",
    ),
    ("Edges", r"/inbound$|^/mcp", "For machines: mail from a provider, tools of an agent."),
    ("Service", r"", "How the service is, and what it offers."),
)
_SCHEMES: Mapping[str, Mapping[str, str]] = {
    "session_token": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token that making a mailbox gave; opens that mailbox.",
    },
    "session_token_header": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Session-Token",
        "description": "The same, where `Authorization` is taken.",
    },
    "api_key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "uct_...",
        "description": "An API key; opens every mailbox of its user, as far as its scope goes.",
    },
    "signed_in": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-session",
        "description": "A browser in which somebody has signed in, from our own pages.",
    },
}
_IN_QUERY = {
    "token": "The session token, for browsers that can set no header there.",
    "api_key": "An API key, for browsers that can set no header there.",
    "ticket": "What `POST /api/v1/tickets` gave: good once, within 30 seconds.",
}
_NAME = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")


def document(routes: Sequence[Route], version: str) -> Document:
    """The OpenAPI document of ``routes``.

    :param version: ours.
    """
    return _Writer(routes).document(version)


def tag_of(path: str) -> str:
    """What the operations of a path are listed under."""
    return next(name for name, pattern, _ in _TAGS if re.search(pattern, path))


class _Writer:
    """:param routes: in the order in which they are shown."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._schemas = Schemas([ProblemDocument, Names, *_shapes(routes)])
        self._names = {name: schema for name, schema, _ in self._schemas.fields(Names)}
        self._responses: dict[str, Document] = {}

    def document(self, version: str) -> Document:
        paths: dict[str, Document] = {}
        for route in self._routes:
            path = _NAME.sub(r"{\1}", route.path)
            paths.setdefault(path, {})[route.method.lower()] = self._operation(route)
        used = {tag_of(route.path) for route in self._routes}
        components = dict(sorted(self._schemas.components.items()))
        del components[Names.__name__]  # its fields stand where they are used
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "tempmail",
                "version": version,
                "description": _ABOUT,
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": "/", "description": "This one"}],
            "tags": [{"name": n, "description": d} for n, _, d in _TAGS if n in used],
            "paths": paths,
            "components": {
                "schemas": components,
                "responses": dict(sorted(self._responses.items())),
                "securitySchemes": {
                    **_SCHEMES,
                    **{
                        f"{name}_in_query": {
                            "type": "apiKey",
                            "in": "query",
                            "name": name,
                            "description": description,
                        }
                        for name, description in _IN_QUERY.items()
                    },
                },
            },
        }

    def _operation(self, route: Route) -> Document:
        operation: Document = {
            "operationId": route.name or _fallback_name(route),
            "summary": route.summary,
            "tags": [tag_of(route.path)],
            "security": _security(route),
            "parameters": [*self._in_path(route), *self._in_query(route)],
        }
        if route.body is not None:
            operation["requestBody"] = {
                "required": bool(self._schemas.of(route.body).get("required")),
                "content": {"application/json": self._content([route.body])},
            }
        operation["responses"] = {
            **{str(status): self._answer(one) for status, one in route.returns.items()},
            **{str(one.status): self._refused(one) for one in refusals(route)},
        }
        if HTTPStatus.SWITCHING_PROTOCOLS in route.returns:
            operation["x-websocket"] = True
        return operation

    def _in_path(self, route: Route) -> Iterator[Document]:
        for name in _NAME.findall(route.path):
            yield self._parameter(name, "path", self._names[name], required=True)

    def _in_query(self, route: Route) -> Iterator[Document]:
        if route.query is None:
            return
        for name, schema, required in self._schemas.fields(route.query):
            if not (route.credential_in_query and name in _IN_QUERY):
                yield self._parameter(name, "query", schema, required=required)

    def _parameter(
        self, name: str, where: str, schema: Mapping[str, Any], *, required: bool
    ) -> Document:
        schema = dict(schema)
        parameter = {"name": name, "in": where, "required": required}
        if description := schema.pop("description", None):
            parameter["description"] = description
        if examples := schema.pop("examples", None):
            parameter["example"] = examples[0]
        return {**parameter, "schema": schema}

    def _content(self, shapes: Sequence[type[msgspec.Struct]]) -> Document:
        references = [self._schemas.reference(shape) for shape in shapes]
        schema = references[0] if len(references) == 1 else {"anyOf": references}
        return {"schema": schema, "example": self._schemas.example(references[0])}

    def _answer(self, returns: Returns) -> Document:
        answer: Document = {"description": returns.description}
        if returns.headers:
            answer["headers"] = _headers(returns.headers.items())
        if returns.shape is not None:
            shapes = (returns.shape, *returns.or_else)
            answer["content"] = {"application/json": self._content(shapes)}
        elif returns.media_type is not None:
            answer["content"] = {returns.media_type: {"schema": {}}}
        return answer

    def _refused(self, refusal: Refusal) -> Document:
        name = f"{refusal.status}_{'_or_'.join(refusal.codes)}"
        if name not in self._responses:
            self._responses[name] = {
                "description": f"{refusal.description}: "
                + ", ".join(f"`{code}`" for code in refusal.codes),
                **({"headers": _headers(refusal.headers)} if refusal.headers else {}),
                "content": {CONTENT_TYPE: self._problem(refusal)},
            }
        return {"$ref": f"#/components/responses/{name}"}

    def _problem(self, refusal: Refusal) -> Document:
        narrowed = {"status": {"const": refusal.status}, "code": {"enum": list(refusal.codes)}}
        return {
            "schema": {
                "allOf": [self._schemas.reference(ProblemDocument), {"properties": narrowed}]
            },
            "example": {
                "type": "about:blank",
                "title": HTTPStatus(refusal.status).phrase,
                "status": refusal.status,
                "detail": refusal.description,
                "code": refusal.codes[0],
            },
        }


def _shapes(routes: Iterable[Route]) -> Iterator[type[msgspec.Struct]]:
    for route in routes:
        yield from (one for one in (route.query, route.body) if one is not None)
        for returns in route.returns.values():
            if returns.shape is not None:
                yield from (returns.shape, *returns.or_else)


def _headers(headers: Iterable[tuple[str, str]]) -> Document:
    return {
        name: {"description": description, "schema": {"type": "string"}}
        for name, description in headers
    }


def _security(route: Route) -> list[dict[str, list[str]]]:
    """What opens the route: any one of these."""
    match route.access:
        case Access.ANYBODY:
            return []
        case Access.ACCOUNT:
            names = ["api_key", "signed_in"]
        case Access.OPTIONAL:
            return [{}, {"api_key": []}, {"signed_in": []}]
        case _:
            names = [*_SCHEMES]
    if route.credential_in_query and route.query is not None:
        fields = route.query.__struct_encode_fields__
        names += [f"{name}_in_query" for name in _IN_QUERY if name in fields]
    return [{name: []} for name in names]


def _fallback_name(route: Route) -> str:
    """Stays as long as the method and the path."""
    words = [route.method.lower(), *re.findall(r"[a-z0-9]+", route.path.lower())]
    return "_".join(word for word in words if word not in ("api", "v1"))
