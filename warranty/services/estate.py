"""The registry: the only place that adds clients, sites, products, units, contracts and coverages, and checks them.

What a person may hand in wrongly is an ``Invalid``: the field, and a sentence that says what to do. Every row that is
added or changed leaves an audit row; states move through ``services.moves``. Files of many rows: ``services.imports``.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.exc import IntegrityError

from warranty import db
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
)
from warranty.models import (
    Asset,
    AuditRow,
    Baseline,
    Client,
    Contract,
    Coverage,
    Person,
    Product,
    Site,
    VendorAccount,
)
from warranty.services import moves

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from warranty.services.moves import Because

MOST_DAYS_OR_CLAIMS = 1_000_000
MOST_MONTHS = 600
MOST_MINOR = 10**12
ADDRESS_LINES = ("address_line1", "address_line2", "city", "postal_code", "state", "country")

# What boards and inventories answer where nobody wrote a serial: as a key it would join strangers.
NO_SERIALS = frozenset(
    {
        "0123456789",
        "9876543210",
        "[REMOVED]",
        "DEFAULTSTRING",
        "INVALID",
        "N/A",
        "NA",
        "NIL",
        "NODIMM",
        "NONE",
        "NOTAPPLICABLE",
        "NOTAVAILABLE",
        "NOTSPECIFIED",
        "NULL",
        "OEM",
        "SERIAL",
        "SERIALNUMBER",
        "SYSTEMSERIALNUMBER",
        "TBD",
        "TOBEFILLEDBYO.E.M.",
        "UNKNOWN",
    }
)
_NOTHING_BUT_FILLER = re.compile(r"[0X?.*#_-]+")
# A spreadsheet's short form of a long number, whose last digits are gone for good. No real serial has the plus sign.
_RUINED = re.compile(r"\d+([.,]\d+)?[eE]\+\d+")
_CURRENCY = re.compile(r"[A-Z]{3}")


class Invalid(Exception):
    """One fact cannot be taken as it is. ``field`` is its name in the public contract; the message says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class HandoverResult(StrEnum):
    """In what state a unit was handed over."""

    HEALTHY = "healthy"
    HEALTHY_WITH_EXCEPTIONS = "healthy_with_exceptions"
    NOT_ACCEPTED = "not_accepted"


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody at a site."""

    name: str
    phone: str = ""
    email: str = ""
    language: str = ""


# --- How names and numbers are read ---------------------------------------------------------------------------------


def serial_key(serial_number: str) -> str:
    """A serial as it is searched: upper case, no blanks, nor the invisible characters that come with copied text."""
    if serial_number.isascii():
        return "".join(serial_number.split()).upper()
    text = unicodedata.normalize("NFKC", serial_number)
    return "".join(sign for sign in text if not sign.isspace() and unicodedata.category(sign) != "Cf").upper()


def manufacturer_key(manufacturer: str) -> str:
    """A manufacturer's name as it is matched: lower case, letters and digits only."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", manufacturer).casefold() if sign.isalnum())


def checked_text(field: str, text: str, limit: int, *, needed: bool = False) -> str:
    """One line of text, blanks tidied.

    Raises:
        Invalid: longer than ``limit`` characters, with control characters, or empty where it is needed.
    """
    tidy = " ".join(text.split())
    if not tidy.isprintable():
        strange = [sign for sign in tidy if unicodedata.category(sign) in {"Cc", "Cs"}]
        if strange:
            raise Invalid(field, f"{field} holds a control character ({strange[0]!a}); type it anew.")
    if len(tidy) > limit:
        raise Invalid(field, f"{field} is longer than {limit} characters.")
    if needed and not tidy:
        raise Invalid(field, f"{field} is empty.")
    return tidy


def checked_number(field: str, text: str, limit: int) -> str:
    """A part number, tag or model: text that a spreadsheet may have taken for a number.

    Raises:
        Invalid: as ``checked_text``, or it was ruined.
    """
    tidy = checked_text(field, text, limit)
    if is_ruined(tidy):
        raise Invalid(field, f"{field} {tidy} was ruined by a spreadsheet: make the column text, and export again.")
    return tidy


def is_ruined(text: str) -> bool:
    """Whether a spreadsheet has turned a long number into its short form."""
    return _RUINED.fullmatch(text) is not None


