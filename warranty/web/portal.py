"""The client's pages: own cases in plain words, nothing internal, nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, render_template, request

from warranty.domain.access import Permission
from warranty.domain.headline import ClientStep
from warranty.models import Fault
from warranty.services import queries
from warranty.web import pages, views
from warranty.web.guards import call, needs

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("portal", __name__, url_prefix="/portal")


@blueprint.get("")
@needs(Permission.READ_OWN)
def case_list() -> str:
    """What waits for the client, what runs, what was closed lately."""
    rows = [views.portal_row(brief) for brief in queries.client_cases(call().session, now=call().now)]
    running = tuple(row for row in rows if row.step is not ClientStep.CLOSED)
    view = pages.PortalListView(
        waiting=tuple(row for row in running if row.step is ClientStep.WAITING_FOR_YOUR_APPROVAL),
        running=running,
        closed=tuple(row for row in rows if row.step is ClientStep.CLOSED),
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
    tag = queries.version(call().session, fault)
    if tag in request.if_none_match:
        return make_response("", 304)
    response = make_response(render_template("portal/_case_live.html", case=_case(fault)))
    response.set_etag(tag)
    return response


def _case(fault: Fault) -> pages.PortalCaseView:
    tag = queries.version(call().session, fault)
    return views.portal_case(queries.case(call().session, fault, now=call().now), tag)
