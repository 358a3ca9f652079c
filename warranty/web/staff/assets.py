"""The units, and one unit."""

from __future__ import annotations

from flask import render_template

from warranty.domain.access import Permission
from warranty.models import Asset
from warranty.services import casefile
from warranty.web import views
from warranty.web.guards import call, needs
from warranty.web.staff.room import blueprint
from warranty.web.views import assets as shown


@blueprint.get("/assets/<uuid:id>")
@needs(Permission.READ, of=Asset)
def asset_detail(asset: Asset) -> str:
    """One unit."""
    [unit] = casefile.find_units(call().session, asset_id=asset.id)
    return render_template("staff/asset_detail.html", frame=views.frame(), view=shown.asset(unit))