def checked_serial(text: str) -> tuple[str, str]:
    """A serial number and its key.

    Raises:
        Invalid: none, a placeholder, a formula, ruined, or too long.
    """
    serial = checked_number("serial_number", text, 64)
    key = serial_key(serial)
    if not key:
        raise Invalid("serial_number", "There is no serial number.")
    if key in NO_SERIALS or _NOTHING_BUT_FILLER.fullmatch(key):
        raise Invalid("serial_number", f"{serial} is a placeholder, not a serial number: read it from the unit.")
    if key.startswith("="):
        raise Invalid("serial_number", f"{serial} is a formula: paste the values and export again.")
    if len(key) > 64:
        raise Invalid("serial_number", "serial_number is longer than 64 characters.")
    return serial, key


def checked_zone(name: str) -> str:
    """The name of a time zone.

    Raises:
        Invalid: the IANA list has none of that name.
    """
    if not _is_zone(name):
        raise Invalid("time_zone", f"There is no time zone {name!r}: write it as in Europe/Amsterdam.")
    return name


@lru_cache(maxsize=1024)
def _is_zone(name: str) -> bool:
    # Beside the places, a machine's zone folder holds its own setting and copies that count leap seconds.
    if name.startswith(("localtime", "posix", "right/")) or len(name) > 64:
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _checked_whole(field: str, number: int | None, most: int = MOST_DAYS_OR_CLAIMS) -> int | None:
    if number is not None and not 0 <= number <= most:
        raise Invalid(field, f"{field} is {number}; it is a whole number from 0 to {most:,}.")
    return number


def _checked_currency(code: str) -> str:
    if not _CURRENCY.fullmatch(code):
        raise Invalid("currency", f"{code!r} is no currency: write three capital letters, like EUR.")
    return code


# --- Clients, sites, products ---------------------------------------------------------------------------------------


def default_policy() -> dict[str, Any]:
    """What a new client agrees to until somebody agrees on more. Source: domain.md, section 3."""
    return {
        "precedence": [kind.value for kind in CoverageKind],
        "evidence_freshness_days": 30,
        "repeat_window_days": 90,
        "lookup_patience_minutes": 15,
    }


def add_client(session: Session, *, name: str, because: Because) -> Client:
    """A new client with the default policy and rate card.

    Raises:
        Invalid: no name, or one that is taken, whatever its case.
    """
    name = checked_text("name", name, 200, needed=True)
    taken = session.scalar(select(Client.name).where(func.lower(Client.name) == func.lower(name)))
    client = Client(name=name, policy=default_policy(), created_at=because.at)
    _add_once(session, client, "name", f"There is a client named {taken or name} already.", is_there=taken is not None)
    _note(session, client, "add", because)
    return client


def find_client(session: Session, name: str) -> Client:
    """The client of a name; its case matters only where two names differ by nothing else.

    Raises:
        Invalid: there is none.
    """
    wanted = " ".join(name.split())
    found = session.scalars(
        select(Client)
        .where(func.lower(Client.name) == func.lower(wanted))
        .order_by((Client.name == wanted).desc(), Client.id)
        .limit(1)
    ).one_or_none()
    if found is None:
        raise Invalid("client", f"There is no client named {wanted!r}: add it with `warranty client add`.")
    return found


def add_site(
    session: Session,
    client: Client,
    *,
    name: str,
    time_zone: str,
    address: Mapping[str, str] | None = None,
    contacts: Sequence[Contact] = (),
    access_hours: str = "",
    because: Because,
) -> Site:
    """A new place of a client. ``address`` has keys of ``ADDRESS_LINES``; those left out are empty.

    Raises:
        Invalid: a name that the client has already, an unknown zone or line of an address, a contact without a name.
    """
    given = address or {}
    for line in given:
        if line not in ADDRESS_LINES:
            raise Invalid("address", f"{line} is no line of an address; there are {', '.join(ADDRESS_LINES)}.")
    name = checked_text("name", name, 200, needed=True)
    hold(session, [client.id])
    taken = session.scalar(
        select(Site.name).where(Site.client_id == client.id, func.lower(Site.name) == func.lower(name))
    )
    site = Site(
        client_id=client.id,
        name=name,
        time_zone=checked_zone(time_zone),
        address={line: checked_text(line, given.get(line, ""), 200) for line in ADDRESS_LINES},
        access_hours=checked_text("access_hours", access_hours, 200),
    )
    people = [_person(client, contact) for contact in contacts]
    message = f"{client.name} has a site named {taken or name} already."
    _add_once(session, site, "name", message, is_there=taken is not None)
    for person in people:
        person.site_id = site.id
    session.add_all(people)
    _note(session, site, "add", because)
    return site


