"""Fills the pages of returns."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from flask import url_for

from warranty.domain.access import Permission
from warranty.domain.lifecycles import SHIPMENT_TO_VENDOR_MOVES, ShipmentState
from warranty.domain.returns import Blame, CostKind, Holder
from warranty.languages import plain_sum
from warranty.services.returns import COMES_AFTER, PAYERS
from warranty.web import words
from warranty.web.forms import digest
from warranty.web.guards import call
from warranty.web.i18n import N_, reader
from warranty.web.pages import returns as pages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from warranty.models import CaseCost, File, Person, User
    from warranty.services.returns import Item

    Typed = tuple[Mapping[str, str], Mapping[str, str]]


def vendor(item: Item) -> str:
    """What people call whoever waits for the unit."""
    return item.account.name if item.account else item.product.manufacturer if item.product else "\N{EN DASH}"


def holder(item: Item) -> str:
    """Who has the unit, by name where it is somebody."""
    named = {Holder.COLLEAGUE: item.colleague, Holder.CONTACT: item.person, Holder.MSP: item.owner}
    who = named.get(item.parcel.holder)
    return words.word(item.parcel.holder) if who is None else who.name or who.email


def row(item: Item) -> pages.ReturnRow:
    """A return in the list."""
    part = words.word(item.rma.component)
    return pages.ReturnRow(
        url=url_for("staff.return_detail", id=item.parcel.public_id),
        due_on=item.parcel.due_on,
        days=_days(item.parcel.due_on),
        serial=item.asset.serial_number,
        what=f"{part}, {item.product.model}" if item.product else part,
        client=item.client.name,
        client_url=url_for("staff.client_detail", id=item.client.public_id),
        vendor=vendor(item),
        holder=holder(item),
        exposure=item.exposure,
    )


def _days(day: date | None) -> int | None:
    return None if day is None else (day - reader().today).days


def seen(item: Item) -> str:
    """What a form carries of what it was made for."""
    known = item.known
    return digest(
        item.parcel.state,
        item.parcel.holder,
        *((known.user_id, known.person_id, known.return_address, known.charge_minor) if known else ()),
    )


def detail(
    item: Item,
    key: str,
    costs: Sequence[CaseCost],
    colleagues: Sequence[User],
    contacts: Sequence[Person],
    files: Sequence[File],
    *,
    plan: Typed | None = None,
    cost: Typed | None = None,
    kept: Typed | None = None,
) -> pages.ReturnView:
    """One return, with the forms that came back."""
    shown, known, may = row(item), item.known, call().principal.may
    is_due, id_ = item.parcel.state is ShipmentState.DUE, item.parcel.public_id
    kinds = tuple(kind for kind in CostKind if item.parcel.state in COMES_AFTER[kind])
    currency = item.exposure[1] if item.exposure else item.client.currency
    values, errors = plan or (_planned(item), {})
    return pages.ReturnView(
        case_reference=item.fault.reference,
        case_url=url_for("staff.case_detail", id=item.fault.public_id),
        state=item.parcel.state,
        serial=shown.serial,
        unit_url=url_for("staff.asset_detail", id=item.asset.public_id),
        what=shown.what,
        client=shown.client,
        client_url=shown.client_url,
        vendor=shown.vendor,
        rma_number=item.rma.rma_number or "",
        due_on=shown.due_on,
        days=shown.days if is_due else None,
        basis=basis(item),
        told_on=known.told_on if known else None,
        rule_on=known.rule_on if known else None,
        send_by=known.send_by if known else None,
        reminded=known.reminded if known else 0,
        exposure=item.exposure,
        is_vendors_charge=known is not None and known.charge_minor is not None,
        holder=shown.holder,
        holder_reason=known.holder_reason if known else "",
        sent=" ".join(filter(None, (item.parcel.carrier, item.parcel.tracking_number))),
        certificate=_certificate(item),
        costs=tuple(
            pages.CostRow(
                one.kind, one.amount_minor, one.currency, one.payer, one.blame, one.reason, one.settled_at is not None
            )
            for one in costs
        ),
        slip_url=url_for("staff.return_slip", id=id_) if item.rma.rma_number else None,
        plan=pages.PlanForm(
            url_for("staff.plan_return", id=id_),
            key,
            seen(item),
            _who(colleagues, contacts),
            currency,
            values=values,
            errors=errors,
        )
        if is_due and may(Permission.HANDLE)
        else None,
        cost=pages.CostForm(
            url_for("staff.charge_return", id=id_),
            key,
            seen(item),
            tuple((kind.value, words.word(kind)) for kind in kinds),
            tuple((one.value, words.word(one)) for one in sorted(PAYERS)),
            tuple((one.value, words.word(one)) for one in Blame),
            currency,
            values=cost[0] if cost else {},
            errors=cost[1] if cost else {},
        )
        if kinds and (may(Permission.HANDLE) or may(Permission.BILL))
        else None,
        kept=pages.KeptForm(
            url_for("staff.retain_return", id=id_),
            key,
            seen(item),
            tuple((str(one.public_id), one.name) for one in files),
            values=kept[0] if kept else {},
            errors=kept[1] if kept else {},
        )
        if ShipmentState.RETAINED in SHIPMENT_TO_VENDOR_MOVES[item.parcel.state] and may(Permission.HANDLE)
        else None,
    )


def _planned(item: Item) -> dict[str, str]:
    known, parcel = item.known, item.parcel
    who = {Holder.COLLEAGUE: item.colleague, Holder.CONTACT: item.person}.get(parcel.holder)
    said = {"plan_who": parcel.holder.value if who is None else str(who.public_id)}
    if known is not None:
        said["plan_address"] = known.return_address
        said["plan_media"] = "1" if known.keeps_media else ""
        if known.charge_minor is not None and item.exposure is not None:
            said["plan_charge"] = plain_sum(*item.exposure)
    return said


def _who(colleagues: Sequence[User], contacts: Sequence[Person]) -> tuple[tuple[str, str], ...]:
    plain = tuple((one.value, words.word(one)) for one in (Holder.MSP, Holder.CLIENT))
    ours = tuple((str(one.public_id), one.name or one.email) for one in colleagues if one.deactivated_at is None)
    return (*plain, *((str(one.public_id), one.name) for one in contacts), *ours)


def basis(item: Item) -> str:
    """Where the day that counts comes from, in a sentence; empty where there is none."""
    if item.parcel.due_on is None:
        return ""
    say, known = reader().text, item.known
    rule = known.basis if known is not None else None
    if rule is None or known is None or known.told_on is not None:
        return say(N_("The vendor named this day."))
    values = {"days": rule["days"], "start": reader().dated(date.fromisoformat(rule["started_on"]))}
    if rule["business_days"]:
        return say(N_("The vendor's rule: %(days)s business days after %(start)s."), **values)
    return say(N_("The vendor's rule: %(days)s days after %(start)s."), **values)


def _certificate(item: Item) -> str:
    known = item.known
    if known is None or known.destroyed_on is None:
        return ""
    return f"{known.destroyed_by}, {reader().dated(known.destroyed_on)}, {known.method}"
