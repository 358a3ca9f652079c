"""The staff's pages: what needs a person, the cases, one case, the report."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from marshmallow import ValidationError

from vendors.contract import Duty
from warranty.domain.access import Permission
from warranty.domain.terms import Route
from warranty.models import AdHocJob, Fault
from warranty.services import accounts, casefile, faults, queries
from warranty.services.faults import ClientRequired, OccursLater, UnknownAsset, UnknownClient
from warranty.services.queries import Shows
from warranty.web import pages, views, words
from warranty.web.guards import call, needs
from warranty.web.i18n import N_, reader
from warranty.web.schemas.faults import FaultBody, QuestionBody, form_errors, from_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

    from warranty.domain.coverage import Verdict
    from warranty.services.casefile import CaseFile, UnitFile
    from warranty.services.faults import FaultFacts

blueprint = Blueprint("staff", __name__)

NEWEST = 12


@blueprint.get("/")
@needs(Permission.READ)
def board() -> str:
    """What needs a person, and the newest cases."""
    counts = queries.counts(call().session)
    newest, _ = queries.cases(call().session, now=call().now, limit=NEWEST)
    view = pages.BoardView(
        tasks=tuple(views.task_row(task) for task in queries.open_tasks(call().session)),
        open_tasks=counts.tasks,
        open_cases=counts.cases,
        newest=tuple(views.case_row(brief) for brief in newest),
    )
    return render_template("staff/board.html", frame=views.frame(), view=view)


@blueprint.get("/cases")
@needs(Permission.READ)
def case_list() -> str:
    """Cases, newest first."""
    search, before = request.args.get("q", "")[:100], request.args.get("before")
    asked = request.args.get("shows", "")
    shows = Shows(asked) if asked in list(Shows) else (Shows.ALL if search else Shows.OPEN)
    found, older = queries.cases(
        call().session, now=call().now, shows=shows, search=search, before=_uuid(before) if before else None
    )
    view = pages.CaseListView(
        rows=tuple(views.case_row(brief) for brief in found),
        query=search,
        shows=shows.value,
        next_url=url_for("staff.case_list", before=older, shows=shows.value, q=search or None) if older else None,
        first_url=url_for("staff.case_list", shows=shows.value, q=search or None) if before else None,
    )
    return render_template("staff/case_list.html", frame=views.frame(), view=view)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@blueprint.get("/cases/<uuid:id>")
@needs(Permission.READ, of=Fault)
def case_detail(fault: Fault) -> str:
    """One case."""
    return render_template("staff/case_detail.html", frame=views.frame(), case=_case(fault))


@blueprint.get("/cases/<uuid:id>/live")
@needs(Permission.READ, of=Fault)
def case_live(fault: Fault) -> Response:
    """What of the case changes while one looks; 304 where nothing has."""
    tag = queries.version(call().session, fault)
    if tag in request.if_none_match:
        return make_response("", 304)
    response = make_response(render_template("staff/_case_live.html", case=_case(fault)))
    response.set_etag(tag)
    return response


def _case(fault: Fault) -> pages.CaseView:
    tag = queries.version(call().session, fault)
    return views.case(queries.case(call().session, fault, now=call().now), tag)


@blueprint.get("/jobs/<uuid:id>")
@needs(Permission.READ, of=AdHocJob)
def job_detail(job: AdHocJob) -> str:
    """One ad hoc job."""
    found, fault, place = queries.job(call().session, job)
    return render_template("staff/job_detail.html", frame=views.frame(), job=views.job_view(found, fault, place))


# --- the report ---


@blueprint.get("/faults/new")
@needs(Permission.REPORT)
def fault_new() -> str:
    """The form."""
    return _form(request.args, {})


@blueprint.post("/faults/preview")
@needs(Permission.REPORT, writes=False)
def fault_preview() -> str:
    """What would become of the report as it stands; opens nothing."""
    view = pages.ReportView(preview=_preview(request.form))
    return render_template("staff/fault_preview.html", view=view)


@blueprint.post("/faults/new")
@needs(Permission.REPORT)
def report() -> Response | tuple[str, int]:
    """Log the fault, decide it, order what follows."""
    try:
        facts: FaultFacts = FaultBody().load(_instant(from_form(request.form)))
        made = faults.report(call().session, call().runtime, call().principal, facts, now=call().now)
    except ValidationError as err:
        return _form(request.form, form_errors(err.messages_dict)), 422
    except (ClientRequired, UnknownAsset, UnknownClient, OccursLater) as err:
        return _form(request.form, _said(err)), 422
    return redirect(url_for("staff.case_detail", id=made.fault.public_id), 303)


def _said(err: Exception) -> dict[str, str]:
    said = reader().text
    match err:
        case ClientRequired():
            return {"client": said(N_("Say whose unit it is: the serial alone does not tell."))}
        case OccursLater():
            return {"occurred_at": said(N_("This lies in the future."))}
        case UnknownClient():
            return {"client": said(N_("There is no such client."))}
        case _:
            return {"serial_number": said(N_("There is no such unit."))}


def _instant(body: dict[str, Any]) -> dict[str, Any]:
    """The form's time is the reader's wall clock."""
    typed = body.get("occurred_at")
    if typed:
        with suppress(ValueError):  # the schema says what is wrong with it
            body["occurred_at"] = datetime.fromisoformat(typed).replace(tzinfo=reader().zone).isoformat()
    return body


def _form(values: Mapping[str, str], errors: dict[str, str]) -> str:
    clients = tuple((str(one.public_id), one.name) for one in queries.clients(call().session))
    view = pages.ReportView(_preview(values), dict(values), errors, clients)
    key = values.get("idempotency_key") or uuid4()
    return render_template("staff/fault_new.html", frame=views.frame(), view=view, key=key, **words.choices())


def _preview(values: Mapping[str, str]) -> pages.PreviewView:
    serial = values.get("serial_number", "").strip()
    if not serial:
        return pages.PreviewView("empty")
    client = _uuid(values.get("client", "")) if values.get("client") else None
    units = casefile.find_units(call().session, serial_number=serial, client=client)
    if len(units) != 1:
        return pages.PreviewView("ambiguous" if units else "unknown", needs_client=client is None)
    unit = casefile.successor(call().session, units[0])
    account = unit.account_for(Duty.OPEN)
    vendor = unit.product.manufacturer if unit.product and account else None
    decided = _decided(values)
    if decided is None:
        return pages.PreviewView("incomplete", unit=_unit(unit, has_open_case=False), vendor=vendor)
    verdict, file = decided
    asks = accounts.capabilities(call().runtime, account).requires if account and verdict.route is Route.RMA else ()
    return pages.PreviewView(
        "decided",
        unit=_unit(unit, has_open_case=any(one.closed_at is None for one in file.case.cases)),
        verdict=views.verdict_view(verdict, file.coverages, vendor),
        vendor=vendor,
        asks_for=tuple(need.value for need in asks),
    )


def _decided(values: Mapping[str, str]) -> tuple[Verdict, CaseFile] | None:
    """The verdict on what is typed so far, as soon as there is enough of it."""
    wanted = ("serial_number", "client", "component", "component_ref", "cause", "occurred_at")
    body = _instant(from_form({name: values[name] for name in wanted if name in values}))
    try:
        facts: FaultFacts = QuestionBody().load(body)
        return faults.preview(call().session, call().principal, facts, now=call().now)
    except (ValidationError, ClientRequired, UnknownAsset, UnknownClient, OccursLater):
        return None


def _unit(unit: UnitFile, *, has_open_case: bool) -> pages.UnitView:
    subject = pages.Subject(
        component=words.COMMON_COMPONENTS[0],
        component_ref="",
        serial_number=unit.asset.serial_number,
        product=f"{unit.product.manufacturer} {unit.product.model}" if unit.product else None,
        unit_name=unit.asset.name,
        site_name=unit.site.name if unit.site else None,
        client_name=unit.client.name,
    )
    return pages.UnitView(subject, has_open_case)
