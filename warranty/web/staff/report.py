"""The report of a fault, with its preview; an unknown unit is registered on the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from flask import Response, after_this_request, flash, make_response, render_template, request, url_for
from flask import redirect as lead
from sqlalchemy import select

from warranty.domain.access import Permission
from warranty.domain.media import IMAGES
from warranty.models import Client, Fault, Site, User
from warranty.services import estate, files, queries, reporting
from warranty.services.estate import Invalid
from warranty.services.files import Upload
from warranty.services.moves import Because
from warranty.web import views, words
from warranty.web.forms import key_of, said_of, take_report, typed_report, uuid_of
from warranty.web.guards import call, needs
from warranty.web.headers import let_scan
from warranty.web.i18n import N_, reader
from warranty.web.pages.report import ReportView
from warranty.web.staff import uploads
from warranty.web.staff.room import blueprint
from warranty.web.views import report as filling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from warranty.models import Product
    from warranty.services.casefile import UnitFile

# Clients report too, but on their own page: of those who report, only the MSP's people handle claims.
_REPORTS_HERE = Permission.HANDLE

MOST_PHOTOS = 8
ALL_PHOTOS = 40 * 1024 * 1024
_FORM = 256 * 1024  # what is typed, and the bounds between the parts


@blueprint.get("/faults/new")
@needs(_REPORTS_HERE)
def fault_new() -> Response:
    """The form; one that names no unit goes on with the reader's draft."""
    draft = None if request.args else _draft()
    return _form(draft.values if draft else request.args, {}, draft=draft)


@blueprint.post("/faults/preview")
@needs(_REPORTS_HERE, writes=False)
def fault_preview() -> str:
    """What would become of the report as it stands; opens nothing."""
    typed = typed_report(request.form)
    return render_template("staff/fault_preview.html", view=ReportView(filling.preview(typed), "", values=typed))


@blueprint.post("/faults/new/unit")
@needs(Permission.REGISTER, takes_key=False, largest=ALL_PHOTOS + _FORM)
def register_unit() -> Response:
    """Register the unit that the label of a report names; the report goes on with what was typed."""
    typed = typed_report(request.form)
    wrong = _register(typed)
    return _form(typed, wrong, 422 if wrong else 200)


@blueprint.post("/faults/new")
@needs(_REPORTS_HERE, largest=ALL_PHOTOS + _FORM)
def report() -> Response:
    """Log the fault, decide it, order what follows."""
    typed = typed_report(request.form)
    photos = [Upload(file.read(), file.filename) for file in request.files.getlist("photos") if file.filename]
    units = filling.meant(typed)
    one = filling.pick(units, typed)
    wrong = {} if one else _wrong_unit(units, typed)
    made = take_report(_named(one, typed), wrong | _wrong_photos(photos))
    if isinstance(made, dict):
        return _form(typed, made, 422)
    _drop()
    case = url_for("staff.case_detail", id=made.fault.public_id)
    if photos:
        _keep_afterwards(made.fault, photos, case)
    return make_response(lead(case, 303))


@blueprint.after_request
def _lead_script(response: Response) -> Response:
    """A script that sent the form is told where to go: it would follow the way itself, and see what the reader should."""
    if (
        request.endpoint in {"staff.report", "staff.keep_draft"}
        and response.status_code == 303
        and "HX-Request" in request.headers
    ):
        return Response(status=204, headers={"HX-Redirect": response.headers["Location"]})
    return response


# --- a draft: what was typed waits for its author, and is no fault yet ---

_DRAFT: Final = "report_draft"
_OF_A_DRAFT: Final = (
    *("serial_number", "client", "component", "component_ref", "cause", "symptom", "severity", "occurred_at"),
    *("diagnostic_code", "troubleshooting"),
)
"""What a draft keeps: no photos, and nobody's name or address."""

