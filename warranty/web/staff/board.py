"""What needs a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, render_template, request, url_for

from warranty.domain.access import Permission
from warranty.models import HumanTask
from warranty.services import queries, resolutions
from warranty.services.estate import Invalid
from warranty.web import pages, views
from warranty.web.forms import read
from warranty.web.guards import call, needs
from warranty.web.schemas.cases import ResolveBody
from warranty.web.staff.room import blueprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response


NEWEST = 12


@blueprint.get("/")
@needs(Permission.READ, Permission.READ_OWN)
def board() -> str | Response:
    """What needs a person, and the newest cases; a client's own start is the portal."""
    if not call().principal.may(Permission.READ):
        return redirect(url_for("portal.case_list"), 303)
    return _board_page({})


def _board_page(errors: Mapping[str, str]) -> str:
    session = call().session
    counts = queries.counts(session)
    newest, _ = queries.cases(session, now=call().now, limit=NEWEST)
    view = pages.BoardView(
        tasks=tuple(views.task_row(task, errors) for task in queries.open_tasks(session)),
        open_tasks=counts.tasks,
        open_cases=counts.cases,
        newest=tuple(views.case_row(brief) for brief in newest),
    )
    return render_template("staff/board.html", frame=views.frame(counts.tasks), view=view)


@blueprint.post("/review-items/<uuid:id>/dealt-with")
@needs(Permission.DECIDE, of=HumanTask)
def deal_with(item: HumanTask) -> Response | tuple[str, int]:
    """Say that somebody has seen to a case at a vendor that belongs to no claim, and how."""
    asked, name = call(), views.field_of(item)
    typed = {"action": resolutions.Action.DEALT_WITH.value, "stray_reason": request.form.get(name, "")}
    body, errors = read(ResolveBody(), typed, {"action": "action", "reason": "stray_reason"})
    if errors:
        return _board_page({name: errors["stray_reason"]}), 422
    try:
        resolutions.resolve(
            asked.session, asked.runtime, asked.principal, item, body["action"], reason=body["reason"], now=asked.now
        )
    except Invalid as err:
        raise resolutions.NotWaiting("This waits for another answer.") from err
    return redirect(url_for("staff.board"), 303)
