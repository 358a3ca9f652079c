"""What the pages of imports show, filled from the service of imports."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from flask import url_for

from warranty.domain.access import Permission
from warranty.models.imports import ImportStatus
from warranty.services import imports
from warranty.services.importing.columns import COLUMNS, NEEDED, Kind, Unusable
from warranty.services.importing.rows import Outcome
from warranty.web.forms import key_of
from warranty.web.guards import call
from warranty.web.i18n import N_, reader
from warranty.web.pages.imports import ColumnsForm, FileForm, ImportListView, ImportRow, ImportView, ReasonForm
from warranty.web.sentences import said_again
from warranty.web.views.colleagues import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from warranty.models import ImportRun
    from warranty.services.imports import Listed

LABELS: Final[Mapping[str, str]] = {
    "serial_number": N_("Serial number"),
    "manufacturer": N_("Manufacturer"),
    "product": N_("Model"),
    "part_number": N_("Part number"),
    "client": N_("Client"),
    "site": N_("Site"),
    "name": N_("Name"),
    "asset_tag": N_("Asset tag"),
    "ownership": N_("Who owns it"),
    "state": N_("State"),
    "purchased_on": N_("Bought on"),
    "contract_number": N_("Contract number"),
    "kind": N_("Kind of contract"),
    "fulfilment": N_("How it is fulfilled"),
    "starts_on": N_("Begins on"),
    "ends_on": N_("Ends on"),
    "time_zone": N_("Time zone"),
    "covers": N_("What it covers"),
    "excluded_causes": N_("Causes left out"),
    "excluded_components": N_("Parts left out"),
    "sites": N_("Only at these sites"),
    "service_level": N_("Service level"),
    "delivery": N_("Delivery"),
    "grace_days": N_("Days of grace"),
    "grace_is_covered": N_("Whether grace is covered"),
    "waiting_days": N_("Days of waiting"),
    "claims_after_end_days": N_("Days for claims after the end"),
    "claims_limit": N_("Most claims"),
    "claims_used": N_("Claims used"),
    "price_minor": N_("Price in cents"),
    "evidence_source": N_("Source"),
    "vendor_says": N_("What the vendor says"),
    "checked_at": N_("Checked at"),
    "error": N_("Error of the look-up"),
    "model": N_("Model"),
    "base_term_months": N_("Months of warranty"),
    "list_price_minor": N_("List price in cents"),
    "currency": N_("Currency"),
    "address_line1": N_("Street"),
    "address_line2": N_("Second line"),
    "city": N_("City"),
    "postal_code": N_("Postal code"),
    "country": N_("Country"),
    "access_hours": N_("Hours of access"),
    "contact_name": N_("Contact at the site"),
    "contact_phone": N_("Phone"),
    "contact_email": N_("E-mail"),
    "contact_language": N_("Language of the contact"),
    "row": N_("Row"),
    "outcome": N_("Outcome"),
    "why": N_("Why"),
}
"""Our columns, and what a preview adds, as people read them."""

_OUTCOMES: Final = {
    Outcome.NEW: N_("New"),
    Outcome.SAME: N_("There already"),
    Outcome.CHANGED: N_("Changed"),
    Outcome.REFUSED: N_("Refused"),
}
_KEEPS_FILE = frozenset({ImportStatus.DRAFT})
_CAN_STOP = frozenset(
    {ImportStatus.DRAFT, ImportStatus.CHECKING, ImportStatus.WAITING, ImportStatus.RUNNING, ImportStatus.BROKEN_OFF}
)
_CAN_BE_UNDONE = frozenset({ImportStatus.DONE, ImportStatus.CANCELLED, ImportStatus.BROKEN_OFF})
LEAST_TO_TELL: Final = timedelta(seconds=2)
"""How long an import must have run before the rest is told: earlier it is a guess."""


def label(name: str) -> str:
    """A column of ours in the reader's language; one that nobody named by its own name."""
    return reader().text(LABELS[name]) if name in LABELS else name


def import_list(found: list[Listed], form: FileForm | None, next_url: str | None, first_url: str | None) -> Any:
    """The page of all imports."""
    return ImportListView(tuple(_row(one) for one in found), form, next_url, first_url)


def _by(one: Listed) -> str:
    if one.by is not None:
        return name_of(one.by)
    return reader().text(N_("Command line")) if one.made.actor.startswith("system:") else one.made.actor


def _row(one: Listed) -> ImportRow:
    made = one.made
    counts = (made.tally or {}).get("counts", {})
    return ImportRow(
        url=url_for("staff.import_detail", id=made.public_id),
        file_name=made.file_name,
        kind=Kind(made.kind),
        client_name=one.client_name,
        by=_by(one),
        at=made.created_at,
        state=imports.stands(made, call().now),
        is_dry=made.dry_run,
        total=made.rows_total,
        taken=sum(counts.get(word, 0) for word in ("new", "same", "changed")),
        refused=counts.get("refused", 0),
    )


