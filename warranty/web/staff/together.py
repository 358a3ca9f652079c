"""Many units changed together: chosen in the list, looked at first, then done with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy import select

from warranty.domain.access import Permission
from warranty.domain.terms import AssetState, Ownership
from warranty.models import Site
from warranty.services import inventory, together
from warranty.services.together import Outcome, Wish
from warranty.web import views, words
from warranty.web.api.base import by_caller
from warranty.web.forms import key_of, uuid_of
from warranty.web.guards import call, needs
from warranty.web.i18n import N_, reader
from warranty.web.pages.together import TogetherView, UnitOutcome
from warranty.web.schemas.contracts import TogetherBody
from warranty.web.staff.editing import Field, Form
from warranty.web.staff.room import blueprint
from warranty.web.views import asset_list as listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from werkzeug.datastructures import MultiDict
    from werkzeug.wrappers import Response

_MOST_SITES: Final = 500
_NOWHERE: Final = "none"
_STATES: Final = (AssetState.IN_SERVICE, AssetState.IN_STOCK, AssetState.LOST, AssetState.STOLEN)
_WHY: Final = Form(
    TogetherBody(), (Field("reason", N_("Reason"), wrong=N_("Say why: it is kept with each unit."), most=500),)
)


@blueprint.get("/assets/together")
@needs(Permission.REGISTER, wide=True)
def asset_together() -> str:
    """The form: what is to become of the units that were chosen in the list."""
    ids, too_many = _chosen(request.args)
    return _page(ids, {}, too_many=too_many)


def _chosen(args: MultiDict[str, str]) -> tuple[list[UUID], bool]:
    """The units that a list names, or all that its filter has; and whether these are too many to be changed at once."""
    if args.get("all") != "yes":
        named = dict.fromkeys(map(uuid_of, args.getlist("row")))
        return [id_ for id_ in named if id_ is not None][: together.MOST], False
    asked, wanted = call(), listed.filter_of(args)
    where = inventory.conditions(asked.session, wanted, now=asked.now)
    found = inventory.ids(asked.session, wanted, where, limit=together.MOST + 1)
    return ([], True) if len(found) > together.MOST else (found, False)


@blueprint.post("/assets/together/look")
@needs(Permission.REGISTER, wide=True, writes=False)
def look_at_units() -> tuple[str, int]:
    """What would become of each unit, without changing any."""
    typed, (ids, _) = request.form, _chosen(request.form)
    wish, errors = _read(typed)
    found = together.outcomes(call().session, ids, wish)
    return _page(ids, typed, errors=errors, found=None if errors else found), 422 if errors else 200


@blueprint.post("/assets/together")
@needs(Permission.REGISTER, wide=True)
def change_units() -> Response | tuple[str, int]:
    """Do what was looked at, unless it is another thing by now."""
    typed, (ids, _) = request.form, _chosen(request.form)
    wish, errors = _read(typed)
    found = together.outcomes(call().session, ids, wish, lock=True)
    if errors:
        return _page(ids, typed, errors=errors), 422
    body, errors = _WHY.read(typed)
    if errors:
        return _page(ids, typed, errors=errors, found=found), 422
    if typed.get("seen") != together.version(found):
        return _page(ids, typed, found=found, has_changed=True), 409
    count = together.change(call().session, found, because=by_caller(body["reason"]))
    said = reader().text(
        N_("%(count)s units are changed. What each was before stands in its history; change them back the same way."),
        count=reader().count(count),
    )
    flash(said)
    return redirect(url_for("staff.asset_list"), 303)


def _read(typed: Mapping[str, str]) -> tuple[Wish, dict[str, str]]:
    """What a form wishes, and what is wrong with it."""
    errors: dict[str, str] = {}
    said = {name: typed.get(name, "") for name in ("site", "ownership", "state")}
    site_id = uuid_of(said["site"])
    site = _site(site_id) if site_id is not None else None
    if said["site"] not in {"", _NOWHERE} and site is None:
        errors["site"] = reader().text(N_("Choose one of these sites."))
    if said["ownership"] and said["ownership"] not in list(Ownership):
        errors["ownership"] = reader().text(N_("Choose who owns them."))
    if said["state"] and said["state"] not in _STATES:
        errors["state"] = reader().text(N_("Choose one of these states."))
    if errors:
        return Wish(), errors
    wish = Wish(
        site=site,
        leaves_site=said["site"] == _NOWHERE,
        ownership=Ownership(said["ownership"]) if said["ownership"] else None,
        state=AssetState(said["state"]) if said["state"] else None,
    )
    if wish.says_nothing:
        errors["site"] = reader().text(N_("Say what is to become of them: a site, an owner or a state."))
    return wish, errors


def _site(id_: UUID) -> Site | None:
    """A site that the caller may see."""
    return call().session.scalars(select(Site).where(Site.public_id == id_)).one_or_none()


def _page(
    ids: Sequence[UUID],
    typed: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    found: Sequence[Outcome] | None = None,
    too_many: bool = False,
    has_changed: bool = False,
) -> str:
    session = call().session
    known = found if found is not None else together.outcomes(session, ids, Wish())
    owners = {one.client.public_id for one in known}
    sites = inventory.sites(session, next(iter(owners)) if len(owners) == 1 else None, limit=_MOST_SITES)
    rows = [_outcome(one) for one in found or ()]
    view = TogetherView(
        url=url_for("staff.change_units"),
        look_url=url_for("staff.look_at_units"),
        back_url=url_for("staff.asset_list"),
        key=key_of(typed if errors else {}),
        most=together.MOST,
        ids=tuple(str(one.asset.public_id) for one in known),
        count=len(known),
        sites=(
            (_NOWHERE, reader().text(N_("no site"))),
            *((str(id_), name if len(owners) == 1 else f"{client}, {name}") for id_, name, client in sites),
        ),
        owners=tuple((one.value, words.word(one)) for one in Ownership),
        states=tuple((one.value, words.word(one)) for one in _STATES),
        values=typed,
        errors=errors or {},
        too_many=too_many,
        has_changed=has_changed,
        seen=together.version(found) if found is not None else "",
        ready=tuple(row for row in rows if row.left is None),
        left=tuple(row for row in rows if row.left is not None),
    )
    return render_template("staff/asset_together.html", frame=views.frame(), view=view)


def _outcome(found: Outcome) -> UnitOutcome:
    return UnitOutcome(
        serial_number=found.asset.serial_number,
        url=url_for("staff.asset_detail", id=found.asset.public_id),
        client=found.client.name,
        changes=tuple((name, _text(was), _text(becomes)) for name, (was, becomes) in found.changes.items()),
        left=found.left,
        allowed=tuple(words.word(state) for state in found.allowed),
    )


def _text(value: AssetState | Ownership | Site | None) -> str:
    if value is None:
        return reader().text(N_("none"))
    return value.name if isinstance(value, Site) else words.word(value)