def find_site(session: Session, client: Client, name: str) -> Site:
    """A client's site by its name.

    Raises:
        Invalid: there is none.
    """
    wanted = " ".join(name.split())
    query = select(Site).where(Site.client_id == client.id, func.lower(Site.name) == func.lower(wanted))
    found = session.scalars(query.order_by((Site.name == wanted).desc(), Site.id).limit(1)).one_or_none()
    if found is None:
        raise Invalid("site", f"{client.name} has no site named {wanted!r}: add it with `warranty site add`.")
    return found


def _person(client: Client, contact: Contact) -> Person:
    email = checked_text("email", contact.email, 254)
    if email and ("@" not in email or " " in email):
        raise Invalid("email", f"{email} is no mail address.")
    return Person(
        client_id=client.id,
        name=checked_text("contacts", contact.name, 200, needed=True),
        phone=checked_text("phone", contact.phone, 64),
        email=email,
        language=checked_text("language", contact.language, 8),
    )


def add_product(
    session: Session,
    *,
    manufacturer: str,
    model: str,
    part_number: str = "",
    base_term_months: int | None = None,
    list_price_minor: int | None = None,
    currency: str = "EUR",
    because: Because,
) -> Product:
    """A new model of a manufacturer; the two are its identity. ``list_price_minor`` is in minor units of ``currency``.

    Raises:
        Invalid: something is missing or no number, or the model is known already.
    """
    product = new_product(
        manufacturer=manufacturer,
        model=model,
        part_number=part_number,
        base_term_months=base_term_months,
        list_price_minor=list_price_minor,
        currency=currency,
    )
    same_maker = Product.manufacturer_key == product.manufacturer_key
    same_model = func.lower(Product.model) == func.lower(product.model)
    taken = session.scalar(select(Product.id).where(same_maker, same_model))
    message = f"{product.manufacturer} {product.model} is known already."
    _add_once(session, product, "model", message, is_there=taken is not None)
    _note(session, product, "add", because)
    return product


def new_product(
    *,
    manufacturer: str,
    model: str,
    part_number: str = "",
    base_term_months: int | None = None,
    list_price_minor: int | None = None,
    currency: str = "EUR",
) -> Product:
    """A checked product that no session knows yet.

    Raises:
        Invalid: something is missing or no number.
    """
    manufacturer = checked_text("manufacturer", manufacturer, 120, needed=True)
    key = manufacturer_key(manufacturer)
    if not key:
        raise Invalid("manufacturer", f"{manufacturer} has neither letters nor digits.")
    if not model.strip():
        raise Invalid("model", "model is empty.")
    return Product(
        manufacturer=manufacturer,
        manufacturer_key=key[:120],
        model=checked_number("model", model, 200),
        part_number=checked_number("part_number", part_number, 120),
        base_term_months=_checked_whole("base_term_months", base_term_months, MOST_MONTHS),
        list_price_minor=_checked_whole("list_price_minor", list_price_minor, MOST_MINOR),
        currency=_checked_currency(currency),
    )


def register_products(session: Session, products: Sequence[Product], *, because: Because) -> list[Product]:
    """Add products that ``new_product`` made; where somebody added one at the same time, theirs is in the answer."""
    try:
        with session.begin_nested():
            session.add_all(products)
    except IntegrityError:
        return [_add_or_find(session, product, because) for product in products]
    for product in products:
        _note(session, product, "add", because)
    return list(products)


def _add_or_find(session: Session, product: Product, because: Because) -> Product:
    try:
        _add_once(session, product, "model", "known")
    except Invalid:
        return find_product(session, manufacturer=product.manufacturer, model=product.model)
    _note(session, product, "add", because)
    return product


