"""The registry: what programs send to add to it, and what they get of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from warranty.domain.terms import (
    AssetState,
    Cause,
    Component,
    CoverageKind,
    CoverageSays,
    CoverageState,
    Delivery,
    EvidenceSource,
    Fulfilment,
    Ownership,
    ScopeKind,
    ServiceLevel,
    Share,
    UnitSays,
)
from warranty.services.estate import MOST_DAYS_OR_CLAIMS, Contact
from warranty.web.schemas.faults import AddressBody
from warranty.web.schemas.fields import Strict, line, moment, word
from warranty.web.schemas.lists import ListQuery

if TYPE_CHECKING:
    from collections.abc import Mapping


class OfClientQuery(ListQuery):
    """Which of a client's."""

    client = fields.UUID(load_default=None)


class AssetQuery(OfClientQuery):
    """Which units; ``q`` is looked for in serial number, name and asset tag."""

    serial_number = line(64, load_default=None)
    q = line(100, load_default=None)
    state = word(AssetState, load_default=None)


# --- what is sent ---


class ClientBody(Strict):
    """A new client."""

    name = line(200, needed=True)


class SiteContactBody(Strict):
    """Somebody at a site."""

    name = line(200, needed=True)
    phone = line(64)
    email = line(254)
    language = line(8)

    @post_load
    def contact(self, data: dict[str, Any], **_options: Any) -> Contact:
        """Make the service's value."""
        return Contact(**data)


class SiteBody(Strict):
    """A new site."""

    name = line(200, needed=True)
    client = fields.UUID(required=True)
    time_zone = line(64, needed=True)
    address = fields.Nested(AddressBody, load_default=dict)
    contacts = fields.List(fields.Nested(SiteContactBody), load_default=list, validate=validate.Length(max=50))
    access_hours = line(200)


class AssetBody(Strict):
    """A new unit; ``state`` ``in_service`` records a healthy baseline."""

    serial_number = line(64, needed=True)
    client = fields.UUID(required=True)
    site = fields.UUID(load_default=None)
    product = fields.UUID(load_default=None)
    name = line(200)
    asset_tag = line(64)
    ownership = word(Ownership, load_default=Ownership.CLIENT)
    state = word(AssetState, load_default=AssetState.ONBOARDING)
    purchased_on = fields.Date(load_default=None)


class ScopeBody(Strict):
    """What a coverage is written for: exactly one of these."""

    asset = fields.UUID()
    product = fields.UUID()
    site = fields.UUID()
    client = fields.UUID()

    @validates_schema
    def names_one(self, data: Mapping[str, Any], **_options: Any) -> None:
        """One, not none and not several."""
        if len(data) != 1:
            raise ValidationError(f"Give exactly one of {', '.join(ScopeKind)}.")


class EvidenceBody(Strict):
    """What a coverage rests on."""

    source = word(EvidenceSource, load_default=EvidenceSource.NONE)
    vendor_says = word(CoverageSays, load_default=None)
    checked_at = moment(load_default=None)
    error = line(500, load_default=None)


def _count(**options: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(0, MOST_DAYS_OR_CLAIMS), **options)


