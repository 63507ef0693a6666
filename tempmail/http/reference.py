"""The OpenAPI document as HTML for people, who need no scripts to read it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import Any

from markupsafe import Markup, escape

from tempmail.http.curl import command
from tempmail.http.words import t

TITLE = "API reference"

_VERSION = "Version {version}; for programs as an {document}."
_CODE = re.compile(r"`([^`]+)`")
_BOUNDS = (
    ("minimum", "at least {value}"),
    ("maximum", "at most {value}"),
    ("minLength", "at least {value} characters"),
    ("maxLength", "at most {value} characters"),
    ("default", "default {value}"),
)
_AND = "{one} and {other}"
_OR = "{one} or {other}"

Part = Mapping[str, Any]


def main(document: Part) -> str:
    """The main part of a page, and the list of its operations.

    :param document: as :func:`tempmail.http.openapi.document` makes it.
    """
    return "\n".join(_Page(document).lines())


class _Page:
    def __init__(self, document: Part) -> None:
        self._document = document
        self._components = document["components"]

    def lines(self) -> Iterator[str]:
        info = self._document["info"]
        yield '<div class="docs reference"><main id="main" tabindex="-1">'
        yield f"<h1>{t(TITLE)}</h1>"
        yield from (f"<p>{_text(paragraph)}</p>" for paragraph in _paragraphs(info["description"]))
        link = Markup('<a href="/openapi.json">{}</a>').format(t("OpenAPI document"))
        yield f'<p class="muted">{t(_VERSION, version=info["version"], document=link)}</p>'
        yield from self._credentials()
        for tag in self._document["tags"]:
            yield from self._group(tag)
        yield from self._shapes()
        yield f"</main>\n<aside>{''.join(self._contents())}</aside></div>"

    def _of(self, tag: str) -> Iterator[tuple[str, str, Part]]:
        for path, methods in self._document["paths"].items():
            for method, operation in methods.items():
                if tag in operation["tags"]:
                    yield method, path, operation

    def _contents(self) -> Iterator[str]:
        yield f'<nav aria-label="{t("Operations")}">'
        for tag in self._document["tags"]:
            yield f"<h2>{escape(tag['name'])}</h2>\n<ul>"
            for method, _, operation in self._of(tag["name"]):
                link = f'<a href="#{operation["operationId"]}">{_method(method)}'
                yield f"<li>{link}{escape(operation['summary'])}</a></li>"
            yield "</ul>"
        yield "</nav>"

    def _credentials(self) -> Iterator[str]:
        yield '<section aria-labelledby="credentials">'
        yield f'<h2 id="credentials">{t("Credentials")}</h2>'
        yield '<dl class="fields">'
        for name, scheme in self._components["securitySchemes"].items():
            how = f"{scheme['in']} {scheme['name']}" if "in" in scheme else "Authorization: Bearer"
            yield f"<div><dt><code>{escape(name)}</code><span>{escape(how)}</span></dt>"
            yield f"<dd>{_text(scheme['description'])}</dd></div>"
        yield "</dl>\n</section>"

    def _group(self, tag: Part) -> Iterator[str]:
        anchor = "group-" + tag["name"].lower().replace(" ", "-")
        yield f'<section aria-labelledby="{anchor}">\n<h2 id="{anchor}">{escape(tag["name"])}</h2>'
        yield f"<p>{_text(tag['description'])}</p>"
        for method, path, operation in self._of(tag["name"]):
            yield from self._operation(method, path, operation)
        yield "</section>"

    def _operation(self, method: str, path: str, operation: Part) -> Iterator[str]:
        anchor = operation["operationId"]
        yield f'<article class="op" id="{anchor}" aria-labelledby="{anchor}-title">'
        yield f'<h3 id="{anchor}-title"><a href="#{anchor}">'
        yield f"{escape(operation['summary'])}</a></h3>"
        yield f'<p class="path">{_method(method)}<code>{escape(path)}</code></p>\n<div>'
        who = [_joined(_AND, one) or t("no credential") for one in operation["security"]]
        yield f"<h4>{t('Who may')}</h4>\n<p>{Markup(', ').join(who) or t('anybody')}</p>"
        if operation["parameters"]:
            yield f'<h4>{t("Parameters")}</h4>\n<dl class="fields">'
            for one in operation["parameters"]:
                field = {**one["schema"], "description": one.get("description", "")}
                yield from self._field(one["name"], field, one["in"], required=one["required"])
            yield "</dl>"
        if "requestBody" in operation:
            schema = self._resolved(operation["requestBody"]["content"]["application/json"])
            yield f"<h4>{t('Body, as JSON')}</h4>"
            yield from self._fields(schema)
        yield from self._refusals(operation)
        yield f"</div>\n<div>\n<h4>{t('Try it')}</h4>"
        yield _block(command(method, path, operation))
        for status, answer in operation["responses"].items():
            if "$ref" not in answer:
                yield from self._answer(status, answer)
        yield "</div>\n</article>"

    def _answer(self, status: str, answer: Part) -> Iterator[str]:
        what = _text(answer["description"])
        yield f"<h4>{t('Answer {status}: {what}', status=status, what=what)}</h4>"
        for name, header in answer.get("headers", {}).items():
            yield f"<p><code>{escape(name)}</code>: {_text(header['description'])}</p>"
        for media_type, content in answer.get("content", {}).items():
            shapes = _joined(_OR, map(_shape, _referred(content["schema"])))
            yield f"<p>{shapes or _code(media_type)}</p>"
            if "example" in content:
                yield _block(json.dumps(content["example"], indent=2, ensure_ascii=False))

    def _refusals(self, operation: Part) -> Iterator[str]:
        yield f'<h4>{t("Refusals")}</h4>\n<dl class="fields">'
        for status, answer in operation["responses"].items():
            if "$ref" in answer:
                refusal = self._components["responses"][answer["$ref"].rpartition("/")[2]]
                yield f"<div><dt><code>{status}</code></dt>"
                yield f"<dd>{_text(refusal['description'])}</dd></div>"
        yield "</dl>"

    def _shapes(self) -> Iterator[str]:
        yield f'<section aria-labelledby="shapes">\n<h2 id="shapes">{t("Shapes")}</h2>'
        for name, schema in self._components["schemas"].items():
            yield f'<div class="shape" id="shape-{name}">\n<h3>{name}</h3>'
            yield f"<p>{_text(schema.get('description', ''))}</p>"
            yield from self._fields(schema)
            yield "</div>"
        yield "</section>"

    def _fields(self, schema: Part) -> Iterator[str]:
        yield '<dl class="fields">'
        for name, field in schema.get("properties", {}).items():
            yield from self._field(name, field, "", required=name in schema.get("required", ()))
        yield "</dl>"

    def _field(self, name: str, schema: Part, where: str, *, required: bool) -> Iterator[str]:
        inner: Part = next((s for s in schema.get("anyOf", ()) if s.get("type") != "null"), {})
        schema = {**inner, **schema}
        words = [where] * bool(where) + [_kind(schema), *_bounds(schema)]
        mark = f"<b>{t('required')}</b>" if required and where != "path" else ""
        yield f"<div><dt><code>{escape(name)}</code>{mark}"
        yield f"<span>{', '.join(words)}</span></dt>"
        yield f"<dd>{_text(schema.get('description', ''))}</dd></div>"

    def _resolved(self, content: Part) -> Part:
        name = next(_referred(content["schema"]))
        schema: Part = self._components["schemas"][name]
        return schema


def _referred(schema: Part) -> Iterator[str]:
    """The names of the shapes that ``schema`` stands for."""
    if "$ref" in schema:
        yield schema["$ref"].rpartition("/")[2]
    for one in schema.get("anyOf", ()):
        yield from _referred(one)


def _kind(schema: Part) -> Markup:
    """A field's type."""
    if names := [*_referred(schema)]:
        kind = _joined(_OR, map(_shape, names))
    elif schema.get("type") == "array":
        kind = t("list of {kind}", kind=_kind(schema.get("items", {})))
    elif "enum" in schema:
        kind = _joined(_OR, map(_code, schema["enum"]))
    else:
        kind = escape(schema.get("format") or schema.get("type") or t("any"))
    if any(one.get("type") == "null" for one in schema.get("anyOf", ())):
        return t("{kind} or null", kind=kind)
    return kind


def _bounds(schema: Part) -> Iterator[Markup]:
    for name, words in _BOUNDS:
        if schema.get(name) is not None:
            yield t(words, value=json.dumps(schema[name]))


def _joined(words: str, parts: Iterable[str]) -> Markup:
    """Several as one, nothing where there are none.

    :param words: how two of them are joined.
    """
    shown = [escape(one) for one in parts]
    return reduce(lambda one, other: t(words, one=one, other=other), shown) if shown else Markup()


def _shape(name: str) -> Markup:
    return Markup('<a href="#shape-{0}">{0}</a>').format(name)


def _code(text: object) -> Markup:
    return Markup("<code>{}</code>").format(text)


def _method(method: str) -> str:
    return f'<b class="m {method}">{method.upper()}</b>'


def _block(text: str) -> str:
    """What may be too wide to show; so that it scrolls by keys as well."""
    return f'<pre tabindex="0">{escape(text)}</pre>'


def _text(text: str) -> Markup:
    """As HTML; what stands between backticks is code."""
    parts = enumerate(_CODE.split(text))
    return Markup().join(_code(part) if marked % 2 else part for marked, part in parts)


def _paragraphs(text: str) -> Iterable[str]:
    return text.strip().split("\n\n")