def find_product(session: Session, *, manufacturer: str, model: str) -> Product:
    """A product by its manufacturer's and its own name.

    Raises:
        Invalid: there is none.
    """
    wanted, maker = " ".join(model.split()), manufacturer_key(manufacturer)
    query = select(Product).where(Product.manufacturer_key == maker, func.lower(Product.model) == func.lower(wanted))
    found = session.scalars(query.order_by((Product.model == wanted).desc(), Product.id).limit(1)).one_or_none()
    if found is None:
        raise Invalid("product", f"There is no product {wanted!r} of {manufacturer!r}.")
    return found


def change_product(session: Session, product: Product, *, because: Because, **new: Any) -> None:
    """Change columns of a product; the caller has checked them. The register keeps what was."""
    _note(session, product, "change", because, detail=_set(product, new))


# --- Units ----------------------------------------------------------------------------------------------------------


def add_asset(
    session: Session,
    client: Client,
    *,
    serial_number: str,
    product: Product | None = None,
    site: Site | None = None,
    name: str = "",
    asset_tag: str = "",
    ownership: Ownership = Ownership.CLIENT,
    state: AssetState = AssetState.ONBOARDING,
    purchased_on: date | None = None,
    because: Because,
) -> Asset:
    """A new unit. ``state`` ``in_service`` records a baseline ``healthy`` with the reason of ``because``.

    A second unit of one serial is taken: vendors number alike, and two papers may both be right. Reports on the serial
    alone then go to a person (``serial_ambiguous``).

    Raises:
        Invalid: no serial number, another client's site, or a state that no unit begins in.
    """
    if site is not None and site.client_id != client.id:
        raise Invalid("site", f"The site {site.name} is not one of {client.name}.")
    values = asset_values(
        client_id=client.id,
        serial_number=serial_number,
        product_id=None if product is None else product.id,
        site_id=None if site is None else site.id,
        name=name,
        asset_tag=asset_tag,
        ownership=ownership,
        state=state,
        purchased_on=purchased_on,
    )
    [asset_id] = register_assets(session, [values], because=because)
    return session.get_one(Asset, asset_id)


def asset_values(
    *,
    client_id: int,
    serial_number: str,
    product_id: int | None,
    site_id: int | None,
    name: str,
    asset_tag: str,
    ownership: Ownership,
    state: AssetState,
    purchased_on: date | None,
) -> dict[str, Any]:
    """The columns of a new unit, checked.

    Raises:
        Invalid: no serial number, or a state that no unit begins in.
    """
    serial, key = checked_serial(serial_number)
    if state not in FIRST_STATES:
        raise Invalid("state", f"A unit is registered as {' or '.join(FIRST_STATES)}, not as {state}.")
    return {
        "client_id": client_id,
        "product_id": product_id,
        "site_id": site_id,
        "serial_number": serial,
        "serial_key": key,
        "name": checked_text("name", name, 200),
        "asset_tag": checked_number("asset_tag", asset_tag, 64),
        "ownership": ownership,
        "state": state,
        "purchased_on": purchased_on,
    }


# The states that a unit may be registered in, each with the way to it that the register shows.
FIRST_STATES = {
    AssetState.ONBOARDING: (AssetState.ONBOARDING,),
    AssetState.IN_SERVICE: (AssetState.ONBOARDING, AssetState.IN_SERVICE),
}


def register_assets(session: Session, values: Sequence[Mapping[str, Any]], *, because: Because) -> list[int]:
    """Add the units of ``asset_values``; those in service with the baseline that the hand-over gate asks for.

    Written into the tables and not through objects, which took three times as long for the thousands of an import.

    Returns:
        The keys of the new rows, in order.
    """
    hold(session, {unit["client_id"] for unit in values})
    ids = db.next_ids(session, Asset, len(values))
    units = [(asset_id, unit["client_id"], unit["state"]) for asset_id, unit in zip(ids, values, strict=True)]
    at = {"created_at": because.at}
    db.write(session, Asset, *({"id": asset_id, **unit, **at} for asset_id, unit in zip(ids, values, strict=True)))
    baseline = {
        "result": HandoverResult.HEALTHY.value,
        "exceptions": [],
        "signed_by": because.actor,
        "reason": because.reason,
        "signed_at": because.at,
    }
    in_service = [unit for unit in units if unit[2] is AssetState.IN_SERVICE]
    db.write(
        session, Baseline, *({"asset_id": key, "client_id": client_id, **baseline} for key, client_id, _ in in_service)
    )
    moves.born_many(session, Asset, ((key, client_id, FIRST_STATES[state]) for key, client_id, state in units), because)
    return ids


