"""The registry for programs: reading all of it, adding to it, and correcting what stands there. Nothing is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from flask import g
from sqlalchemy import or_

from warranty.domain.access import Permission
from warranty.models import Asset, Client, Contract, Coverage, Person, Product, PublicRow, Site, VendorAccount
from warranty.services import cover, erasure, estate, records, rmas
from warranty.services.estate import Contact
from warranty.services.moves import Because
from warranty.web.api.base import Endpoints, by_caller, document, listed
from warranty.web.errors import Problem
from warranty.web.guards import call, find, needs
from warranty.web.schemas.accounts import BecauseBody
from warranty.web.schemas.lists import page_of
from warranty.web.schemas.registry import (
    ASSET_CHANGE,
    ASSET_FOR_CLIENT,
    CLIENT_CHANGE,
    CONTACT_CHANGE,
    CONTRACT_CHANGE,
    COVERAGE_CHANGE,
    PRODUCT_CHANGE,
    RATE_CARD,
    SITE_CHANGE,
    AssetBody,
    AssetDocument,
    AssetQuery,
    ClientBody,
    ClientDocument,
    ClientQuery,
    ContactAtSiteBody,
    ContactDocument,
    ContactQuery,
    ContractBody,
    ContractDocument,
    ContractQuery,
    CoverageBody,
    CoverageDocument,
    CoverageQuery,
    MergeBody,
    ProductBody,
    ProductDocument,
    ProductQuery,
    SiteBody,
    SiteDocument,
    SiteQuery,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from warranty.services.estate import ExternalName
    from warranty.services.estate.names import Named
    from warranty.services.records import Document

Row = TypeVar("Row", bound=PublicRow)

endpoints = Endpoints("registry", "Clients, sites, contacts, products, units, contracts and coverages.")


def _why(body: dict[str, Any], usual: str) -> Because:
    """Who, when, and why: what the body says, which is taken out of it, else ``usual``."""
    return by_caller(body.pop("reason", "") or usual)


def _added(body: dict[str, Any]) -> Because:
    return _why(body, "registered through the API")


def _corrected(body: dict[str, Any]) -> Because:
    return _why(body, "corrected through the API")


def _row(table: type[Row], public_id: UUID, field: str) -> Row:
    """The row that a field of a body names; asked for once, however many items of a request name it."""
    known: dict[tuple[type[PublicRow], UUID], Any] = g.setdefault("rows_of_bodies", {})
    if (table, public_id) not in known:
        known[table, public_id] = find(table, public_id, field=field)
    row: Row = known[table, public_id]
    return row


def _with_rows(body: dict[str, Any], **tables: type[PublicRow]) -> dict[str, Any]:
    """The body, with rows in place of the ids in these fields."""
    return body | {field: _row(table, body[field], field) for field, table in tables.items() if body.get(field)}


def _has_text(query: dict[str, Any], *columns: Any) -> list[ColumnElement[bool]]:
    if query["q"] is None:
        return []
    return [or_(*(column.icontains(query["q"], autoescape=True) for column in columns))]


def _named(record: Named, names: Sequence[ExternalName] | None, because: Because) -> None:
    """Give a record the names that a body says; where it says nothing, a new record has none and an old one keeps its own."""
    if names is not None:
        estate.replace_names(call().session, record, names, because=because)


# --- clients ---


@endpoints.get("/clients", needs(Permission.READ), query=ClientQuery(), answer=page_of(ClientDocument))
def list_clients(query: dict[str, Any]) -> Document:
    """Clients."""
    return listed(records.CLIENTS, query, *_has_text(query, Client.name))


@endpoints.get("/clients/<uuid:id>", needs(Permission.READ, of=Client), answer=ClientDocument())
def show_client(client: Client) -> Document:
    """One client."""
    return document(records.CLIENTS, client)


@endpoints.post(
    "/clients", needs(Permission.REGISTER, wide=True), body=ClientBody(), answer=ClientDocument(), status=201
)
def add_client(body: dict[str, Any]) -> Document:
    """Add a client, with the default policy and rate card."""
    return document(records.CLIENTS, register_client(body))


def register_client(body: dict[str, Any]) -> Client:
    """The new client of a body."""
    because, names = _added(body), body.pop("external_refs") or None
    client = estate.add_client(call().session, **body, because=because)
    _named(client, names, because)
    return client


@endpoints.patch(
    "/clients/<uuid:id>",
    needs(Permission.REGISTER, Permission.BILL, of=Client),
    body=CLIENT_CHANGE,
    answer=ClientDocument(),
    shows=show_client,
)
def correct_client(client: Client, body: dict[str, Any]) -> None:
    """Change a client, its policy, its limits, or, where the caller bills, its rate card."""
    amend_client(client, body)


def amend_client(client: Client, body: dict[str, Any]) -> None:
    """Change what a body names; only what the caller may change, which stands in ``RATE_CARD`` or does not."""
    asked = set(body) - {"reason"}
    for permission, fields in ((Permission.BILL, asked & RATE_CARD), (Permission.REGISTER, asked - RATE_CARD)):
        if fields and not call().principal.may(permission):
            raise Problem("forbidden", f"Your role does not change {', '.join(sorted(fields))}.")
    if "external_refs" in body and call().principal.client_id is not None:
        raise Problem("forbidden", "What other systems call a client is changed by who sees all of them.")
    because, names = _corrected(body), body.pop("external_refs", None)
    estate.correct_client(call().session, client, **body, because=because)
    _named(client, names, because)


# --- sites, and who is there ---


@endpoints.get("/sites", needs(Permission.READ), query=SiteQuery(), answer=page_of(SiteDocument))
def list_sites(query: dict[str, Any]) -> Document:
    """Sites."""
    return listed(records.SITES, query, *_has_text(query, Site.name))


@endpoints.get("/sites/<uuid:id>", needs(Permission.READ, of=Site), answer=SiteDocument())
def show_site(site: Site) -> Document:
    """One site."""
    return document(records.SITES, site)


@endpoints.post("/sites", needs(Permission.REGISTER), body=SiteBody(), answer=SiteDocument(), status=201)
def add_site(body: dict[str, Any]) -> Document:
    """Add a site of a client."""
    because, names = _added(body), body.pop("external_refs") or None
    client = _row(Client, body.pop("client"), "client")
    site = estate.add_site(call().session, client, **body, because=because)
    _named(site, names, because)
    return show_site(site)


@endpoints.patch(
    "/sites/<uuid:id>",
    needs(Permission.REGISTER, of=Site),
    body=SITE_CHANGE,
    answer=SiteDocument(),
    shows=show_site,
)
def correct_site(site: Site, body: dict[str, Any]) -> None:
    """Change a site."""
    because, names = _corrected(body), body.pop("external_refs", None)
    estate.correct_site(call().session, site, **body, because=because)
    _named(site, names, because)


@endpoints.get("/contacts", needs(Permission.READ), query=ContactQuery(), answer=page_of(ContactDocument))
def list_contacts(query: dict[str, Any]) -> Document:
    """Who is at the sites. A site's own document lists its contacts too, the first to be called first."""
    where = [Person.site_id.is_not(None)]
    if query["site"] is not None:
        where.append(Site.public_id == query["site"])
    return listed(records.CONTACTS, query, *where)


