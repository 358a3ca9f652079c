"""The report of a fault, with its preview."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, render_template, request, url_for
from marshmallow import ValidationError

from vendors.contract import Duty
from warranty.domain.access import Permission
from warranty.services import casefile, faults, inputs, queries
from warranty.services.faults import ClientRequired, OccursLater, UnknownAsset, UnknownClient
from warranty.web import pages, views, words
from warranty.web.forms import instant, key_of, take_report, typed_report, uuid_of
from warranty.web.guards import call, needs
from warranty.web.schemas.faults import QuestionBody, from_form
from warranty.web.staff.room import blueprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

    from warranty.domain.coverage import Verdict
    from warranty.services.casefile import CaseFile, UnitFile
    from warranty.services.faults import FaultFacts

# Clients report too, but on their own page: of those who report, only the MSP's people handle claims.
_REPORTS_HERE = Permission.HANDLE


@blueprint.get("/faults/new")
@needs(_REPORTS_HERE)
def fault_new() -> str:
    """The form."""
    return _form(request.args, {})


@blueprint.post("/faults/preview")
@needs(_REPORTS_HERE, writes=False)
def fault_preview() -> str:
    """What would become of the report as it stands; opens nothing."""
    view = pages.ReportView(_preview(typed_report(request.form)), "")
    return render_template("staff/fault_preview.html", view=view)


@blueprint.post("/faults/new")
@needs(_REPORTS_HERE)
def report() -> Response | tuple[str, int]:
    """Log the fault, decide it, order what follows."""
    typed = typed_report(request.form)
    made = take_report(typed)
    if isinstance(made, dict):
        return _form(typed, made), 422
    return redirect(url_for("staff.case_detail", id=made.fault.public_id), 303)


def _form(values: Mapping[str, str], errors: dict[str, str]) -> str:
    clients = tuple((str(one.public_id), one.name) for one in queries.clients(call().session))
    view = pages.ReportView(_preview(values), key_of(values), dict(values), errors, clients)
    return render_template("staff/fault_new.html", frame=views.frame(), view=view, **words.choices())


def _preview(values: Mapping[str, str]) -> pages.PreviewView:
    serial = values.get("serial_number", "").strip()
    if not serial:
        return pages.PreviewView("empty")
    client = uuid_of(values.get("client"))
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
    asks = inputs.of_report(call().runtime, unit, verdict, file.case.fault.component)
    return pages.PreviewView(
        "decided",
        unit=_unit(unit, has_open_case=any(one.closed_at is None for one in file.case.cases)),
        verdict=views.verdict_view(verdict, file.coverages, vendor),
        vendor=vendor,
        asks_for=tuple(need.value for need in asks.missing),
        contact=_site_contact(unit),
        address=", ".join(filter(None, (unit.site.address.get(name) for name in _SHOWN_LINES))) if unit.site else "",
    )


_SHOWN_LINES = ("address_line1", "postal_code", "city", "country")


def _site_contact(unit: UnitFile) -> str:
    """Who is called where the report names nobody; nobody where the site has no contact."""
    person = unit.site_contact
    return ", ".join(filter(None, (person.name, person.phone))) if person else ""


def _decided(values: Mapping[str, str]) -> tuple[Verdict, CaseFile] | None:
    """The verdict on what is typed so far, as soon as there is enough of it."""
    wanted = ("serial_number", "client", "component", "component_ref", "cause", "occurred_at")
    body = instant(from_form({name: values[name] for name in wanted if name in values}))
    try:
        facts: FaultFacts = QuestionBody().load(body)
        return faults.preview(call().session, call().principal, facts, now=call().now)[:2]
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
