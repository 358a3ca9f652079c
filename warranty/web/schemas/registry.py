"""The registry: what programs send to add to it, and what they get of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

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
from warranty.services.cover import Cover
from warranty.services.estate import MOST_DAYS_OR_CLAIMS, MOST_MINOR, MOST_MONTHS, Contact
from warranty.web.schemas.examples import LEFT_OUT
from warranty.web.schemas.faults import AddressBody, ExternalNameBody
from warranty.web.schemas.fields import Record, Strict, changes_of, day, line, moment, word
from warranty.web.schemas.lists import ListQuery

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum


class OfClientQuery(ListQuery):
    """Which of a client's."""

    client = fields.UUID(load_default=None)


class ClientQuery(ListQuery):
    """Which clients; ``q`` is a part of the name."""

    q = line(100, load_default=None)


class SiteQuery(OfClientQuery):
    """Which sites; ``q`` is a part of the name."""

    q = line(100, load_default=None)


class ContactQuery(OfClientQuery):
    """Who of those at a site."""

    site = fields.UUID(load_default=None)


class ProductQuery(ListQuery):
    """Which products; ``q`` is a part of model or part number, ``manufacturer`` a whole name, whatever its case."""

    q = line(100, load_default=None)
    manufacturer = line(120, load_default=None)


class AssetQuery(OfClientQuery):
    """Which units; ``q`` is looked for in serial number, name and asset tag.

    ``coverage``: how a unit stands covered today; ``unknown`` where its vendor does not know it, or nobody has asked.
    ``ends_before``: the last of its coverages ends before that day.
    """

    serial_number = line(64, load_default=None)
    q = line(100, load_default=None)
    site = fields.UUID(load_default=None)
    product = fields.UUID(load_default=None)
    state = word(AssetState, load_default=None)
    coverage = word(Cover, load_default=None)
    ends_before = day(load_default=None)


class ContractQuery(OfClientQuery):
    """Which contracts; ``q`` is a part of number or name."""

    q = line(100, load_default=None)


class CoverageQuery(OfClientQuery):
    """Which coverages. ``asset``: those that are written for this unit, its product, its site or its client."""

    asset = fields.UUID(load_default=None)
    contract = fields.UUID(load_default=None)
    contract_number = line(120, load_default=None)
    kind = word(CoverageKind, load_default=None)
    state = word(CoverageState, load_default=None)
    ends_before = day(load_default=None)


# --- what is sent ---


class RegistryBody(Strict):
    """What every body may say: ``reason`` stands in the register beside what was added or changed."""

    reason = line(500)


class NamedBody(RegistryBody):
    """What other systems may have names for; in a change the list stands for all names."""

    external_refs = fields.List(fields.Nested(ExternalNameBody), load_default=list, validate=validate.Length(max=20))


class ClientBody(NamedBody):
    """A new client."""

    example: ClassVar = {"name": "Acme GmbH", "reason": "Signed on 1 March."}

    name = line(200, needed=True)


def _count(**options: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(0, MOST_DAYS_OR_CLAIMS), **options)


class PolicyBody(Strict):
    """What decides between coverages, and how long evidence and patience last; counts of days and minutes."""

    precedence = fields.List(word(CoverageKind), required=True, validate=validate.Length(max=len(CoverageKind)))
    evidence_freshness_days = _count(required=True)
    repeat_window_days = _count(required=True)
    lookup_patience_minutes = _count(required=True)


def _price(**options: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(0, MOST_MINOR), **options)


CLIENT_CHANGE = changes_of(
    ClientBody,
    policy=fields.Nested(changes_of(PolicyBody)),
    denial_grace_hours=_count(),
    spend_limit_minor=_price(),
    cost_tolerance_percent=_count(),
    sends_mail=fields.Boolean(metadata={"description": "Whether its people are told of their cases by mail."}),
    currency=line(3),
    call_out_minor=_price(),
    labour_hour_minor=_price(),
)
RATE_CARD = frozenset({"currency", "call_out_minor", "labour_hour_minor"})
"""What billing changes of a client, and nothing else."""


class SiteContactBody(Strict):
    """Somebody at a site."""

    example: ClassVar = {"name": "Mia de Vries"}

    name = line(200, needed=True)
    phone = line(64)
    email = line(254)
    language = line(8)

    @post_load
    def contact(self, data: dict[str, Any], **_options: Any) -> Contact:
        """Make the service's value."""
        return Contact(**data)