@endpoints.get("/contacts/<uuid:id>", needs(Permission.READ, of=Person), answer=ContactDocument())
def show_contact(person: Person) -> Document:
    """One contact."""
    return document(records.CONTACTS, person)


@endpoints.post("/contacts", needs(Permission.REGISTER), body=ContactAtSiteBody(), answer=ContactDocument(), status=201)
def add_contact(body: dict[str, Any]) -> Document:
    """Add somebody at a site."""
    because = _added(body)
    site = _row(Site, body.pop("site"), "site")
    return show_contact(estate.add_contact(call().session, site, Contact(**body), because=because))


@endpoints.patch(
    "/contacts/<uuid:id>",
    needs(Permission.REGISTER, of=Person),
    body=CONTACT_CHANGE,
    answer=ContactDocument(),
    shows=show_contact,
)
def correct_contact(person: Person, body: dict[str, Any]) -> None:
    """Change a contact."""
    because = _corrected(body)
    estate.correct_contact(call().session, person, **_with_rows(body, site=Site), because=because)


@endpoints.post(
    "/contacts/<uuid:id>/erase",
    needs(Permission.ADMINISTER, of=Person),
    body=BecauseBody(),
    answer=ContactDocument(),
)
def erase_contact(person: Person, body: dict[str, Any]) -> Document:
    """Take a contact's name, telephone and addresses out, for ever; faults and registers keep the pseudonym."""
    erasure.erase_contact(call().session, person, because=by_caller(body["reason"]))
    return show_contact(person)


