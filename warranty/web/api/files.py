"""Files of records for programs. A file comes as the body itself, and goes as a download that no browser shows or runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, request
from marshmallow import RAISE

from warranty.db import Scope
from warranty.domain.access import Permission
from warranty.domain.media import MediaType
from warranty.models import AdHocJob, Asset, Contract, Coverage, Fault, Rma
from warranty.models.files import File
from warranty.services import files, records
from warranty.services.files import Filed, Upload
from warranty.web.api.base import Endpoints, by_caller, document, listed
from warranty.web.downloads import download, there, thumbnail
from warranty.web.guards import call, needs
from warranty.web.schemas.examples import example
from warranty.web.schemas.files import FileDocument, FilePatch, RemovalBody, UploadQuery
from warranty.web.schemas.lists import ListQuery, page_of

if TYPE_CHECKING:
    from collections.abc import Callable

endpoints = Endpoints(
    "files", "Photos, quotes and certificates of a fault, an RMA, a job, a unit, a coverage or a contract."
)

P = Permission
ANYBODYS = (P.READ, P.READ_OWN)
BODY = {
    "required": True,
    "description": f"The file itself, at most {files.BIGGEST} bytes. What it is, its content says: "
    + ", ".join(kind.value for kind in MediaType),
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}

# Of which record, who may see that there are files, who may add one.
RECORDS: tuple[tuple[str, type[Filed], tuple[P, ...], tuple[P, ...]], ...] = (
    ("faults", Fault, ANYBODYS, (P.REPORT,)),
    ("rmas", Rma, ANYBODYS, (P.HANDLE,)),
    ("jobs", AdHocJob, ANYBODYS, (P.HANDLE, P.BILL)),
    ("assets", Asset, ANYBODYS, (P.REPORT,)),
    ("coverages", Coverage, (P.READ,), (P.REGISTER,)),
    ("contracts", Contract, (P.READ,), (P.REGISTER,)),
)


def _declare(plural: str, table: type[Filed], readers: tuple[P, ...], writers: tuple[P, ...]) -> None:
    @_named(f"list_of_{plural}")
    def list_files(record: Filed, query: dict[str, Any]) -> dict[str, Any]:
        """Files of the record, the newest first; a client's people see what is meant for them and what they uploaded."""
        return listed(files.FILES, query, files.of_record(record), files.shown_to(call().principal))

    @_named(f"add_to_{plural}")
    def add_file(record: Filed, query: dict[str, Any]) -> dict[str, Any]:
        """Add a file to the record: the body is the file. Sent again by the same user it is the same file."""
        asked = call()
        asked.session.commit()  # who asks is known: no transaction is open while the store writes
        upload = Upload(request.get_data(), **query)
        file = files.take(asked.runtime, asked.principal, record, upload, now=asked.now)
        with asked.runtime.database.read(Scope(asked.principal.client_id)) as session:
            return records.one(session, files.FILES, file, now=asked.now)

    path = f"/{plural}/<uuid:id>/files"
    endpoints.get(path, needs(*readers, of=table), query=ListQuery(), answer=page_of(FileDocument))(list_files)
    # The service opens its own transaction, and knows what it has by its content: that is the key of a repeated request.
    _upload(path, needs(*writers, of=table, writes=False, largest=files.BIGGEST))(add_file)


def _named(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def rename(view: Callable[..., Any]) -> Callable[..., Any]:
        view.__name__ = name
        return view

    return rename


def _upload(path: str, guard: Callable[..., Any]) -> Callable[[Callable[..., Any]], None]:
    def declare(view: Callable[..., Any]) -> None:
        made = endpoints.blueprint.response(201, FileDocument(), example=example(FileDocument()))(view)
        made = endpoints.blueprint.arguments(UploadQuery(), location="query", unknown=RAISE)(made)
        made = endpoints.blueprint.doc(requestBody=BODY)(made)
        endpoints.blueprint.route(path, methods=["POST"])(guard(made))

    return declare


for _record in RECORDS:
    _declare(*_record)


# --- one file ---


def _give(path: str, view: Callable[[File], Response], description: str, *types: str) -> None:
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in types}
    made = endpoints.blueprint.doc(responses={"200": {"description": description, "content": content}})(view)
    endpoints.blueprint.route(path, methods=["GET"])(needs(*ANYBODYS, of=File)(made))


_give("/files/<uuid:id>", download, "The file, byte for byte as it was uploaded.", *(kind.value for kind in MediaType))
_give("/files/<uuid:id>/thumbnail", thumbnail, "A picture of at most 320 by 320 pixels.", files.THUMBNAIL_TYPE)


@endpoints.patch(
    "/files/<uuid:id>",
    needs(P.HANDLE, P.BILL, of=File),
    body=FilePatch(),
    answer=FileDocument(),
    shows=lambda file: document(files.FILES, there(file)),
)
def change_file(file: File, body: dict[str, Any]) -> None:
    """Let the client's people see a file, or no longer."""
    because = by_caller("changed through the API")
    files.show_client(call().session, file, for_client=body["for_client"], because=because)


@endpoints.post("/files/<uuid:id>/removal", needs(P.REGISTER, of=File), body=RemovalBody(), answer=FileDocument())
def remove_file(file: File, body: dict[str, Any]) -> dict[str, Any]:
    """Take a file away: nobody sees it any more, and the next sweep takes its content from the store."""
    files.remove(call().session, there(file), by_caller(body["reason"]))
    return document(files.FILES, file)
