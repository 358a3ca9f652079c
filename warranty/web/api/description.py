"""The API's description, completed from what the endpoints declare: names, rights, headers, and where an answer leads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from warranty.web.guards import Access, access_of

if TYPE_CHECKING:
    from flask import Flask

_ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")
_LEADS_TO = {
    "rma_id": "rmas",
    "job_id": "jobs",
    "fault_id": "faults",
    "asset_id": "assets",
    "review_item_id": "review-items",
}
"""Fields of answers that name another record, and where that is read."""

Operation = dict[str, Any]


def described(app: Flask, document: dict[str, Any]) -> dict[str, Any]:
    """Complete the description that flask-smorest made, and give it back."""
    for rule in app.url_map.iter_rules():
        operations = document["paths"].get(_ARGUMENT.sub(r"{\1}", rule.rule), {})
        for method in rule.methods or ():
            if method.lower() in operations:
                _complete(operations[method.lower()], method, rule.endpoint, access_of(app, rule.endpoint))
    _link(document)
    return document


def _complete(operation: Operation, method: str, endpoint: str, access: Access) -> None:
    operation["operationId"] = endpoint
    if access.reason:
        operation["security"] = []
        said = f"Needs no token: {access.reason}."
    else:
        rights = " or ".join(f"`{permission}`" for permission in access.permissions)
        narrowed = ", and a token that is not narrowed to one client" if access.wide else ""
        said = f"Needs the right {rights}{narrowed}."
    operation["description"] = "\n\n".join(filter(None, (operation.get("description"), said)))
    headers = operation.setdefault("parameters", [])
    if method == "PATCH":
        headers.append(
            _header("If-Match", "The ETag that was read: where it is another one by now, nothing changes (412).")
        )
    if access.key:
        headers.append(_header("Idempotency-Key", "The same one when this request is repeated.", required=True))


def _header(name: str, about: str, *, required: bool = False) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
    return {"in": "header", "name": name, "required": required, "description": about, "schema": text}


def _link(document: dict[str, Any]) -> None:
    """Say of every new record where it is read, changed and moved."""
    paths: dict[str, dict[str, Operation]] = document["paths"]
    for path, operations in paths.items():
        created = operations.get("post", {}).get("responses", {}).get("201")
        if created is not None:
            links = _from_id(paths, f"{path}/{{id}}", "$response.body#/id")
            for name in _fields(document, created):
                if name in _LEADS_TO:
                    read = f"/api/v1/{_LEADS_TO[name]}/{{id}}"
                    links |= _from_id(paths, read, f"$response.body#/{name}")
            if links:
                created["links"] = links


def _from_id(paths: dict[str, dict[str, Operation]], prefix: str, id_: str) -> dict[str, Any]:
    found = {}
    for path, operations in paths.items():
        if path == prefix or path.startswith(f"{prefix}/"):
            for method, operation in operations.items():
                if method != "parameters":
                    name = operation["operationId"]
                    found[name] = {"operationId": name, "parameters": {"id": id_}}
    return found


def _fields(document: dict[str, Any], response: dict[str, Any]) -> list[str]:
    schema: dict[str, Any] = response.get("content", {}).get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return list(schema.get("properties", ()))