class CoverageBody(Strict):
    """A new coverage. The fields of the decision's case document; ``client`` is needed where the scope is a product."""

    scope = fields.Nested(ScopeBody, required=True)
    client = fields.UUID(load_default=None)
    contract = fields.UUID(load_default=None)
    account = fields.UUID(load_default=None)
    contract_number = line(120, needed=True)
    name = line(200)
    kind = word(CoverageKind, required=True)
    fulfilment = word(Fulfilment, required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(load_default=None)
    time_zone = line(64, needed=True)
    state = word(CoverageState, load_default=CoverageState.ACTIVE)
    covers = fields.List(word(Share), required=True)
    excluded_causes = fields.List(word(Cause), load_default=list)
    excluded_components = fields.List(word(Component), load_default=list)
    sites = fields.List(fields.UUID(), load_default=None, validate=validate.Length(max=500))
    service_level = word(ServiceLevel, load_default=ServiceLevel.UNKNOWN)
    delivery = word(Delivery, load_default=Delivery.UNKNOWN)
    grace_days = _count(load_default=0)
    grace_is_covered = fields.Boolean(load_default=False)
    waiting_days = _count(load_default=0)
    claims_after_end_days = _count(load_default=0)
    claims_limit = _count(load_default=None)
    claims_used = _count(load_default=0)
    evidence = fields.Nested(EvidenceBody, load_default=lambda: EvidenceBody().load({}))


# --- what is got ---


class ClientDocument(Strict):
    """A client of the MSP; amounts are minor units of ``currency``."""

    id = fields.UUID()
    name = fields.String()
    currency = fields.String()
    call_out_minor = fields.Integer()
    labour_hour_minor = fields.Integer()
    created_at = fields.AwareDateTime()


class ContactDocument(Strict):
    """Somebody at a site."""

    name = fields.String()
    phone = fields.String()
    email = fields.String()
    language = fields.String()


class SiteDocument(Strict):
    """A place of a client."""

    id = fields.UUID()
    client = fields.UUID()
    name = fields.String()
    time_zone = fields.String()
    address = fields.Dict(keys=fields.String(), values=fields.String())
    contacts = fields.List(fields.Nested(ContactDocument))
    access_hours = fields.String()


class ProductDocument(Strict):
    """A model of a manufacturer."""

    id = fields.UUID()
    manufacturer = fields.String()
    model = fields.String()
    part_number = fields.String()
    base_term_months = fields.Integer(allow_none=True)
    list_price_minor = fields.Integer(allow_none=True)
    currency = fields.String()


class LookupDocument(Strict):
    """What the vendor last said of the unit itself."""

    vendor_says = word(UnitSays, allow_none=True)
    checked_at = fields.AwareDateTime(allow_none=True)
    error = fields.String(allow_none=True)


class AssetDocument(Strict):
    """A unit."""

    id = fields.UUID()
    client = fields.UUID()
    site = fields.UUID(allow_none=True)
    product = fields.UUID(allow_none=True)
    serial_number = fields.String()
    name = fields.String()
    asset_tag = fields.String()
    ownership = word(Ownership)
    state = word(AssetState)
    purchased_on = fields.Date(allow_none=True)
    replaced_by = fields.UUID(allow_none=True)
    handover_exceptions = fields.List(fields.String())
    absence_attested = fields.Boolean()
    lookup = fields.Nested(LookupDocument)
    created_at = fields.AwareDateTime()


ASSET_FOR_CLIENT = (
    "id",
    "client",
    "site",
    "product",
    "serial_number",
    "name",
    "asset_tag",
    "ownership",
    "state",
    "purchased_on",
    "replaced_by",
)
"""What a client sees of its unit."""


class ContractDocument(Strict):
    """A paper."""

    id = fields.UUID()
    client = fields.UUID()
    number = fields.String()
    name = fields.String()


class EvidenceDocument(Strict):
    """What a coverage rests on."""

    source = word(EvidenceSource)
    vendor_says = word(CoverageSays, allow_none=True)
    checked_at = fields.AwareDateTime(allow_none=True)
    error = fields.String(allow_none=True)


class CoverageDocument(Strict):
    """A coverage, in the fields of the decision's case document."""

    id = fields.UUID()
    client = fields.UUID()
    contract = fields.UUID(allow_none=True)
    account = fields.UUID(allow_none=True)
    asset_id = fields.UUID(allow_none=True)
    scope = fields.Dict(keys=fields.String(), values=fields.UUID())
    contract_number = fields.String()
    name = fields.String()
    kind = word(CoverageKind)
    fulfilment = word(Fulfilment)
    starts_on = fields.Date()
    ends_on = fields.Date(allow_none=True)
    time_zone = fields.String()
    state = word(CoverageState)
    covers = fields.List(fields.String())
    excluded_causes = fields.List(fields.String())
    excluded_components = fields.List(fields.String())
    sites = fields.List(fields.String(), allow_none=True)
    service_level = word(ServiceLevel)
    delivery = word(Delivery)
    grace_days = fields.Integer()
    grace_is_covered = fields.Boolean()
    waiting_days = fields.Integer()
    claims_after_end_days = fields.Integer()
    claims_limit = fields.Integer(allow_none=True)
    claims_used = fields.Integer()
    evidence = fields.Nested(EvidenceDocument)