def find_assets(session: Session, serial_number: str, *, client: Client | None = None) -> list[Asset]:
    """The units that answer to a serial, the oldest first."""
    query = select(Asset).where(Asset.serial_key == serial_key(serial_number)).order_by(Asset.id)
    return list(session.scalars(query if client is None else query.where(Asset.client_id == client.id)))


def scope_matches(asset: Asset) -> ColumnElement[bool]:
    """Which coverages are written for a unit, as a condition on ``Coverage``; those of other clients never are."""
    scopes = [Coverage.scope == ScopeKind.CLIENT, Coverage.asset_id == asset.id]
    if asset.product_id is not None:
        scopes.append(Coverage.product_id == asset.product_id)
    if asset.site_id is not None:
        scopes.append(Coverage.site_id == asset.site_id)
    return and_(Coverage.client_id == asset.client_id, or_(*scopes))


def put_baseline(
    session: Session,
    asset: Asset,
    *,
    result: HandoverResult,
    exceptions: Sequence[Component] = (),
    signed_by: str,
    because: Because,
) -> Baseline:
    """Record in what state a unit was handed over; a unit in ``onboarding`` goes into service, or is rejected.

    A later baseline supersedes: its exceptions are the ones that count. ``signed_by`` is a pseudonym.

    Raises:
        Invalid: exceptions that do not fit the result.
        IllegalMove: a unit that is past its hand-over is refused, or a rejected one is accepted.
    """
    if len(set(exceptions)) != len(exceptions):
        raise Invalid("exceptions", "A component stands in the exceptions twice.")
    if result is HandoverResult.HEALTHY and exceptions:
        raise Invalid("exceptions", f"A unit with exceptions is {HandoverResult.HEALTHY_WITH_EXCEPTIONS}.")
    if result is HandoverResult.HEALTHY_WITH_EXCEPTIONS and not exceptions:
        raise Invalid("exceptions", "Name the components that were not healthy.")
    baseline = Baseline(
        client_id=asset.client_id,
        asset_id=asset.id,
        result=result.value,
        exceptions=[component.value for component in exceptions],
        signed_by=checked_text("signed_by", signed_by, 64, needed=True),
        reason=because.reason,
        signed_at=because.at,
    )
    session.add(baseline)
    asset.handover_exceptions = baseline.exceptions
    session.flush()
    refused = result is HandoverResult.NOT_ACCEPTED
    goal = AssetState.REJECTED_AT_HANDOVER if refused else AssetState.IN_SERVICE
    if asset.state is not goal and (refused or asset.state in _AT_THE_GATE):
        moves.move(session, asset, goal, because)
    detail = {"result": baseline.result, "exceptions": baseline.exceptions}
    moves.note(session, asset, "baseline", because, detail=detail)
    return baseline


_AT_THE_GATE = frozenset({AssetState.ONBOARDING, AssetState.REJECTED_AT_HANDOVER})


def change_asset(session: Session, asset: Asset, *, because: Because, **new: Any) -> None:
    """Change columns of a unit, all but ``state``; the caller has checked them. The register keeps what was."""
    moves.note(session, asset, "change", because, detail=_set(asset, new))


# --- Contracts and coverages ----------------------------------------------------------------------------------------


def add_contract(session: Session, client: Client, *, number: str, name: str = "", because: Because) -> Contract:
    """A new paper; what it promises are its coverages.

    Raises:
        Invalid: no number, or one that the client has already.
    """
    contract = Contract(
        client_id=client.id,
        number=checked_text("number", number, 120, needed=True),
        name=checked_text("name", name, 200),
    )
    _add_once(session, contract, "number", f"{client.name} has a contract {contract.number} already.")
    _note(session, contract, "add", because)
    return contract