class SiteBody(NamedBody):
    """A new site. In a change ``address`` holds the lines that change, ``contacts`` everybody who is there from now on."""

    example: ClassVar = {"name": "Head office", "reason": "Moved in."}

    name = line(200, needed=True)
    client = fields.UUID(required=True)
    time_zone = line(64, needed=True)
    address = fields.Nested(AddressBody, load_default=dict)
    contacts = fields.List(fields.Nested(SiteContactBody), load_default=list, validate=validate.Length(max=50))
    access_hours = line(200)


SITE_CHANGE = changes_of(SiteBody, but={"client"}, address=fields.Nested(changes_of(AddressBody)))


class ContactAtSiteBody(RegistryBody):
    """Somebody more at a site. In a change, ``site`` null is somebody who has left."""

    example: ClassVar = {"name": "Mia de Vries", "reason": "New in the office."}

    site = fields.UUID(required=True)
    name = line(200, needed=True)
    phone = line(64)
    email = line(254)
    language = line(8)


CONTACT_CHANGE = changes_of(ContactAtSiteBody, site=fields.UUID(allow_none=True))


class ProductBody(RegistryBody):
    """A new product. ``list_price_minor`` is in minor units of ``currency``; ``base_term_months`` is the maker's warranty."""

    example: ClassVar = {"base_term_months": 36, "list_price_minor": 42_000}

    manufacturer = line(120, needed=True)
    model = line(200, needed=True)
    part_number = line(120)
    base_term_months = fields.Integer(strict=True, load_default=None, validate=validate.Range(0, MOST_MONTHS))
    list_price_minor = _price(load_default=None)
    currency = line(3, load_default="EUR")


PRODUCT_CHANGE = changes_of(ProductBody)


class MergeBody(RegistryBody):
    """The product that stands for both from now on."""

    into = fields.UUID(required=True)


class AssetBody(NamedBody):
    """A unit; ``state`` ``in_service`` records a healthy baseline. In a change, ``state`` moves it as the life cycle allows."""

    serial_number = line(64, needed=True)
    client = fields.UUID(required=True)
    site = fields.UUID(load_default=None)
    product = fields.UUID(load_default=None)
    name = line(200)
    asset_tag = line(64)
    ownership = word(Ownership, load_default=Ownership.CLIENT)
    state = word(AssetState, load_default=AssetState.ONBOARDING)
    purchased_on = day(load_default=None)


ASSET_CHANGE = changes_of(AssetBody)


class ContractBody(NamedBody):
    """A new contract; what it promises are its coverages."""

    example: ClassVar = {"number": "SVC-2026-014", "name": "Hardware support"}

    client = fields.UUID(required=True)
    number = line(120, needed=True)
    name = line(200)


CONTRACT_CHANGE = changes_of(ContractBody)


class ScopeBody(Strict):
    """What a coverage is written for: exactly one of these."""

    example: ClassVar = {"product": LEFT_OUT, "site": LEFT_OUT, "client": LEFT_OUT}

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

    example: ClassVar = {"source": "contract_file", "vendor_says": None, "checked_at": None, "error": None}

    source = word(EvidenceSource, load_default=EvidenceSource.NONE)
    vendor_says = word(CoverageSays, load_default=None)
    checked_at = moment(load_default=None)
    error = line(500, load_default=None)


def _words(words: type[StrEnum]) -> fields.List[Any]:
    return fields.List(word(words), load_default=list, validate=validate.Length(max=len(words)))


class CoverageBody(RegistryBody):
    """A coverage. The fields of the decision's case document; ``client`` is needed where the scope is a product.

    ``price_minor`` is what the whole term costs, in minor units of ``currency``.
    """

    example: ClassVar = {
        "account": None,
        "claims_limit": None,
        "contract": None,
        "excluded_causes": ["accidental_damage", "liquid"],
        "excluded_components": ["battery"],
        "name": "ProSupport",
        "price_minor": 18_900,
        "service_level": "next_business_day",
        "sites": None,
    }

    scope = fields.Nested(ScopeBody, required=True)
    client = fields.UUID(load_default=None)
    contract = fields.UUID(load_default=None)
    account = fields.UUID(load_default=None)
    contract_number = line(120, needed=True)
    name = line(200)
    kind = word(CoverageKind, required=True)
    fulfilment = word(Fulfilment, required=True)
    starts_on = day(required=True)
    ends_on = day(load_default=None)
    time_zone = line(64, needed=True)
    state = word(CoverageState, load_default=CoverageState.ACTIVE)
    covers = fields.List(word(Share), required=True, validate=validate.Length(max=len(Share)))
    excluded_causes = _words(Cause)
    excluded_components = _words(Component)
    sites = fields.List(fields.UUID(), load_default=None, validate=validate.Length(max=500))
    service_level = word(ServiceLevel, load_default=ServiceLevel.UNKNOWN)
    delivery = word(Delivery, load_default=Delivery.UNKNOWN)
    grace_days = _count(load_default=0)
    grace_is_covered = fields.Boolean(load_default=False)
    waiting_days = _count(load_default=0)
    claims_after_end_days = _count(load_default=0)
    claims_limit = _count(load_default=None)
    claims_used = _count(load_default=0)
    price_minor = _price(load_default=None)
    currency = line(3, load_default="EUR")
    evidence = fields.Nested(EvidenceBody, load_default=lambda: EvidenceBody().load({}))