# --- products ---


@endpoints.get("/products", needs(Permission.READ), query=ProductQuery(), answer=page_of(ProductDocument))
def list_products(query: dict[str, Any]) -> Document:
    """Products."""
    where = _has_text(query, Product.model, Product.part_number)
    if query["manufacturer"] is not None:
        where.append(Product.manufacturer_key == estate.manufacturer_key(query["manufacturer"]))
    return listed(records.PRODUCTS, query, *where)


@endpoints.get("/products/<uuid:id>", needs(Permission.READ, of=Product), answer=ProductDocument())
def show_product(product: Product) -> Document:
    """One product."""
    return document(records.PRODUCTS, product)


@endpoints.post(
    "/products", needs(Permission.REGISTER, wide=True), body=ProductBody(), answer=ProductDocument(), status=201
)
def add_product(body: dict[str, Any]) -> Document:
    """Add a product."""
    because = _added(body)
    return show_product(estate.add_product(call().session, **body, because=because))


@endpoints.patch(
    "/products/<uuid:id>",
    needs(Permission.REGISTER, of=Product, wide=True),
    body=PRODUCT_CHANGE,
    answer=ProductDocument(),
    shows=show_product,
)
def correct_product(product: Product, body: dict[str, Any]) -> None:
    """Change a product."""
    because = _corrected(body)
    estate.correct_product(call().session, product, **body, because=because)


@endpoints.post(
    "/products/<uuid:id>/merge",
    needs(Permission.REGISTER, of=Product, wide=True),
    body=MergeBody(),
    answer=ProductDocument(),
)
def merge_product(product: Product, body: dict[str, Any]) -> Document:
    """Merge a product into another one that is the same; its units and coverages pass over, then it is gone."""
    because = _why(body, "merged through the API")
    into = find(Product, body["into"], field="into")
    estate.merge_products(call().session, product, into, because=because)
    return show_product(into)


# --- units ---


@endpoints.get(
    "/assets", needs(Permission.READ, Permission.READ_OWN), query=AssetQuery(), answer=page_of(AssetDocument)
)
def list_assets(query: dict[str, Any]) -> Document:
    """Units."""
    where = [column == query[field] for field, column in _ASSET_PLACES.items() if query[field] is not None]
    if query["serial_number"] is not None:
        where.append(Asset.serial_key == estate.serial_key(query["serial_number"]))
    if query["q"] is not None:
        key = estate.serial_key(query["q"])
        where.append(
            or_(Asset.serial_key.contains(key, autoescape=True), *_has_text(query, Asset.name, Asset.asset_tag))
        )
    if query["coverage"] is not None:
        where.append(cover.stands(call().session, query["coverage"], now=call().now))
    if query["ends_before"] is not None:
        where.append(cover.ends_before(query["ends_before"]))
    page = listed(records.ASSETS, query, *where)
    return page | {"items": [_for_caller(item) for item in page["items"]]}


_ASSET_PLACES: dict[str, Any] = {"site": Site.public_id, "product": Product.public_id}


