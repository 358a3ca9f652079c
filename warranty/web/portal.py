"""The client's pages: own cases in plain words, nothing internal, nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, request, url_for

from warranty.domain.access import Permission
from warranty.domain.headline import ClientStep
from warranty.models import Fault
from warranty.services import queries
from warranty.web import pages, views, words
from warranty.web.forms import key_of, take_report, typed_report, uuid_of
from warranty.web.guards import call, needs
from warranty.web.views import portal as shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

blueprint = Blueprint("portal", __name__, url_prefix="/portal")


@blueprint.get("")
@needs(Permission.READ_OWN)
def case_list() -> str:
    """What waits for the client, what runs, what was closed lately."""
    before = request.args.get("before")
    found, older = queries.client_cases(call().session, now=call().now, before=uuid_of(before))
    rows = [shown.row(brief) for brief in found]
    running = tuple(row for row in rows if row.step is not ClientStep.CLOSED)
    view = pages.PortalListView(
        waiting=tuple(row for row in running if row.step is ClientStep.WAITING_FOR_YOUR_APPROVAL),
        running=running,
        closed=tuple(row for row in rows if row.step is ClientStep.CLOSED),
        next_url=url_for("portal.case_list", before=older) if older else None,
        first_url=url_for("portal.case_list") if before else None,
    )
    return render_template("portal/case_list.html", frame=views.frame(), view=view)


@blueprint.get("/cases/<uuid:id>")
@needs(Permission.READ_OWN, of=Fault)
def case_detail(fault: Fault) -> str:
    """One case."""
    return render_template("portal/case_detail.html", frame=views.frame(), case=_case(fault))


@blueprint.get("/cases/<uuid:id>/live")
@needs(Permission.READ_OWN, of=Fault)
def case_live(fault: Fault) -> Response:
    """What of the case changes while one looks; 304 where nothing has."""
    return views.answer_live(fault, lambda: render_template("portal/_case_live.html", case=_case(fault)))


def _case(fault: Fault) -> pages.PortalCaseView:
    return shown.case(queries.case(call().session, fault, now=call().now))


# --- the report; whoever reads own cases here may report too, while the MSP's people have their own page ---


@blueprint.get("/faults/new")
@needs(Permission.READ_OWN)
def fault_new() -> str:
    """The form."""
    return _form(request.args, {})


@blueprint.post("/faults/new")
@needs(Permission.READ_OWN)
def report() -> Response | tuple[str, int]:
    """Log a fault on an own unit, and show where it stands."""
    typed = typed_report(request.form)
    made = take_report(typed)
    if isinstance(made, dict):
        return _form(typed, made), 422
    return redirect(url_for("portal.case_detail", id=made.fault.public_id), 303)


def _form(values: Mapping[str, str], errors: dict[str, str]) -> str:
    units = tuple((unit.serial_number, unit.name) for unit in queries.own_units(call().session))
    view = pages.PortalReportView(units, key_of(values), values=dict(values), errors=errors)
    return render_template("portal/fault_new.html", frame=views.frame(), view=view, **words.choices())