COVERAGE_CHANGE = changes_of(CoverageBody, but={"scope", "client"}, evidence=fields.Nested(changes_of(EvidenceBody)))


# --- what is got ---


class NamedDocument(Record):
    """What other systems may have names for."""

    external_refs = fields.List(fields.Nested(ExternalNameBody))


class PolicyDocument(PolicyBody):
    """What is agreed with a client on decisions."""

    precedence = fields.List(fields.String())


class ClientDocument(NamedDocument):
    """A client of the MSP; amounts are minor units of ``currency``."""

    example: ClassVar = {"name": "Acme GmbH"}

    id = fields.UUID()
    name = fields.String()
    policy = fields.Nested(PolicyDocument)
    denial_grace_hours = fields.Integer()
    spend_limit_minor = fields.Integer()
    cost_tolerance_percent = fields.Integer()
    sends_mail = fields.Boolean()
    currency = fields.String()
    call_out_minor = fields.Integer()
    labour_hour_minor = fields.Integer()
    created_at = fields.AwareDateTime()


class SiteContactDocument(Strict):
    """Somebody at a site."""

    example: ClassVar = {"name": "Mia de Vries"}

    name = fields.String()
    phone = fields.String()
    email = fields.String()
    language = fields.String()


class ContactDocument(Record):
    """Somebody at a site; ``site`` is null for somebody who has left it, or was named by one case only."""

    example: ClassVar = {"name": "Mia de Vries"}

    id = fields.UUID()
    client = fields.UUID()
    site = fields.UUID(allow_none=True)
    name = fields.String()
    phone = fields.String()
    email = fields.String()
    language = fields.String()


class SiteDocument(NamedDocument):
    """A place of a client."""

    example: ClassVar = {"name": "Head office"}

    id = fields.UUID()
    client = fields.UUID()
    name = fields.String()
    time_zone = fields.String()
    address = fields.Nested(AddressBody)
    contacts = fields.List(fields.Nested(SiteContactDocument))
    access_hours = fields.String()


class ProductDocument(Record):
    """A model of a manufacturer."""

    example: ClassVar = {"base_term_months": 36, "list_price_minor": 42_000}

    id = fields.UUID()
    manufacturer = fields.String()
    model = fields.String()
    part_number = fields.String()
    base_term_months = fields.Integer(allow_none=True)
    list_price_minor = fields.Integer(allow_none=True)
    currency = fields.String()


class LookupDocument(Strict):
    """What the vendor last said of the unit itself."""

    example: ClassVar = {"error": None}

    vendor_says = word(UnitSays, allow_none=True)
    checked_at = fields.AwareDateTime(allow_none=True)
    error = fields.String(allow_none=True)


class AssetDocument(NamedDocument):
    """A unit."""

    example: ClassVar = {"handover_exceptions": ["fan"], "replaced_by": None}

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


class ContractDocument(NamedDocument):
    """A paper."""

    example: ClassVar = {"number": "SVC-2026-014", "name": "Hardware support"}

    id = fields.UUID()
    client = fields.UUID()
    number = fields.String()
    name = fields.String()


class EvidenceDocument(Strict):
    """What a coverage rests on."""

    example: ClassVar = EvidenceBody.example

    source = word(EvidenceSource)
    vendor_says = word(CoverageSays, allow_none=True)
    checked_at = fields.AwareDateTime(allow_none=True)
    error = fields.String(allow_none=True)


class CoverageDocument(Record):
    """A coverage, in the fields of the decision's case document."""

    example: ClassVar = CoverageBody.example | {
        "scope": {"asset": "024fcf68-7400-589a-b918-b31270c9e7a2"},
        "covers": ["parts"],
    }

    id = fields.UUID()
    client = fields.UUID()
    contract = fields.UUID(allow_none=True)
    account = fields.UUID(allow_none=True)
    asset_id = fields.UUID(allow_none=True)
    scope = fields.Dict(keys=fields.String(metadata={"enum": list(ScopeKind)}), values=fields.UUID())
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
    price_minor = fields.Integer(allow_none=True)
    currency = fields.String()
    evidence = fields.Nested(EvidenceDocument)