_LONGEST: Final = 4_000


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody typed and has not sent yet."""

    at: datetime
    values: dict[str, str]


def _draft() -> Draft | None:
    kept = call().session.get_one(User, call().principal.user_id).choices.get(_DRAFT)
    return Draft(datetime.fromisoformat(kept["at"]), kept["values"]) if kept else None


@blueprint.post("/faults/draft")
@needs(_REPORTS_HERE, takes_key=False, largest=ALL_PHOTOS + _FORM)
def keep_draft() -> Response:
    """Keep what was typed for its author; nothing is reported by it."""
    typed, said = typed_report(request.form), reader().text
    values = {name: typed[name] for name in _OF_A_DRAFT if typed.get(name, "").strip()}
    errors = said_of([name for name, value in values.items() if len(value) > _LONGEST or "\0" in value], typed)
    if not values:
        errors = {"serial_number": said(N_("There is nothing to keep yet."))}
    if errors:
        return _form(typed, errors, 422)
    user = call().session.get_one(User, call().principal.user_id)
    user.choices = user.choices | {_DRAFT: {"at": call().now.isoformat(), "values": values}}
    flash(said(N_("Kept as your draft, without photos and contact. “Report a fault” goes on with it.")))
    return make_response(lead(url_for("staff.board"), 303))


@blueprint.post("/faults/draft/drop")
@needs(_REPORTS_HERE)
def drop_draft() -> Response:
    """Throw the draft away."""
    _drop()
    return make_response(lead(url_for("staff.fault_new"), 303))


def _drop() -> None:
    user = call().session.get_one(User, call().principal.user_id)
    if _DRAFT in user.choices:
        user.choices = {name: value for name, value in user.choices.items() if name != _DRAFT}


def _form(
    values: Mapping[str, str], errors: Mapping[str, str], status: int = 200, *, draft: Draft | None = None
) -> Response:
    view = ReportView(
        filling.preview(values),
        key_of(values),
        tuple((str(one.public_id), one.name) for one in queries.clients(call().session)),
        most_photos=MOST_PHOTOS,
        values=dict(values),
        errors=errors,
        biggest=files.BIGGEST,
        biggest_together=ALL_PHOTOS,
        draft_at=draft.at if draft else None,
    )
    page = render_template("staff/fault_new.html", frame=views.frame(), view=view, **words.choices())
    return let_scan(make_response(page, status))


# --- which unit ---


def _named(unit: UnitFile | None, typed: dict[str, str]) -> dict[str, str]:
    """The report of a unit that is known; of an unknown or unclear one as it was typed."""
    if unit is None:
        return typed
    known = {name: value for name, value in typed.items() if name not in {"serial_number", "client"}}
    return known | {"asset_id": str(unit.asset.public_id)}


def _wrong_unit(units: Sequence[UnitFile], typed: Mapping[str, str]) -> dict[str, str]:
    if not units:
        return _wrong_code(typed)
    is_answered = typed.get("unit") == filling.NONE_OF_THEM
    return {} if is_answered else {"unit": reader().text(N_("Choose which of these units it is."))}


def _wrong_code(typed: Mapping[str, str]) -> dict[str, str]:
    if filling.our_code(typed.get("serial_number", "")):
        return {"serial_number": reader().text(N_("This code is of no unit that is here."))}
    return {}


def _register(typed: Mapping[str, str]) -> dict[str, str]:
    """Register the unit, where it is not there yet; else what is wrong, by field."""
    session, said = call().session, reader().text
    client = session.scalars(select(Client).where(Client.public_id == uuid_of(typed.get("client")))).one_or_none()
    site = session.scalars(select(Site).where(Site.public_id == uuid_of(typed.get("site")))).one_or_none()
    product = _product(typed.get("product", ""))
    wrong = _wrong_code(typed)
    if client is None:
        wrong["client"] = said(N_("Say whose unit it is."))
    if typed.get("product", "").strip() and product is None:
        wrong["product"] = said(N_("There is no such product. Choose one of the list, or leave this empty."))
    if wrong or client is None:
        return wrong
    estate.hold(session, [client.id])  # a second press finds what the first registered
    because = Because(call().principal.actor, "registered with a report", call().now)
    serial = typed.get("serial_number", "")
    try:
        if estate.find_twin(session, client, serial, product) is None:
            estate.add_asset(session, client, serial_number=serial, product=product, site=site, because=because)
    except Invalid as err:
        words_of = {"site": N_("Choose a site of this client.")}
        return {err.field: said(words_of.get(err.field, N_("This is no serial number that a unit can have.")))}
    return {}


def _product(text: str) -> Product | None:
    """The one product that is called so, by maker and model, by model or by part number."""
    name = " ".join(text.lower().split())
    fit = [
        product
        for product in (reporting.products_named(call().session, name) if name else ())
        if name
        in {f"{product.manufacturer} {product.model}".lower(), product.model.lower(), product.part_number.lower()}
    ]
    return fit[0] if len(fit) == 1 else None


# --- photos: what can be known of one is asked before the fault is logged; they are kept once it is ---


def _wrong_photos(photos: Sequence[Upload]) -> dict[str, str]:
    said = reader().text
    if len(photos) > MOST_PHOTOS:
        return {
            "photos": said(
                N_("At most %(most)s photos go with a report: add the others at the case."), most=MOST_PHOTOS
            )
        }
    for photo in photos:
        try:
            is_photo = files.kind_of(photo.content) in IMAGES
        except files.TooLarge:
            most = {"mb": files.BIGGEST // 1024 // 1024, "pixels": files.MOST_PIXELS // 1_000_000}
            too_large = N_("%(name)s is too large: at most %(mb)s MB and %(pixels)s million pixels.")
            return {"photos": said(too_large, name=photo.name, **most)}
        except Invalid:
            is_photo = False
        if not is_photo:
            return {"photos": said(N_("%(name)s is no whole JPEG, PNG or WebP image."), name=photo.name)}
    return {}


def _keep_afterwards(fault: Fault, photos: Sequence[Upload], case: str) -> None:
    """Keep the photos once the fault is committed: nobody waits for the store in its transaction."""

    @after_this_request
    def keep(response: Response) -> Response:
        if response.headers.get("Location") != case:
            return response  # the fault was not logged, or an equal form that came first has answered
        for photo in photos:
            uploads.keep(fault, photo)
        return response
