"""Many promises of a contract changed together: made void, or brought to one end; what it would affect is shown before."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import redirect, render_template, request, url_for

from warranty.domain.access import Permission
from warranty.models import Contract
from warranty.services import contracts
from warranty.web import views
from warranty.web.api.base import by_caller
from warranty.web.forms import key_of, uuid_of
from warranty.web.guards import call, needs
from warranty.web.i18n import N_
from warranty.web.pages import registry as pages
from warranty.web.schemas.contracts import CoTermBody, TogetherBody
from warranty.web.staff.contracts import crumb_of, promise_row
from warranty.web.staff.editing import Field, Form
from warranty.web.staff.room import blueprint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from werkzeug.wrappers import Response

    from warranty.services.contracts import Resting, Shift
    from warranty.services.renewals import Promise


def _ids(given: Sequence[str]) -> tuple[UUID, ...]:
    return tuple(id_ for id_ in map(uuid_of, given[: contracts.MOST_AT_ONCE]) if id_)


def _resting_row(found: Resting) -> pages.RestingRow:
    url = url_for("staff.case_detail", id=found.fault.public_id)
    return pages.RestingRow(found.fault.reference, url, found.fault.serial_number, found.fault.symptom, found.shares)


def _shift_row(found: Shift) -> pages.ShiftRow:
    return pages.ShiftRow(
        promise_row(found.promise), found.days, found.begins_later, found.is_looked_up, found.more_minor
    )


def _change(
    contract: Contract,
    endpoint: str,
    promises: Sequence[Promise],
    version: str,
    ids: Sequence[UUID],
    *,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    **more: Any,
) -> pages.ChangeView:
    return pages.ChangeView(
        number=contract.number,
        url=url_for("staff.contract_detail", id=contract.public_id),
        form_url=url_for(endpoint, id=contract.public_id),
        key=key_of(values or {}) if not more.get("has_changed") else key_of(),
        version=version,
        ids=tuple(map(str, ids)),
        rows=tuple(promise_row(one) for one in promises),
        values=values or {},
        errors=errors or {},
        **more,
    )


_WHY = N_("Say why: it is kept in the register.")


@blueprint.get("/contracts/<uuid:id>/void")
@needs(Permission.REGISTER, of=Contract)
def contract_void(contract: Contract) -> str:
    """What becomes void, and which open cases rest on it, before anything does."""
    ids = _ids(request.args.getlist("promise"))
    return _void_page(contract, ids)


def _void_page(contract: Contract, ids: Sequence[UUID], **form: Any) -> str:
    session = call().session
    promises = contracts.chosen(session, contract, ids)
    resting = contracts.resting(session, contract, promises)
    view = _change(
        contract,
        "staff.void_contract",
        promises,
        contracts.version(promises, resting),
        ids,
        resting=tuple(map(_resting_row, resting)),
        **form,
    )
    return render_template("staff/contract_void.html", frame=views.frame(), view=view)


@blueprint.post("/contracts/<uuid:id>/void")
@needs(Permission.REGISTER, of=Contract)
def void_contract(contract: Contract) -> Response | tuple[str, int]:
    """Void what was shown, unless it is another thing by now."""
    session, typed = call().session, request.form
    ids = _ids(typed.getlist("promise"))
    promises = contracts.chosen(session, contract, ids, lock=True)
    if not promises or typed.get("version") != contracts.version(
        promises, contracts.resting(session, contract, promises)
    ):
        return _void_page(contract, ids, values=typed, has_changed=True), 409
    body, errors = Form(TogetherBody(), (_REASON_NEEDED,)).read(typed)
    if errors:
        return _void_page(contract, ids, values=typed, errors=errors), 422
    contracts.void(session, promises, because=by_caller(body["reason"]))
    return redirect(crumb_of(contract).url, 303)


_REASON_NEEDED = Field("reason", N_("Reason"), wrong=_WHY, most=500)
_CO_TERM = Form(
    CoTermBody(),
    (Field("ends_on", N_("Last day"), kind="day", wrong=N_("Give the day on which they are to end.")), _REASON_NEEDED),
)


@blueprint.get("/contracts/<uuid:id>/co-term")
@needs(Permission.REGISTER, of=Contract)
def contract_co_term(contract: Contract) -> str:
    """Which ends would move to one day, and by how much, before any does."""
    return _co_term_page(contract, _ids(request.args.getlist("promise")), request.args)


def _co_term_page(contract: Contract, ids: Sequence[UUID], values: Mapping[str, str], **form: Any) -> str:
    promises = contracts.chosen(call().session, contract, ids)
    day = _day_of(values.get("ends_on", ""))
    shifts = contracts.shifts(promises, day) if day else []
    if day is None and not values.get("ends_on"):  # the last of the ends is what most mean
        last = max((one.coverage.ends_on for one in promises if one.coverage.ends_on), default=None)
        values = {**values, "ends_on": last.isoformat() if last else ""}
    more = contracts.more_of(shifts)
    view = _change(
        contract,
        "staff.co_term_contract",
        promises,
        contracts.version(promises),
        ids,
        values=values,
        shifts=tuple(map(_shift_row, shifts)),
        day=day,
        worth=more,
        **form,
    )
    return render_template("staff/contract_co_term.html", frame=views.frame(), view=view)


def _day_of(text: str) -> date | None:
    with suppress(ValueError):
        return date.fromisoformat(text.strip())
    return None


@blueprint.post("/contracts/<uuid:id>/co-term")
@needs(Permission.REGISTER, of=Contract)
def co_term_contract(contract: Contract) -> Response | tuple[str, int]:
    """Let the promises that were shown end on one day, unless they stand otherwise by now."""
    session, typed = call().session, request.form
    ids = _ids(typed.getlist("promise"))
    promises = contracts.chosen(session, contract, ids, lock=True)
    if not promises or typed.get("version") != contracts.version(promises):
        return _co_term_page(contract, ids, typed, has_changed=True), 409
    body, errors = _CO_TERM.read(typed)
    if errors:
        return _co_term_page(contract, ids, typed, errors=errors), 422
    contracts.co_term(session, promises, body["ends_on"], because=by_caller(body["reason"]))
    return redirect(crumb_of(contract).url, 303)