def add_coverage(
    session: Session,
    scope: Asset | Product | Site | Client,
    *,
    contract_number: str,
    kind: CoverageKind,
    fulfilment: Fulfilment,
    starts_on: date,
    time_zone: str,
    ends_on: date | None = None,
    client: Client | None = None,
    contract: Contract | None = None,
    account: VendorAccount | None = None,
    name: str = "",
    state: CoverageState = CoverageState.ACTIVE,
    covers: Sequence[Share] = (Share.PARTS,),
    excluded_causes: Sequence[Cause] = (),
    excluded_components: Sequence[Component] = (),
    sites: Sequence[Site] | None = None,
    service_level: ServiceLevel = ServiceLevel.UNKNOWN,
    delivery: Delivery = Delivery.UNKNOWN,
    grace_days: int = 0,
    grace_is_covered: bool = False,
    waiting_days: int = 0,
    claims_after_end_days: int = 0,
    claims_limit: int | None = None,
    claims_used: int = 0,
    evidence_source: EvidenceSource = EvidenceSource.NONE,
    vendor_says: CoverageSays | None = None,
    checked_at: datetime | None = None,
    lookup_error: str | None = None,
    because: Because,
) -> Coverage:
    """A new promise for a unit, a product, a site, or all units of a client. Days are inclusive, in ``time_zone``.

    ``client`` is needed for a product, and agrees with any other scope. ``sites`` None is everywhere, empty is nowhere.

    Raises:
        Invalid: one of the faults that make a case document malformed. Source: interface.md, section 5.
    """
    owner_id = _owner(scope, client)
    for field, other in (("contract", contract), ("account", account), *(("sites", site) for site in sites or ())):
        if other is not None and other.client_id not in {owner_id, None}:
            raise Invalid(field, f"{field} names something of another client.")
    coverage = new_coverage(
        client_id=owner_id,
        scope=_SCOPES[type(scope)],
        target_id=scope.id,
        contract_id=None if contract is None else contract.id,
        account_id=None if account is None else account.id,
        contract_number=contract_number,
        name=name,
        kind=kind,
        fulfilment=fulfilment,
        starts_on=starts_on,
        ends_on=ends_on,
        time_zone=time_zone,
        state=state,
        covers=covers,
        excluded_causes=excluded_causes,
        excluded_components=excluded_components,
        sites=None if sites is None else [str(site.public_id) for site in sites],
        service_level=service_level,
        delivery=delivery,
        grace_days=grace_days,
        grace_is_covered=grace_is_covered,
        waiting_days=waiting_days,
        claims_after_end_days=claims_after_end_days,
        claims_limit=claims_limit,
        claims_used=claims_used,
        evidence_source=evidence_source,
        vendor_says=vendor_says,
        checked_at=checked_at,
        lookup_error=lookup_error,
    )
    register_coverages(session, [coverage], because=because)
    return coverage


_SCOPES: dict[type, ScopeKind] = {
    Asset: ScopeKind.ASSET,
    Product: ScopeKind.PRODUCT,
    Site: ScopeKind.SITE,
    Client: ScopeKind.CLIENT,
}


def _owner(scope: Asset | Product | Site | Client, client: Client | None) -> int:
    if isinstance(scope, Product):
        if client is None:
            raise Invalid("client", "A coverage of a product names its client: products belong to nobody.")
        return client.id
    owner_id = scope.id if isinstance(scope, Client) else scope.client_id
    if client is not None and client.id != owner_id:
        raise Invalid("client", f"The scope does not belong to {client.name}.")
    return owner_id


def new_coverage(
    *,
    client_id: int,
    scope: ScopeKind,
    target_id: int,
    contract_number: str,
    covers: Sequence[Share],
    excluded_causes: Sequence[Cause],
    excluded_components: Sequence[Component],
    claims_used: int,
    name: str = "",
    **facts: Any,
) -> Coverage:
    """A checked coverage that no session knows yet; ``facts`` are the other columns of ``Coverage``, by name.

    Raises:
        Invalid: as ``add_coverage``.
    """
    coverage = Coverage(
        client_id=client_id,
        scope=scope,
        contract_number=checked_text("contract_number", contract_number, 120, needed=True),
        name=checked_text("name", name, 200),
        covers=[share.value for share in covers],
        excluded_causes=[cause.value for cause in excluded_causes],
        excluded_components=[component.value for component in excluded_components],
        claims_consumed=claims_used,
        claims_reserved=0,
        **facts,
    )
    if scope is not ScopeKind.CLIENT:
        setattr(coverage, f"{scope}_id", target_id)
    check_coverage(coverage)
    return coverage


