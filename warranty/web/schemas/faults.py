"""The report of a fault, by form or by REST, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from vendors.contract import Need
from warranty.domain.lifecycles import FaultState
from warranty.domain.terms import Cause, Component, Party, ReasonCode, Route, Share, VerdictWord
from warranty.services.estate import ADDRESS_LINES, ExternalName
from warranty.services.faults import ContactFacts, FaultFacts, ShipToFacts
from warranty.web.schemas.examples import LEFT_OUT
from warranty.web.schemas.fields import Record, Strict, line, moment, text, word

if TYPE_CHECKING:
    from collections.abc import Mapping


class ContactBody(Strict):
    """Who can be called about this fault."""

    name = line(200, needed=True)
    phone = line(64)
    email = line(254)

    @post_load
    def facts(self, data: dict[str, Any], **_options: Any) -> ContactFacts:
        """Make the service's value."""
        return ContactFacts(**data)


class AddressBody(Strict):
    """A postal address."""

    address_line1 = line(200)
    address_line2 = line(200)
    city = line(200)
    postal_code = line(200)
    state = line(200)
    country = line(200)


class ShipToBody(AddressBody):
    """Where the replacement goes, if not to the unit's site."""

    name = line(200, needed=True)

    @post_load
    def facts(self, data: dict[str, Any], **_options: Any) -> ShipToFacts:
        """Make the service's value."""
        return ShipToFacts(data["name"], {name: data[name] for name in ADDRESS_LINES})


class ExternalNameBody(Strict):
    """A record's name in another system."""

    system = line(64, needed=True)
    id = line(200, needed=True)
    url = line(500)

    @post_load
    def facts(self, data: dict[str, Any], **_options: Any) -> ExternalName:
        """Make the service's value."""
        return ExternalName(**data)


class QuestionBody(Strict):
    """Which unit, and what of it failed why: enough for a verdict. ``serial_number`` or ``asset_id`` is needed."""

    example: ClassVar = {"asset_id": LEFT_OUT}

    serial_number = line(64, load_default=None)
    asset_id = fields.UUID(load_default=None)
    client = fields.UUID(load_default=None)
    component = word(Component, required=True)
    component_ref = line(64)
    cause = word(Cause, required=True)
    occurred_at = moment(load_default=None)

    @validates_schema(skip_on_field_errors=False)
    def names_one_unit(self, data: Mapping[str, Any], **_options: Any) -> None:
        """A serial or an id, not both and not neither."""
        serial_number, asset_id = data.get("serial_number"), data.get("asset_id")
        if serial_number is not None and asset_id is not None:
            raise ValidationError("Give serial_number or asset_id, not both.", "asset_id")
        if asset_id is None and not (serial_number or "").strip():
            raise ValidationError("Give the serial number, or asset_id.", "serial_number")

    @post_load
    def facts(self, data: dict[str, Any], **_options: Any) -> FaultFacts:
        """Make the service's value."""
        return FaultFacts(client_id=data.pop("client"), symptom=data.pop("symptom", ""), **data)


class FaultBody(QuestionBody):
    """The report of a fault."""

    symptom = text(4000, needed=True)
    severity = fields.Integer(strict=True, load_default=3, validate=validate.Range(1, 4))
    contact = fields.Nested(ContactBody, load_default=None)
    ship_to = fields.Nested(ShipToBody, load_default=None)
    troubleshooting = text(10_000)
    diagnostic_code = line(120)
    external_ref = fields.Nested(ExternalNameBody, load_default=None)


_FORM_PARTS = {"contact": ("name", "phone", "email"), "ship": ("name", *ADDRESS_LINES)}


def from_form(form: Mapping[str, str]) -> dict[str, Any]:
    """What a form sends, as the body that ``FaultBody`` reads: empty inputs are left out.

    ``contact_name`` is ``contact.name``, ``ship_city`` is ``ship_to.city``. A form's own inputs (its tokens) are not
    the body's. ``occurred_at`` is an instant already: only the page knows in which zone it was typed.
    """
    given = {name: value.strip() for name, value in form.items() if value.strip()}
    names = ("serial_number", "asset_id", "client", "component", "component_ref", "cause", "occurred_at", "symptom")
    body: dict[str, Any] = {
        name: given[name] for name in (*names, "troubleshooting", "diagnostic_code") if name in given
    }
    if "severity" in given:
        body["severity"] = int(given["severity"]) if given["severity"].isdecimal() else given["severity"]
    for part, keys in _FORM_PARTS.items():
        nested = {key: given[f"{part}_{key}"] for key in keys if f"{part}_{key}" in given}
        if nested:
            body["ship_to" if part == "ship" else part] = nested
    return body


def form_errors(errors: Mapping[str, Any]) -> dict[str, str]:
    """What ``FaultBody`` found wrong, by the names of the form's inputs: the first sentence of each."""
    found: dict[str, str] = {}
    for name, said in errors.items():
        if isinstance(said, dict):
            part = "ship" if name == "ship_to" else name
            found |= {f"{part}_{key}": str(sentences[0]) for key, sentences in said.items()}
        else:
            found[name] = str(said[0])
    return found


# --- answers ---


class PaysDocument(Strict):
    """Who pays each share; null for both where that is not decided."""

    parts = word(Party, allow_none=True)
    labour = word(Party, allow_none=True)


class AwardsDocument(Strict):
    """The coverage that won each share."""

    parts = fields.String(allow_none=True)
    labour = fields.String(allow_none=True)


class ReasonDocument(Strict):
    """Why: one entry of a verdict, with its sentence."""

    code = word(ReasonCode)
    share = word(Share, allow_none=True)
    coverage = fields.String(allow_none=True)
    params = fields.Dict(keys=fields.String())
    text = fields.String()


class VerdictDocument(Strict):
    """A verdict, as ``warranty decide`` prints it, beside the unit that it is for.

    ``requires`` is what the vendor would ask for, ``info_missing`` what of it is known neither of the unit nor of its site.
    """

    asset_id = fields.UUID(allow_none=True)
    requires = fields.List(word(Need))
    info_missing = fields.List(word(Need))
    verdict = word(VerdictWord, allow_none=True)
    route = word(Route)
    awards = fields.Nested(AwardsDocument)
    pays = fields.Nested(PaysDocument)
    reasons = fields.List(fields.Nested(ReasonDocument))
    engine_version = fields.String()


class OutcomeDocument(Strict):
    """What became of a report: exactly one route, and the record that it led to."""

    id = fields.UUID()
    asset_id = fields.UUID(allow_none=True)
    state = word(FaultState)
    verdict = word(VerdictWord, allow_none=True)
    route = word(Route, allow_none=True)
    reasons = fields.List(fields.Nested(ReasonDocument))
    pays = fields.Nested(PaysDocument)
    rma_id = fields.UUID(allow_none=True)
    job_id = fields.UUID(allow_none=True)
    review_item_id = fields.UUID(allow_none=True)


class FaultDocument(OutcomeDocument, Record):
    """A fault as it stands: the newest verdict, the newest record of each kind."""

    reference = fields.String()
    client = fields.UUID()
    serial_number = fields.String()
    component = word(Component)
    component_ref = fields.String()
    cause = word(Cause)
    symptom = fields.String()
    severity = fields.Integer()
    occurred_at = fields.AwareDateTime(allow_none=True)
    reported_at = fields.AwareDateTime()
    duplicate_of = fields.UUID(allow_none=True)
    owner = fields.UUID(allow_none=True)