@endpoints.get("/assets/<uuid:id>", needs(Permission.READ, Permission.READ_OWN, of=Asset), answer=AssetDocument())
def show_asset(asset: Asset) -> Document:
    """One unit."""
    return _for_caller(document(records.ASSETS, asset))


def _for_caller(asset: Document) -> Document:
    if not call().principal.is_client:
        return asset
    return {name: asset[name] for name in ASSET_FOR_CLIENT}


@endpoints.post("/assets", needs(Permission.REGISTER), body=AssetBody(), answer=AssetDocument(), status=201)
def add_asset(body: dict[str, Any]) -> Document:
    """Add a unit of a client."""
    return show_asset(register_asset(body))


def register_asset(body: dict[str, Any]) -> Asset:
    """The new unit of a body."""
    because, names = _added(body), body.pop("external_refs") or None
    rows = _with_rows(body, client=Client, site=Site, product=Product)
    asset = estate.add_asset(call().session, rows.pop("client"), **rows, because=because)
    _named(asset, names, because)
    return asset


@endpoints.patch(
    "/assets/<uuid:id>",
    needs(Permission.REGISTER, of=Asset),
    body=ASSET_CHANGE,
    answer=AssetDocument(),
    shows=show_asset,
)
def correct_asset(asset: Asset, body: dict[str, Any]) -> None:
    """Change a unit: mend what was typed wrongly, move it to another site, retire it.

    A unit that cases rest on keeps its client; while one is open it keeps its serial number too.
    """
    amend_asset(asset, body)


def amend_asset(asset: Asset, body: dict[str, Any]) -> None:
    """Change what a body names."""
    because, names = _corrected(body), body.pop("external_refs", None)
    rows = _with_rows(body, client=Client, site=Site, product=Product)
    estate.correct_asset(call().session, asset, **rows, because=because)
    _named(asset, names, because)


@endpoints.bulk(
    "/assets/bulk",
    needs(Permission.REGISTER),
    table=Asset,
    add=AssetBody(),
    change=ASSET_CHANGE,
    answer=AssetDocument(),
    shows=show_asset,
)
def take_assets(asset: Asset | None, item: dict[str, Any]) -> Asset:
    """Add and change many units, each for itself."""
    if asset is None:
        return register_asset(item)
    amend_asset(asset, item)
    return asset


# --- contracts and coverages ---


@endpoints.get("/contracts", needs(Permission.READ), query=ContractQuery(), answer=page_of(ContractDocument))
def list_contracts(query: dict[str, Any]) -> Document:
    """Contracts."""
    return listed(records.CONTRACTS, query, *_has_text(query, Contract.number, Contract.name))


@endpoints.get("/contracts/<uuid:id>", needs(Permission.READ, of=Contract), answer=ContractDocument())
def show_contract(contract: Contract) -> Document:
    """One contract."""
    return document(records.CONTRACTS, contract)


@endpoints.post("/contracts", needs(Permission.REGISTER), body=ContractBody(), answer=ContractDocument(), status=201)
def add_contract(body: dict[str, Any]) -> Document:
    """Add a contract of a client; what it promises are its coverages."""
    return show_contract(register_contract(body))


def register_contract(body: dict[str, Any]) -> Contract:
    """The new contract of a body."""
    because, names = _added(body), body.pop("external_refs") or None
    client = _row(Client, body.pop("client"), "client")
    contract = estate.add_contract(call().session, client, **body, because=because)
    _named(contract, names, because)
    return contract


@endpoints.patch(
    "/contracts/<uuid:id>",
    needs(Permission.REGISTER, of=Contract),
    body=CONTRACT_CHANGE,
    answer=ContractDocument(),
    shows=show_contract,
)
def correct_contract(contract: Contract, body: dict[str, Any]) -> None:
    """Change what a contract is called."""
    amend_contract(contract, body)


