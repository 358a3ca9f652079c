"""Defective units that go back: which, until when, what they would cost; one of them, and what a person says of it."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from flask import redirect, render_template, request, url_for

from warranty.domain.access import Permission
from warranty.domain.lifecycles import ShipmentDirection
from warranty.domain.returns import Blame, CostKind, Holder
from warranty.domain.terms import Party
from warranty.languages import read_sum
from warranty.models import Client, File, Shipment
from warranty.services import owners, returns
from warranty.services.estate import Invalid
from warranty.services.moves import IllegalMove, attempt
from warranty.services.returns import Certificate, Cost, Exposure, Filters, Plan
from warranty.web import slips, views, words
from warranty.web.api.base import by_caller
from warranty.web.errors import Problem
from warranty.web.forms import is_late, key_of, said_of, uuid_of
from warranty.web.guards import call, find, needs
from warranty.web.i18n import N_, reader
from warranty.web.pages import returns as pages
from warranty.web.schemas.returns import MOST_MINOR
from warranty.web.staff.clients import ROWS, list_frame, searched
from warranty.web.staff.room import blueprint
from warranty.web.views import returns as return_views

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum

    from flask import Response as FlaskResponse
    from werkzeug.wrappers import Response

    from warranty.services.returns import Item

SPANS: Final = ("overdue", "7", "30", "undated")


@blueprint.get("/returns")
@needs(Permission.READ)
def return_list() -> str:
    """The units that wait to be sent back, the most urgent first, and what they would cost, client by client."""
    session, (_, after) = call().session, searched()
    named, span, who = uuid_of(request.args.get("client")), request.args.get("due", ""), request.args.get("holder", "")
    client = find(Client, named) if named else None
    span, holder = span if span in SPANS else "", next((one for one in Holder if one == who), None)
    filters = _filters(span, holder, client)
    found, last = returns.due(session, filters, after=after, limit=ROWS)
    sums = returns.exposure(session, filters)
    kept: dict[str, Any] = {"due": span or None, "holder": holder, "client": client.public_id if client else None}
    view = pages.ReturnsView(
        rows=tuple(return_views.row(item) for item in found),
        whole=_whole([one for _, _, one in sums]),
        owners=tuple((name, url_for("staff.return_list", **{**kept, "client": id_}), one) for id_, name, one in sums),
        spans=tuple(
            (_span_name(one), url_for("staff.return_list", **{**kept, "due": one or None}), one == span)
            for one in ("", *SPANS)
        ),
        holders=tuple(
            (
                reader().text(N_("Anybody")) if one is None else words.word(one),
                url_for("staff.return_list", **{**kept, "holder": one}),
                one is holder,
            )
            for one in (None, *Holder)
        ),
        list=list_frame("staff.return_list", "", last, **kept),
        client=client.name if client else None,
        all_clients_url=url_for("staff.return_list", **{**kept, "client": None}),
    )
    return render_template("staff/return_list.html", frame=views.frame(), view=view)


def _filters(span: str, holder: Holder | None, client: Client | None) -> Filters:
    today = reader().today
    return Filters(
        client=client.public_id if client else None,
        holder=holder,
        until=today + timedelta(int(span)) if span.isdigit() else None,
        overdue_on=today if span == "overdue" else None,
        is_undated=span == "undated",
    )


def _span_name(span: str) -> str:
    said = reader().text
    if span.isdigit():
        return said(N_("Next %(days)s days"), days=span)
    return said({"overdue": N_("Overdue"), "undated": N_("Without a day")}.get(span, N_("All that wait")))


def _whole(sums: list[Exposure]) -> Exposure:
    whole = Exposure()
    for one in sums:
        whole.count += one.count
        whole.unpriced += one.unpriced
        for currency, minor in one.sums.items():
            whole.sums[currency] = whole.sums.get(currency, 0) + minor
    return whole


# --- one return ---


def _item(parcel: Shipment) -> Item:
    if parcel.direction is not ShipmentDirection.TO_VENDOR:
        raise Problem("not_found")
    [item] = returns.of_parcels(call().session, [parcel])
    return item


@blueprint.get("/returns/<uuid:id>")
@needs(Permission.READ, of=Shipment)
def return_detail(parcel: Shipment) -> str:
    """One return."""
    return _page(parcel)


def _page(parcel: Shipment, **forms: tuple[Mapping[str, str], dict[str, str]]) -> str:
    session, item = call().session, _item(parcel)
    view = return_views.detail(
        item,
        key_of(*(values for values, _ in forms.values())),
        returns.costs_of(session, parcel),
        owners.colleagues(session),
        returns.contacts_of(session, item.site),
        returns.papers_of(session, item.fault),
        **forms,
    )
    return render_template("staff/return_detail.html", frame=views.frame(), view=view)


@blueprint.get("/returns/<uuid:id>/slip")
@needs(Permission.READ, of=Shipment)
def return_slip(parcel: Shipment) -> FlaskResponse:
    """The packing slip and the label, to print."""
    _item(parcel)
    return slips.answer(parcel)


_CHANGED = N_("This return has changed meanwhile. Look at it again, then decide.")


def _late(parcel: Shipment, field: str, form: str) -> tuple[str, int]:
    typed = dict(request.form) | {"seen": return_views.seen(_item(parcel))}
    return _page(parcel, **{form: (typed, {field: reader().text(_CHANGED)})}), 409


def _back(parcel: Shipment) -> Response:
    return redirect(url_for("staff.return_detail", id=parcel.public_id), 303)


def _lines(typed: Mapping[str, str], **longest: int) -> list[str]:
    """The fields that hold nothing, or more than they may."""
    return [name for name, most in longest.items() if not 0 < len(typed.get(name, "").strip()) <= most]


def _minor(typed: Mapping[str, str], name: str, currency: str) -> int | None:
    found = read_sum(typed.get(name, ""), currency)
    return found if found is not None and 0 < found <= MOST_MINOR else None


def _chosen(words_: type[StrEnum], typed: Mapping[str, str], name: str) -> Any:
    return next((one for one in words_ if one == typed.get(name)), None)


@blueprint.post("/returns/<uuid:id>/plan")
@needs(Permission.HANDLE, of=Shipment)
def plan_return(parcel: Shipment) -> Response | tuple[str, int]:
    """Say who has the unit, where it goes, and what the vendor would bill."""
    item, typed, session = _item(parcel), request.form, call().session
    if is_late(typed, return_views.seen(item)):
        return _late(parcel, "plan_who", "plan")
    currency = item.exposure[1] if item.exposure else item.client.currency
    wrong = _lines(typed, plan_reason=2000)
    charge = _minor(typed, "plan_charge", currency)
    if typed.get("plan_charge", "").strip() and charge is None:
        wrong.append("plan_charge")
    if len(typed.get("plan_address", "")) > 500:
        wrong.append("plan_address")
    who = _named(item, typed.get("plan_who", ""))
    if who is None:
        wrong.append("plan_who")
    if wrong or who is None:
        return _page(parcel, plan=(typed, said_of(wrong, typed))), 422
    given = Plan(
        **who,
        return_address=typed.get("plan_address", "").strip(),
        keeps_media=bool(typed.get("plan_media")),
        charge_minor=charge,
        currency=currency if charge else None,
    )
    try:
        with attempt(session):
            returns.plan(session, parcel, given, by_caller(typed["plan_reason"].strip()))
    except (IllegalMove, Invalid):
        return _late(parcel, "plan_who", "plan")
    return _back(parcel)


def _named(item: Item, said: str) -> dict[str, Any] | None:
    """Whom a form names: the MSP, the client, a contact of the site or a colleague; null where it is none of them."""
    session, id_ = call().session, uuid_of(said)
    if said in {Holder.MSP, Holder.CLIENT}:
        return {"holder": Holder(said)}
    for person in returns.contacts_of(session, item.site):
        if person.public_id == id_:
            return {"holder": Holder.CONTACT, "person": person}
    user = owners.colleague(session, id_)
    return None if user is None else {"holder": Holder.COLLEAGUE, "user": user}


@blueprint.post("/returns/<uuid:id>/cost")
@needs(Permission.HANDLE, Permission.BILL, of=Shipment)
def charge_return(parcel: Shipment) -> Response | tuple[str, int]:
    """Write down what the vendor bills, who pays it, and whose doing it was."""
    item, typed, session = _item(parcel), request.form, call().session
    if is_late(typed, return_views.seen(item)):
        return _late(parcel, "cost_kind", "cost")
    currency = item.exposure[1] if item.exposure else item.client.currency
    kind, payer = _chosen(CostKind, typed, "cost_kind"), _chosen(Party, typed, "cost_payer")
    blame, minor = _chosen(Blame, typed, "cost_blame"), _minor(typed, "cost_amount", currency)
    asked = {"cost_kind": kind, "cost_amount": minor, "cost_payer": payer in returns.PAYERS, "cost_blame": blame}
    wrong = [name for name, value in asked.items() if not value] + _lines(typed, cost_reason=2000)
    if wrong or minor is None:
        return _page(parcel, cost=(typed, said_of(wrong, typed))), 422
    try:
        with attempt(session):
            cost = Cost(kind, minor, currency, payer, blame)
            returns.charge(session, parcel, cost, by_caller(typed["cost_reason"].strip()))
    except IllegalMove:
        return _late(parcel, "cost_kind", "cost")
    return _back(parcel)


@blueprint.post("/returns/<uuid:id>/kept")
@needs(Permission.HANDLE, of=Shipment)
def retain_return(parcel: Shipment) -> Response | tuple[str, int]:
    """Keep what would go back, with the certificate of its destruction."""
    item, typed, session = _item(parcel), request.form, call().session
    if is_late(typed, return_views.seen(item)):
        return _late(parcel, "kept_file", "kept")
    wrong = _lines(typed, kept_by=200, kept_method=200, kept_reason=2000)
    papers = {str(one.public_id): one for one in returns.papers_of(session, item.fault)}
    paper: File | None = papers.get(typed.get("kept_file", ""))
    day: date | None = None
    with suppress(ValueError):
        day = date.fromisoformat(typed.get("kept_on", ""))
    wrong += [name for name, value in {"kept_file": paper, "kept_on": day}.items() if value is None]
    if wrong or paper is None or day is None:
        return _page(parcel, kept=(typed, said_of(wrong, typed))), 422
    made = Certificate(paper, typed["kept_by"].strip(), day, typed["kept_method"].strip())
    try:
        with attempt(session):
            returns.retain(session, parcel, made, by_caller(typed["kept_reason"].strip()))
    except Invalid:
        return _page(parcel, kept=(typed, said_of(["kept_on"], typed))), 422
    except IllegalMove:
        return _late(parcel, "kept_file", "kept")
    return _back(parcel)
