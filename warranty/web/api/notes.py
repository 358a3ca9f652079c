"""Notes on cases for programs of the MSP; no client sees any."""

from __future__ import annotations

from typing import Any

from warranty.domain.access import Permission
from warranty.models import CaseNote, Fault, File
from warranty.services import notes, records
from warranty.web.api.base import Endpoints, by_caller, document, listed
from warranty.web.guards import call, find, needs
from warranty.web.schemas.fields import Strict
from warranty.web.schemas.lists import ListQuery, page_of
from warranty.web.schemas.notes import NoteBody, NoteDocument

endpoints = Endpoints("notes", "What was written on a case: by us for ourselves, by us for the vendor, by the vendor.")


@endpoints.get(
    "/faults/<uuid:id>/notes", needs(Permission.READ, of=Fault), query=ListQuery(), answer=page_of(NoteDocument)
)
def list_notes(fault: Fault, query: dict[str, Any]) -> dict[str, Any]:
    """Notes on the case, the newest first."""
    return listed(records.NOTES, query, CaseNote.fault_id == fault.id)


@endpoints.post(
    "/faults/<uuid:id>/notes", needs(Permission.HANDLE, of=Fault), body=NoteBody(), answer=NoteDocument(), status=201
)
def write_note(fault: Fault, body: dict[str, Any]) -> dict[str, Any]:
    """Write a note, or send a file of the case to the vendor. It answers at once; ``state`` says later what became of it."""
    asked = call()
    file = find(File, body["file"], field="file") if body["file"] is not None else None
    because = by_caller("wrote a note")
    note = notes.write(asked.session, asked.runtime, fault, body["way"], because, text=body["text"], file=file)
    asked.session.flush()
    return document(records.NOTES, note)


@endpoints.post(
    "/faults/<uuid:id>/notes/seen", needs(Permission.HANDLE, of=Fault), body=Strict(), answer=page_of(NoteDocument)
)
def see_notes(fault: Fault, _body: dict[str, Any]) -> dict[str, Any]:
    """Say that the vendor's notes were read, and what it did not take is known; answers the newest notes."""
    notes.seen(call().session, fault, by_caller("read"))
    return listed(records.NOTES, ListQuery().load({}), CaseNote.fault_id == fault.id)


@endpoints.post("/notes/<uuid:id>/sending", needs(Permission.HANDLE, of=CaseNote), body=Strict(), answer=NoteDocument())
def send_note_again(note: CaseNote, _body: dict[str, Any]) -> dict[str, Any]:
    """Send a note that the vendor refused again, since what stood in its way is mended."""
    notes.send_again(call().session, note, by_caller("sent again"))
    return document(records.NOTES, note)