def amend_contract(contract: Contract, body: dict[str, Any]) -> None:
    """Change what a body names."""
    because, names = _corrected(body), body.pop("external_refs", None)
    estate.correct_contract(call().session, contract, **_with_rows(body, client=Client), because=because)
    _named(contract, names, because)


@endpoints.get("/coverages", needs(Permission.READ), query=CoverageQuery(), answer=page_of(CoverageDocument))
def list_coverages(query: dict[str, Any]) -> Document:
    """Coverages."""
    where = [column == query[field] for field, column in _COVERAGE_FACTS.items() if query[field] is not None]
    if query["ends_before"] is not None:
        where.append(Coverage.ends_on < query["ends_before"])
    if query["asset"] is not None:
        where.append(estate.scope_matches(find(Asset, query["asset"], field="asset")))
    return listed(records.COVERAGES, query, *where)


_COVERAGE_FACTS: dict[str, Any] = {
    "contract": Contract.public_id,
    "contract_number": Coverage.contract_number,
    "kind": Coverage.kind,
}


@endpoints.get("/coverages/<uuid:id>", needs(Permission.READ, of=Coverage), answer=CoverageDocument())
def show_coverage(coverage: Coverage) -> Document:
    """One coverage."""
    return document(records.COVERAGES, coverage)


@endpoints.post("/coverages", needs(Permission.REGISTER), body=CoverageBody(), answer=CoverageDocument(), status=201)
def add_coverage(body: dict[str, Any]) -> Document:
    """Add a coverage of a unit, a product, a site or a client."""
    return show_coverage(register_coverage(body))


def register_coverage(body: dict[str, Any]) -> Coverage:
    """The new coverage of a body."""
    because = _added(body)
    [(kind, target)] = body.pop("scope").items()
    scope = _row(_SCOPES[kind], target, f"scope.{kind}")
    return estate.add_coverage(call().session, scope, **_promise(body), because=because)


_SCOPES: dict[str, type[Asset | Product | Site | Client]] = {
    "asset": Asset,
    "product": Product,
    "site": Site,
    "client": Client,
}


def _promise(body: dict[str, Any]) -> dict[str, Any]:
    """The facts of a coverage, with rows in place of ids, and what it rests on under the names of the columns."""
    facts = _with_rows(body, client=Client, contract=Contract, account=VendorAccount)
    if facts.get("sites"):
        facts["sites"] = [_row(Site, site, "sites") for site in facts["sites"]]
    return facts | {_EVIDENCE[name]: value for name, value in facts.pop("evidence", {}).items()}


_EVIDENCE = {
    "source": "evidence_source",
    "vendor_says": "vendor_says",
    "checked_at": "checked_at",
    "error": "lookup_error",
}


@endpoints.patch(
    "/coverages/<uuid:id>",
    needs(Permission.REGISTER, of=Coverage),
    body=COVERAGE_CHANGE,
    answer=CoverageDocument(),
    shows=show_coverage,
)
def correct_coverage(coverage: Coverage, body: dict[str, Any]) -> None:
    """Change a coverage; no verdict changes by it. Another scope is another coverage: cancel this one, add that one."""
    amend_coverage(coverage, body)


def amend_coverage(coverage: Coverage, body: dict[str, Any]) -> None:
    """Change what a body names."""
    because = _corrected(body)
    promise = _promise(body)
    estate.correct_coverage(call().session, coverage, **promise, because=because)
    if promise.get("account") is not None:
        rmas.go_on(call().session, promise["account"], because)


@endpoints.bulk(
    "/coverages/bulk",
    needs(Permission.REGISTER),
    table=Coverage,
    add=CoverageBody(),
    change=COVERAGE_CHANGE,
    answer=CoverageDocument(),
    shows=show_coverage,
)
def take_coverages(coverage: Coverage | None, item: dict[str, Any]) -> Coverage:
    """Add and change many coverages, each for itself."""
    if coverage is None:
        return register_coverage(item)
    amend_coverage(coverage, item)
    return coverage
