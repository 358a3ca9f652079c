"""A person decides otherwise than the engine: what would follow, and the override itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import redirect, render_template, request, url_for
from marshmallow import ValidationError

from warranty.domain.access import Permission
from warranty.models import Fault
from warranty.models.work import TaskKind
from warranty.services import overrides, queries, resolutions, verdicts
from warranty.services.estate import Invalid
from warranty.services.moves import IllegalMove, attempt
from warranty.services.resolutions import Action
from warranty.web import views, words
from warranty.web.errors import Problem
from warranty.web.forms import is_late, key_of, read, said_of
from warranty.web.guards import call, needs
from warranty.web.i18n import N_, reader
from warranty.web.pages.overriding import OutlookView
from warranty.web.schemas.cases import DecisionBody, ResolveBody
from warranty.web.staff.cases import case_page, too_late
from warranty.web.staff.room import blueprint
from warranty.web.views import overriding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

    from warranty.services.overrides import Wish
    from warranty.web.pages.overriding import OverrideView

_FIT = {
    "covered": N_("Covered names a contract for parts and one for labour."),
    "partly_covered": N_("Partly covered names a contract for parts, and none for labour."),
    "not_covered": N_("Not covered names no contract for parts."),
}
_CHANGED = N_("It was decided again meanwhile. Look at the verdict as it is now, and send again if you still want to.")


@blueprint.get("/cases/<uuid:id>/override")
@needs(Permission.DECIDE, of=Fault)
def override_form(fault: Fault) -> str:
    """The form, and what would follow of what is chosen so far."""
    return _page(fault, request.args)


@blueprint.post("/cases/<uuid:id>/override/preview")
@needs(Permission.DECIDE, of=Fault, writes=False)
def preview_override(fault: Fault) -> str:
    """What would follow; changes nothing. A piece of the page for who has it open already."""
    if "HX-Request" in request.headers:
        return render_template("staff/override_preview.html", view=_view(fault, request.form, {}))
    return _page(fault, request.form)


@blueprint.post("/cases/<uuid:id>/override")
@needs(Permission.DECIDE, of=Fault)
def override(fault: Fault) -> Response | tuple[str, int]:
    """Supersede the verdict, or ask a second person where the MSP is to pay."""
    asked, typed = call(), request.form
    overrides.hold(asked.session, fault)
    newest = verdicts.newest(asked.session, fault.id)
    if is_late(typed, str(newest.public_id) if newest else ""):
        return _page(fault, typed, {"verdict": reader().text(_CHANGED)}), 409
    wish = _wish(typed, {})
    if isinstance(wish, dict):
        return _page(fault, typed, wish), 422
    seen = _outlook(fault, typed)
    if seen is not None and seen.refused:
        return _page(fault, typed, {"verdict": seen.refused}), 422
    if seen is not None and seen.holds:
        return _page(fault, typed, {"verdict": words.holds(seen.holds)}), 409
    overrides.override(asked.session, asked.runtime, asked.principal, fault, wish, now=asked.now)
    return redirect(url_for("staff.case_detail", id=fault.public_id), 303)


_BLANK = {"reason_code": "other", "reason": "-"}
"""What a question needs that is no wish yet."""


def _wish(typed: Mapping[str, str], instead: Mapping[str, str]) -> Wish | dict[str, str]:
    """What a form wants; else what is wrong with it, by field. ``instead`` stands for what is not asked yet."""
    given = {
        "override": {name: typed.get(name) or None for name in ("verdict", "parts", "labour")},
        "reason_code": instead.get("reason_code", typed.get("reason_code", "")),
        "reason": instead.get("reason", typed.get("override_reason", "").strip()),
    }
    try:
        return DecisionBody().load(given)  # type: ignore[no-any-return]  # what its `post_load` makes
    except ValidationError as err:
        wrong: dict[str, Any] = err.messages_dict
        names = [*wrong.get("override", {}), *({"reason": "override_reason"}.get(one, one) for one in wrong)]
        return said_of((name for name in names if name != "override"), typed)


def _page(fault: Fault, typed: Mapping[str, str], errors: dict[str, str] | None = None) -> str:
    return render_template("staff/override.html", frame=views.frame(), view=_view(fault, typed, errors or {}))


def _view(fault: Fault, typed: Mapping[str, str], errors: dict[str, str]) -> OverrideView:
    session, now = call().session, call().now
    if not overrides.is_possible(fault):
        raise Problem("illegal_move", advice=N_("This case is over, or its unit is not known: its verdict stands."))
    return overriding.page(
        fault,
        queries.place_of(session, fault),
        verdicts.newest(session, fault.id),
        overrides.candidates(session, fault, now=now),
        key_of(typed),
        seen=_outlook(fault, typed),
        values=typed,
        errors=errors,
    )


def _outlook(fault: Fault, typed: Mapping[str, str]) -> OutlookView | None:
    """What would follow, as soon as a verdict is chosen."""
    wish = _wish(typed, _BLANK)
    if isinstance(wish, dict) or not overrides.is_possible(fault):
        return None
    try:
        found = overrides.outlook(call().session, fault, wish, now=call().now)
    except Invalid:
        return OutlookView(refused=reader().text(_FIT[wish.verdict]))
    return overriding.outlook(found, queries.place_of(call().session, fault).product)


_OPINION_FIELDS = {"action": "opinion", "reason": "opinion_reason"}


@blueprint.post("/cases/<uuid:id>/second-opinion")
@needs(Permission.DECIDE, of=Fault)
def answer_override(fault: Fault) -> Response | tuple[str, int]:
    """Agree to somebody else's override that costs the MSP, or refuse it."""
    asked, typed = call(), request.form
    item = queries.open_of(asked.session, fault, TaskKind.OVERRIDE)
    if item is None or is_late(typed, str(item.public_id)):
        return too_late(fault, typed.get("opinion_reason"))
    body, errors = read(ResolveBody(), typed, _OPINION_FIELDS)
    if not errors and body["action"] not in {Action.OVERRIDE, Action.REJECT}:
        errors["opinion"] = reader().text(N_("Choose an answer."))
    if errors:
        return case_page(fault, opinion=(typed, errors)), 422
    given = {"reason": body["reason"], "now": asked.now}
    try:
        with attempt(asked.session):
            resolutions.resolve(asked.session, asked.runtime, asked.principal, item, body["action"], **given)
    except (resolutions.NotWaiting, Invalid, IllegalMove):
        return too_late(fault, typed.get("opinion_reason"))
    return redirect(url_for("staff.case_detail", id=fault.public_id), 303)
