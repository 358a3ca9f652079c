"""The description of the API: every endpoint shows an example, and every example is as its schema says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import Schema

from tests.web.conftest import World


def described(world: World) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each JSON body and answer of the API: where it is, the name of its schema, and its description."""
    document = world.app.test_client().get("/api/openapi.json").json
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method == "parameters":
                continue
            parts = {"body": operation.get("requestBody", {})}
            parts |= {code: answer for code, answer in operation["responses"].items() if code.startswith("2")}
            for part, about in parts.items():
                content = about.get("content", {}).get("application/json")
                if content is not None:
                    yield f"{method.upper()} {path} {part}", content["schema"]["$ref"].rsplit("/", 1)[1], content


@pytest.fixture
def schemas(world: World) -> dict[str, type[Schema]]:
    """The classes behind the names of the description."""
    api = next(iter(world.app.extensions["flask-smorest"]["apis"].values()))["ext_obj"]
    [converter] = [plugin.converter for plugin in api.spec.plugins if hasattr(plugin, "converter")]
    return {name: key[0] for key, name in converter.refs.items()}


def test_every_body_and_every_answer_has_an_example_that_its_schema_takes(world: World, schemas: Any) -> None:
    asked = 0
    for where, name, content in described(world):
        assert "example" in content, where
        assert schemas[name]().validate(content["example"]) == {}, where
        asked += 1
    assert asked > 60


def test_an_endpoint_says_what_it_does(world: World) -> None:
    document = world.app.test_client().get("/api/openapi.json").json
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                assert operation.get("summary"), (method, path)
                assert set(operation["responses"]) >= {"default"}, (method, path)