def register_coverages(session: Session, coverages: Sequence[Coverage], *, because: Because) -> None:
    """Add coverages that ``new_coverage`` made."""
    session.add_all(coverages)
    session.flush()
    for coverage in coverages:
        _note(session, coverage, "add", because)


def change_coverage(session: Session, coverage: Coverage, *, because: Because, **new: Any) -> None:
    """Change facts of a coverage. The register keeps what was, and no verdict changes by it.

    Raises:
        Invalid: as ``add_coverage``.
    """
    check_change(coverage, new)
    _note(session, coverage, "change", because, detail=_set(coverage, new))


def check_change(coverage: Coverage, new: Mapping[str, Any]) -> None:
    """Ask whether a coverage would still be well formed; the row itself stays as it is.

    Raises:
        Invalid: as ``add_coverage``.
    """
    columns = [column.key for column in Coverage.__table__.columns if column.key not in {"id", "public_id"}]
    check_coverage(Coverage(**{column: getattr(coverage, column) for column in columns} | dict(new)))


def check_coverage(coverage: Coverage) -> None:
    """Ask what makes a coverage malformed.

    Raises:
        Invalid: the first fault. Source: interface.md, section 5.
    """
    checked_zone(coverage.time_zone)
    if not coverage.covers:
        raise Invalid("covers", "covers is empty: it holds parts, labour or both.")
    if len(set(coverage.covers)) != len(coverage.covers):
        raise Invalid("covers", "A share stands in covers twice.")
    if coverage.ends_on is not None and coverage.ends_on < coverage.starts_on:
        raise Invalid("ends_on", f"ends_on {coverage.ends_on} is before starts_on {coverage.starts_on}.")
    if Cause.UNKNOWN in coverage.excluded_causes:
        raise Invalid("excluded_causes", "unknown is no cause that a contract can exclude.")
    for field in ("grace_days", "waiting_days", "claims_after_end_days"):
        _checked_whole(field, getattr(coverage, field))
    _checked_whole("claims_used", coverage.claims_consumed)
    if coverage.claims_limit is not None:
        _checked_whole("claims_limit", coverage.claims_limit)
    if coverage.evidence_source is EvidenceSource.VENDOR_LOOKUP:
        _check_answer(coverage)


def _check_answer(coverage: Coverage) -> None:
    """An answer of the vendor has its time, and a time without an error has its answer."""
    if coverage.checked_at is None and coverage.vendor_says is not None:
        raise Invalid("checked_at", "vendor_says needs checked_at: when the vendor said so.")
    if coverage.checked_at is not None and coverage.lookup_error is None and coverage.vendor_says is None:
        raise Invalid("vendor_says", "checked_at without an error needs vendor_says: what the vendor said.")


# --- Together -------------------------------------------------------------------------------------------------------


def hold(session: Session, client_ids: Iterable[int]) -> None:
    """Let one transaction at a time add to a client, so that two imports at once see each other's units and sites.

    The lock is the weaker one that leaves reports, which only refer to the client, alone; SQLite has one writer anyway.
    """
    query = select(Client.id).where(Client.id.in_(sorted(client_ids))).order_by(Client.id)
    session.execute(query.with_for_update(key_share=True))


def _add_once(session: Session, row: Any, field: str, message: str, *, is_there: bool = False) -> None:
    """Add a row whose name is unique; the database has the last word, since two may ask at the same time."""
    if is_there:
        raise Invalid(field, message)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as err:
        raise Invalid(field, message) from err


def _set(row: Asset | Coverage | Product, new: Mapping[str, Any]) -> dict[str, Any]:
    """Set columns, and say what was and is, as a register can keep it."""
    detail = {column: [_plain(getattr(row, column)), _plain(value)] for column, value in new.items()}
    for column, value in new.items():
        setattr(row, column, value)
    return detail


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, bool, list)) else str(value)


def _note(
    session: Session,
    record: Client | Site | Product | Contract | Coverage,
    action: str,
    because: Because,
    *,
    detail: Mapping[str, Any] | None = None,
) -> None:
    client_id = record.id if isinstance(record, Client) else getattr(record, "client_id", None)
    session.add(
        AuditRow(
            at=because.at,
            actor=because.actor,
            action=action,
            record=record.__tablename__,
            record_id=record.id,
            client_id=client_id,
            reason=because.reason,
            detail=None if detail is None else dict(detail),
        )
    )
