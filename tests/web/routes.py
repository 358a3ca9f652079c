"""Every route there is, and every place where a caller can name an object: read from the application itself, by machine.

A place is found by the description of the API: an id in a path, in a query, or anywhere inside a body.
"""

from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from warranty.web import guards

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.routing import Rule
    from werkzeug.test import TestResponse

    from warranty.models import User

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an endpoint takes an id: the field of its query, or the path to it in its body (`[]`: in a list)."""

    rule: Rule
    method: str
    is_query: bool
    path: Path

    @property
    def dotted(self) -> str:
        """The path in one word."""
        return ".".join(self.path)

    @property
    def name(self) -> str:
        """What the field is called."""
        return next(part for part in reversed(self.path) if part != "[]")

    def __str__(self) -> str:
        return f"{self.rule.endpoint}: {'?' if self.is_query else ''}{self.dotted}"


def rules(app: Flask) -> list[tuple[Rule, str]]:
    """Every route but the public ones, with each of its methods."""
    return [
        (rule, method)
        for rule in app.url_map.iter_rules()
        if not guards.access_of(app, rule.endpoint).reason
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def is_api(rule: Rule) -> bool:
    """Whether programs ask it, with a token, and not people, with a cookie."""
    return rule.rule.startswith("/api/")


def pages(app: Flask) -> list[Rule]:
    """Every page of the staff that a person opens."""
    return [rule for rule, method in rules(app) if method == "GET" and rule.endpoint.startswith("staff.")]


ASKED = {"staff.saved_view_new": "?page=cases", "staff.asset_together": "?all=yes"}
"""What is asked of a page that shows nothing by itself."""


def address(rule: Rule, object_id: object) -> str:
    """The route's address, about this object; another system's name in it is one that anybody knows."""
    path = re.sub(r"<uuid:\w+>", str(object_id), rule.rule)
    path = path.replace("<string:system>/<path:external_id>", "psa/4711")
    assert "<" not in path, f"{rule.rule}: an object is named by its public id"
    return path


class Description:
    """The description of the API, asked for what an endpoint takes."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._document: dict[str, Any] = json.loads(app.extensions["api-document"])

    @cached_property
    def places(self) -> list[Place]:
        """Every place in a query or a body where an id is taken; but not `cursor`, of which every list has one."""
        found = []
        for rule, method in rules(self._app):
            queried = [
                (parameter["name"],)
                for parameter in self._operation(rule, method).get("parameters", ())
                if parameter["in"] == "query" and _is_id(parameter["schema"]) and parameter["name"] != "cursor"
            ]
            found += [Place(rule, method, is_query=True, path=path) for path in queried]
            sent = [path for schema in self._bodies(rule, method) for path in self._ids(schema)]
            found += [Place(rule, method, is_query=False, path=path) for path in sent]
        return found

    def texts(self) -> list[tuple[Rule, str]]:
        """Every field of a query that takes any text, of a route that reads."""
        return [
            (rule, parameter["name"])
            for rule, method in rules(self._app)
            for parameter in self._operation(rule, method).get("parameters", ())
            if method == "GET" and parameter["in"] == "query" and _is_any_text(parameter["schema"])
        ]

    def lists(self) -> list[Rule]:
        """Every list that is read page by page."""
        return [
            rule
            for rule, method in rules(self._app)
            if any(parameter["name"] == "cursor" for parameter in self._operation(rule, method).get("parameters", ()))
        ]

    def example(self, rule: Rule, method: str) -> dict[str, Any]:
        """The example of an endpoint's body; empty where it takes none, or one that is no JSON."""
        content = self._operation(rule, method).get("requestBody", {}).get("content", {})
        given: dict[str, Any] = content.get("application/json", {}).get("example", {})
        return deepcopy(given)

    def _operation(self, rule: Rule, method: str) -> dict[str, Any]:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        found: dict[str, Any] = self._document["paths"].get(path, {}).get(method.lower(), {})
        assert found or not is_api(rule), f"{method} {path} is not described"
        return found

    def _bodies(self, rule: Rule, method: str) -> list[dict[str, Any]]:
        content = self._operation(rule, method).get("requestBody", {}).get("content", {})
        return [media["schema"] for media in content.values()]

    def _ids(self, schema: dict[str, Any], path: Path = ()) -> Iterator[Path]:
        if "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        if _is_id(schema):
            yield path
        for way in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(way, ()):
                yield from self._ids(part, path)
        for name, part in schema.get("properties", {}).items():
            yield from self._ids(part, (*path, name))
        for inner in ("items", "additionalProperties"):
            if isinstance(schema.get(inner), dict):
                yield from self._ids(schema[inner], (*path, "[]"))


def _is_id(schema: dict[str, Any]) -> bool:
    return schema.get("format") == "uuid"


def _is_any_text(schema: dict[str, Any]) -> bool:
    kinds = schema.get("type", ())
    return "string" in ([kinds] if isinstance(kinds, str) else kinds) and not {"format", "enum"} & set(schema)


def put(body: Any, path: Path, value: Any) -> Any:
    """The body with this value at this place; of a list one item is enough."""
    if not path:
        return value
    part, rest = path[0], path[1:]
    if part == "[]":
        return [put(body[0] if body else None, rest, value)]
    had = body or {}
    return {**had, part: put(had.get(part), rest, value)}


def take_out(body: Any, path: Path) -> Any:
    """The body without what stands at this place, if anything does."""
    part, rest = path[0], path[1:]
    if not isinstance(body, dict) or part not in body:
        return body
    if not rest:
        return {name: value for name, value in body.items() if name != part}
    return {**body, part: take_out(body[part], rest)}


def at(body: Any, path: Path) -> Any:
    """What stands at this place of a body; null where nothing does."""
    for part in path:
        match body:
            case list():
                body = body[0] if body else None
            case dict():
                body = body.get(part)
            case _:
                return None
    return body


def browse(app: Flask, user: User | None) -> tuple[FlaskClient, str]:
    """A browser of somebody who is signed in (null: of a stranger), and the token that its forms carry."""
    browser = app.test_client()
    if user is not None:
        with browser.session_transaction() as session:
            session["_user_id"] = guards.SignedIn(user).get_id()
    page = browser.get("/api/docs").get_data(as_text=True)
    return browser, page.partition('"X-CSRFToken": "')[2].partition('"')[0]


def said(answer: TestResponse) -> str:
    """Everything that an answer says, in its headers too."""
    return f"{answer.status} {answer.headers} {answer.data.decode(errors='replace')}"


def alike(answer: TestResponse, *about: object) -> str:
    """What an answer says but for what no two answers share: the id of the request, a form's token, and the objects asked for."""
    text = said(answer).replace(answer.headers["X-Request-Id"], "REQUEST")
    text = re.sub(r'"[\w-]{20,}\.[\w-]+\.[\w-]+"', "TOKEN", text)
    text = re.sub(r"(Set-Cookie: session=)[^;]*", r"\1COOKIE", text)
    text = re.sub(r"(idempotency_key\" value=\")[^\"]*", r"\1KEY", text)
    for one in about:
        text = text.replace(str(one), "OBJECT")
    return text
