"""The units, and one unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import render_template, url_for

from warranty.domain.access import Permission
from warranty.domain.terms import Ownership
from warranty.models import Asset, Client
from warranty.services import casefile, estate, records
from warranty.web import views, words
from warranty.web.guards import call, needs
from warranty.web.i18n import N_, reader
from warranty.web.pages.registry import Crumb
from warranty.web.schemas.registry import ASSET_CHANGE
from warranty.web.staff import editing
from warranty.web.staff.clients import placing, sites_of
from warranty.web.staff.editing import REASON, About, Field, Form
from warranty.web.staff.room import blueprint
from warranty.web.staff.unit import asking
from warranty.web.views import assets as shown

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


@blueprint.get("/assets/<uuid:id>")
@needs(Permission.READ, of=Asset)
def asset_detail(asset: Asset) -> str:
    """One unit."""
    [unit] = casefile.find_units(call().session, asset_id=asset.id)
    return render_template("staff/asset_detail.html", frame=views.frame(), view=shown.asset(unit, asking(asset)))


_UNIT = Form(
    ASSET_CHANGE,
    (
        Field(
            "serial_number",
            N_("Serial number"),
            style="mono",
            most=64,
            is_half=True,
            refusal=N_("This serial number cannot be taken: it is a placeholder, or a case of this unit is open."),
        ),
        Field("asset_tag", N_("Tag"), note=N_("optional"), style="mono", most=64, is_half=True),
        Field("name", N_("Name"), note=N_("optional"), most=200),
        Field("site", N_("Site"), kind="select", may_be_null=True, empty=N_("none")),
        Field("ownership", N_("Owner"), kind="select", words=Ownership, named=words.word, is_half=True),
        Field("purchased_on", N_("Bought"), kind="day", note=N_("optional"), may_be_null=True, is_half=True),
        REASON,
    ),
)


def _about(asset: Asset) -> About:
    said, url = reader().text, url_for("staff.asset_detail", id=asset.public_id)
    return About(
        said(N_("Change the unit")), said(N_("Save the unit")), "assets", (Crumb(asset.serial_number, url),), url
    )


def _choices(asset: Asset) -> dict[str, tuple[tuple[str, str], ...]]:
    return {"site": sites_of(call().session.get_one(Client, asset.client_id))}


@blueprint.get("/assets/<uuid:id>/edit")
@needs(Permission.REGISTER, of=Asset)
def asset_edit(asset: Asset) -> str:
    """The form of a unit."""
    return editing.edit(_UNIT, _about(asset), records.ASSETS, asset, choices=_choices(asset))


@blueprint.post("/assets/<uuid:id>/edit")
@needs(Permission.REGISTER, of=Asset)
def correct_asset(asset: Asset) -> Response | tuple[str, int]:
    """Change a unit."""
    correct, choices = placing(estate.correct_asset), _choices(asset)
    return editing.amend(_UNIT, _about(asset), records.ASSETS, asset, correct, choices=choices)