def import_page(
    one: Listed,
    *,
    start: tuple[int, int],
    typed: tuple[Mapping[str, str], Mapping[str, str]] | None = None,
    reason: tuple[Mapping[str, str], Mapping[str, str], tuple[str, ...]] | None = None,
) -> ImportView:
    """The page of one import.

    Args:
        one: the import.
        start: where the page of refused rows starts.
        typed: what a form of columns sent, and what is wrong with it.
        reason: the same of the form that undoes it, and what stands in the way.
    """
    made, row, asked = one.made, _row(one), call()
    tally: Mapping[str, Any] = made.tally or {}
    counts = tally.get("counts", {})
    writes = asked.principal.may(Permission.REGISTER)
    columns, trouble = None, made.error
    if row.state in _KEEPS_FILE and writes:
        columns, unreadable = _columns(made, typed)
        trouble = trouble or unreadable
    refused, after = imports.problems(asked.session, made, start) if row.refused else ([], None)
    preview = tuple(_understood(shown) for _, _, shown in tally.get("shown", []))
    can_undo = row.state in _CAN_BE_UNDONE and not made.dry_run and made.kind != Kind.CLIENTS and writes
    here = url_for("staff.import_detail", id=made.public_id)
    return ImportView(
        url=row.url,
        live_url=url_for("staff.import_live", id=made.public_id),
        etag=f'"{tag(made, row.state)}"',
        key=key_of(),
        file_name=made.file_name,
        kind=row.kind,
        client_name=row.client_name,
        by=row.by,
        at=made.created_at,
        state=row.state,
        is_dry=made.dry_run,
        total=made.rows_total,
        done=made.rows_done,
        new=counts.get("new", 0),
        same=counts.get("same", 0),
        changed=counts.get("changed", 0),
        refused=row.refused,
        new_products=tally.get("new_products", 0),
        new_sites=tally.get("new_sites", 0),
        warnings=_warnings(made, tally),
        preview=preview,
        preview_columns=tuple((name, label(name)) for name in dict.fromkeys(name for line in preview for name in line)),
        problems=tuple({**fault, "message": said_again(fault["message"])} for fault in refused),
        problems_next=f"{here}?problems={after[0]}.{after[1]}#problems" if after else None,
        problems_first=f"{here}#problems" if start > (0, 0) else None,
        rest_s=_rest_s(made, row.state),
        trouble=trouble and said_again(trouble),
        columns=columns,
        go_url=url_for("staff.import_go", id=made.public_id) if columns and made.tally and row.taken else None,
        cancel_url=url_for("staff.import_cancel", id=made.public_id) if row.state in _CAN_STOP and writes else None,
        rejected_url=url_for("staff.import_rejected", id=made.public_id) if row.refused else None,
        undo=_undo(made, reason) if can_undo else None,
        undone_by=_undone_by(made),
        undone_because=made.undone_because,
        ended_at=made.ended_at,
    )


def _understood(shown: Mapping[str, str]) -> dict[str, str]:
    """A row of the preview: where it stands and what becomes of it in the reader's language."""
    outcome = reader().text(_OUTCOMES[Outcome(shown["outcome"])])
    return {**shown, "row": shown["row"].removeprefix("line "), "outcome": outcome}


def tag(made: ImportRun, state: ImportStatus) -> str:
    """What changes with whatever a page shows of an import."""
    return f"{state}-{made.rows_done}-{made.rows_total}"


def _undone_by(made: ImportRun) -> str | None:
    return made.undone_by and imports.name_of(call().session, made.undone_by)


def _warnings(made: ImportRun, tally: Mapping[str, Any]) -> tuple[str, ...]:
    joined = (
        f"{sentence} ({first if count == 1 else f'{count} rows, the first: {first}'})"
        for sentence, count, first in tally.get("warned", [])
    )
    return tuple(map(said_again, (*made.warnings, *joined)))


def _rest_s(made: ImportRun, state: ImportStatus) -> int | None:
    """How long it may still take, by the pace so far."""
    took = call().now - made.created_at
    if state not in {ImportStatus.RUNNING, ImportStatus.CHECKING} or not made.rows_total or not made.rows_done:
        return None
    if took < LEAST_TO_TELL:
        return None
    return round(took.total_seconds() * (made.rows_total - made.rows_done) / made.rows_done)


def _columns(
    made: ImportRun, typed: tuple[Mapping[str, str], Mapping[str, str]] | None
) -> tuple[ColumnsForm | None, str | None]:
    """The form of a draft's columns; where they cannot be read, why."""
    kind = Kind(made.kind)
    try:
        seen = imports.look_at(call().session, made)
    except Unusable as err:
        return None, str(err)
    values, errors = typed or (seen.guesses, {})
    used = set(values.values())
    return (
        ColumnsForm(
            url=url_for("staff.import_columns", id=made.public_id),
            key=key_of(values),
            fields=tuple((name, label(name), name in NEEDED[kind]) for name in COLUMNS[kind]),
            choices=tuple((column.key, column.header, column.samples) for column in seen.columns),
            unread=tuple(column.header for column in seen.columns if column.key not in used),
            values=values,
            errors=errors,
        ),
        None,
    )


def _undo(made: ImportRun, reason: tuple[Mapping[str, str], Mapping[str, str], tuple[str, ...]] | None) -> ReasonForm:
    values, errors, obstacles = reason or ({}, {}, ())
    url = url_for("staff.import_undo", id=made.public_id)
    return ReasonForm(url, key_of(values), obstacles, values=values, errors=errors)
