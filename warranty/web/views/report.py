"""Fills the report of a fault: what a label means, what would become of the report, what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from marshmallow import ValidationError

from vendors.contract import Duty
from warranty.domain.access import Permission
from warranty.domain.terms import CaseKind, Cause, Component
from warranty.services import casefile, faults, inputs, reporting
from warranty.services.faults import ClientRequired, FaultFacts, OccursLater, UnknownAsset, UnknownClient
from warranty.web import views
from warranty.web.forms import instant, uuid_of
from warranty.web.guards import call
from warranty.web.pages import Subject
from warranty.web.pages.report import OpenCase, PreviewView, UnitView
from warranty.web.schemas.faults import QuestionBody, from_form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from warranty.domain.coverage import Verdict
    from warranty.services.casefile import CaseFile, UnitFile

NONE_OF_THEM: Final = "none"
"""What is chosen where several units share a label and nobody can tell which it is."""

LONGEST_LABEL: Final = 200

# What our labels hold: the address of the unit's page. Of which host does not matter, ids are unique.
_OUR_CODE = re.compile(r"(?:https?://[^/\s]+)?/assets/([0-9a-f-]{36})/?(?:[?#]\S*)?", re.IGNORECASE)
# Makers put the mark "S" (ANSI MH10.8.2: a serial number follows) before the serial in bar codes, and print it without.
_MARKED = re.compile("S[^ ]{4,}", re.IGNORECASE)
_SHOWN_LINES = ("address_line1", "postal_code", "city", "country")
_QUESTION = ("client", "component", "component_ref", "cause", "occurred_at")


def our_code(label: str) -> bool:
    """Whether this is a code of ours, and no serial."""
    return _OUR_CODE.fullmatch(label.strip()) is not None


def meant(values: Mapping[str, str]) -> list[UnitFile]:
    """The units that a typed, pasted or scanned label may mean."""
    label = values.get("serial_number", "").strip()[:LONGEST_LABEL]
    if not label:
        return []
    code = _OUR_CODE.fullmatch(label)
    if code is None:
        units = casefile.find_units(call().session, label=label)
        if not units and _MARKED.match(label):
            units = casefile.find_units(call().session, label=label[1:])
        return units
    named = uuid_of(code[1])
    return casefile.find_units(call().session, asset_id=named) if named else []


def pick(units: Sequence[UnitFile], values: Mapping[str, str]) -> UnitFile | None:
    """The one unit, or the one that was chosen among several; null where that is open."""
    if len(units) == 1:
        return units[0]
    return next((unit for unit in units if str(unit.asset.public_id) == values.get("unit")), None)


def preview(values: Mapping[str, str]) -> PreviewView:
    """What would become of the report as it stands; opens nothing."""
    label = values.get("serial_number", "").strip()
    if not label:
        return PreviewView("empty")
    units = meant(values)
    one = pick(units, values)
    choices = tuple(map(_unit, units)) if len(units) > 1 else ()
    if one is not None:
        return replace(_of_unit(one, values), choices=choices, choice=str(one.asset.public_id))
    if units:
        found = PreviewView("ambiguous", choices=choices, choice=values.get("unit", ""))
        is_asked = found.choice == NONE_OF_THEM
        return replace(_undecided(found, values), needs_client=True) if is_asked else found
    if our_code(label):
        return PreviewView("foreign")
    found = replace(_undecided(PreviewView("unknown"), values), needs_client=True)
    if not call().principal.may(Permission.REGISTER):
        return found
    client = uuid_of(values.get("client"))
    sites = reporting.sites(call().session, client) if client else []
    products = reporting.products_named(call().session, values.get("product", ""))
    return replace(
        found,
        may_register=True,
        sites=tuple((str(site.public_id), site.name) for site in sites),
        products=tuple(f"{product.manufacturer} {product.model}" for product in products),
    )


def _undecided(found: PreviewView, values: Mapping[str, str]) -> PreviewView:
    """With the verdict on a unit that nobody has identified, once it is said whose it is."""
    facts = _facts(values, serial_number=values["serial_number"].strip())
    if facts is None or facts.client_id is None:
        return found
    try:
        verdict, file, _ = faults.preview(call().session, call().principal, facts, now=call().now)
    except (ClientRequired, UnknownClient, UnknownAsset, OccursLater):
        return found
    return replace(found, verdict=views.verdict_view(verdict, file.coverages, None))


def _of_unit(found: UnitFile, values: Mapping[str, str]) -> PreviewView:
    unit = casefile.successor(call().session, found)
    account = unit.account_for(Duty.OPEN)
    vendor = unit.product.manufacturer if unit.product and account else None
    file, verdict = _decided(unit, values)
    shown = replace(
        _unit(unit),
        instead_of="" if unit is found else found.asset.serial_number,
        covered_today=views.sign(faults.covered_now(file)),
        open_cases=tuple(
            OpenCase(f"/cases/{one.id}", one.component, one.component_ref)
            for one in file.case.cases
            if one.kind is CaseKind.FAULT and one.closed_at is None
        ),
        last_swap_at=reporting.last_swap(call().session, unit.asset),
    )
    if verdict is None:
        return PreviewView("incomplete", unit=shown, vendor=vendor)
    asks = inputs.of_report(call().runtime, unit, verdict, file.case.fault.component)
    return PreviewView(
        "decided",
        unit=shown,
        verdict=views.verdict_view(verdict, file.coverages, vendor),
        vendor=vendor,
        asks_for=tuple(need.value for need in asks.missing),
        contact=_site_contact(unit),
        address=", ".join(filter(None, (unit.site.address.get(name) for name in _SHOWN_LINES))) if unit.site else "",
    )


def _decided(unit: UnitFile, values: Mapping[str, str]) -> tuple[CaseFile, Verdict | None]:
    """The case of a unit, and the verdict as soon as enough is typed for one."""
    facts = _facts(values, asset_id=str(unit.asset.public_id))
    if facts is not None:
        try:
            verdict, file = faults.preview_of(call().session, unit, facts, now=call().now)
        except OccursLater:
            pass
        else:
            return file, verdict
    anything = FaultFacts(Component.UNIT, Cause.HARDWARE_FAILURE, "")
    return faults.preview_of(call().session, unit, anything, now=call().now)[1], None


def _facts(values: Mapping[str, str], **names: str) -> FaultFacts | None:
    body = instant(from_form({name: values[name] for name in _QUESTION if name in values} | names))
    if "asset_id" in names:
        body.pop("client", None)  # the unit says whose it is
    try:
        facts: FaultFacts = QuestionBody().load(body)
    except ValidationError:
        return None
    return facts


def _site_contact(unit: UnitFile) -> str:
    """Who is called where the report names nobody; nobody where the site has no contact."""
    person = unit.site_contact
    return ", ".join(filter(None, (person.name, person.phone))) if person else ""


def _unit(unit: UnitFile) -> UnitView:
    subject = Subject(
        component=Component.UNIT,
        component_ref="",
        serial_number=unit.asset.serial_number,
        product=f"{unit.product.manufacturer} {unit.product.model}" if unit.product else None,
        unit_name=unit.asset.name,
        site_name=unit.site.name if unit.site else None,
        client_name=unit.client.name,
    )
    return UnitView(str(unit.asset.public_id), subject, unit.asset.asset_tag)
