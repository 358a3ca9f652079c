"""Imports for programs: a file comes as a form, and what becomes of it is asked for until it is over."""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import IO, Any

from flask import Response, request, send_file

from warranty.domain.access import Permission
from warranty.models import Client, ImportRun
from warranty.services import imports
from warranty.services.importing.columns import Kind
from warranty.web.api.base import Endpoints, document, listed, load
from warranty.web.errors import Problem
from warranty.web.guards import call, find, needs
from warranty.web.schemas.examples import example
from warranty.web.schemas.imports import FORMATS, FullImportDocument, ImportBody, ImportDocument, ImportQuery, NoBody
from warranty.web.schemas.lists import page_of

endpoints = Endpoints("imports", "Files of units, contracts, coverages, products, clients and sites into the registry.")

BIGGEST = 128 * 2**20
READS = needs(Permission.READ, of=ImportRun, wide=True)
WRITES = needs(Permission.REGISTER, of=ImportRun, wide=True)

_TEXT = {"type": "string"}
_FORM = {
    "type": "object",
    "required": ["file", "kind"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "CSV, XLSX or JSON lines."},
        "kind": {**_TEXT, "enum": [kind.value for kind in Kind]},
        "client": {**_TEXT, "format": "uuid", "description": "Whose rows they are, where they do not say it."},
        "dry_run": {"type": "boolean", "description": "Find out what would happen, and write nothing."},
        "format": {**_TEXT, "enum": list(FORMATS), "description": "Whose column names the file has."},
        "mapping": {**_TEXT, "description": 'What columns mean: {"Their column": "serial_number"}'},
    },
}
BODY = {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}
SUFFIXES = {
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def start() -> dict[str, Any]:
    """Import a file as background work."""
    file = request.files.get("file")
    if file is None:
        raise Problem("invalid", errors={"file": ["Send the file as multipart/form-data, under the name file."]})
    body = load(ImportBody(), request.form.to_dict())
    client = None if body["client"] is None else find(Client, body["client"], field="client")
    asked = call()
    made = imports.order(
        asked.session,
        file.stream,
        kind=body["kind"],
        file_name=file.filename or "rows",
        wanted=body["wanted"],
        client=client,
        dry_run=body["dry_run"],
        actor=asked.principal.actor,
        now=asked.now,
    )
    return _shown(made)


_answered = endpoints.blueprint.response(202, FullImportDocument(), example=example(FullImportDocument()))
endpoints.blueprint.route("/imports", methods=["POST"])(
    needs(Permission.REGISTER, wide=True, largest=BIGGEST)(endpoints.blueprint.doc(requestBody=BODY)(_answered(start)))
)


@endpoints.get("/imports", needs(Permission.READ, wide=True), query=ImportQuery(), answer=page_of(ImportDocument))
def list_imports(query: dict[str, Any]) -> dict[str, Any]:
    """Imports, the newest first."""
    return listed(imports.IMPORTS, query)


@endpoints.get("/imports/<uuid:id>", READS, answer=FullImportDocument())
def show_import(made: ImportRun) -> dict[str, Any]:
    """One import: how far it is, and why rows were refused."""
    return _shown(made)


def _shown(made: ImportRun) -> dict[str, Any]:
    return {**document(imports.IMPORTS, made), "faults": imports.faults(call().session, made)}


def rejected(made: ImportRun) -> Response:
    """The rows that were refused, to be mended and sent again."""
    stream: IO[bytes] = TemporaryFile()  # noqa: SIM115 - the answer closes it
    suffix = imports.rejected(call().session, made, stream)
    stream.seek(0)
    return send_file(stream, SUFFIXES[suffix], as_attachment=True, download_name=f"rejected.{suffix}", max_age=0)


_file = {
    "description": "The refused rows in the form in which they came, with the reason in one more column.",
    "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in SUFFIXES.values()},
}
endpoints.blueprint.route("/imports/<uuid:id>/rejected", methods=["GET"])(
    READS(endpoints.blueprint.doc(responses={"200": _file})(rejected))
)


@endpoints.post("/imports/<uuid:id>/cancel", WRITES, body=NoBody(), answer=FullImportDocument())
def cancel(made: ImportRun, _body: dict[str, Any]) -> dict[str, Any]:
    """Stop an import after the batch at hand. What was written stands, and can be undone."""
    try:
        imports.cancel(call().session, made, now=call().now)
    except imports.NotPossible as err:
        raise Problem("illegal_move", str(err)) from err
    return _shown(made)


@endpoints.post("/imports/<uuid:id>/undo", WRITES, body=NoBody(), answer=FullImportDocument(), status=202)
def undo(made: ImportRun, _body: dict[str, Any]) -> dict[str, Any]:
    """Undo an import as background work: what it made goes, what it changed gets its former values.

    Refused (409) while something depends on what it made, or was changed since: ``errors`` says what.
    """
    try:
        imports.undo(call().session, made, actor=call().principal.actor, now=call().now)
    except imports.NotPossible as err:
        raise Problem("illegal_move", str(err)) from err
    except imports.InTheWay as err:
        said = "The import stays as it is: something depends on it, or was changed since."
        raise Problem("illegal_move", said, {"obstacles": err.obstacles}) from err
    return _shown(made)
