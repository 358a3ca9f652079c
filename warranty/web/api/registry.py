"""The registry for programs: reading all of it, and adding what must be there before a fault can be reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import or_

from warranty.domain.access import Permission
from warranty.models import Asset, Client, Contract, Coverage, Product, PublicRow, Site, VendorAccount
from warranty.services import estate, records
from warranty.services.moves import Because
from warranty.web.api.base import Endpoints, document, listed
from warranty.web.guards import call, find, needs
from warranty.web.schemas.lists import ListQuery, page_of
from warranty.web.schemas.registry import (
    ASSET_FOR_CLIENT,
    AssetBody,
    AssetDocument,
    AssetQuery,
    ClientBody,
    ClientDocument,
    ContractDocument,
    CoverageBody,
    CoverageDocument,
    OfClientQuery,
    ProductDocument,
    SiteBody,
    SiteDocument,
)

if TYPE_CHECKING:
    from uuid import UUID

Row = TypeVar("Row", bound=PublicRow)

endpoints = Endpoints("registry", "Clients, sites, products, units, contracts and coverages.")


def _because() -> Because:
    asked = call()
    return Because(asked.principal.actor, "registered through the API", asked.now)


def _named(table: type[Row], body: dict[str, Any], field: str) -> Row | None:
    """The row that a field of the body names, which is taken out of the body."""
    public_id: UUID | None = body.pop(field)
    return None if public_id is None else find(table, public_id, field=field)


# --- clients ---


@endpoints.get("/clients", needs(Permission.READ), query=ListQuery(), answer=page_of(ClientDocument))
def list_clients(query: dict[str, Any]) -> dict[str, Any]:
    """Clients."""
    return listed(records.CLIENTS, query)


@endpoints.post("/clients", needs(Permission.REGISTER), body=ClientBody(), answer=ClientDocument(), status=201)
def add_client(body: dict[str, Any]) -> dict[str, Any]:
    """Add a client, with the default policy and rate card."""
    return document(records.CLIENTS, estate.add_client(call().session, **body, because=_because()))


@endpoints.get("/clients/<uuid:id>", needs(Permission.READ, of=Client), answer=ClientDocument())
def show_client(client: Client) -> dict[str, Any]:
    """One client."""
    return document(records.CLIENTS, client)


# --- sites ---


@endpoints.get("/sites", needs(Permission.READ), query=OfClientQuery(), answer=page_of(SiteDocument))
def list_sites(query: dict[str, Any]) -> dict[str, Any]:
    """Sites."""
    return listed(records.SITES, query)


@endpoints.post("/sites", needs(Permission.REGISTER), body=SiteBody(), answer=SiteDocument(), status=201)
def add_site(body: dict[str, Any]) -> dict[str, Any]:
    """Add a site of a client."""
    client = find(Client, body.pop("client"), field="client")
    return document(records.SITES, estate.add_site(call().session, client, **body, because=_because()))


@endpoints.get("/sites/<uuid:id>", needs(Permission.READ, of=Site), answer=SiteDocument())
def show_site(site: Site) -> dict[str, Any]:
    """One site."""
    return document(records.SITES, site)


# --- products ---


@endpoints.get("/products", needs(Permission.READ), query=ListQuery(), answer=page_of(ProductDocument))
def list_products(query: dict[str, Any]) -> dict[str, Any]:
    """Products."""
    return listed(records.PRODUCTS, query)


@endpoints.get("/products/<uuid:id>", needs(Permission.READ, of=Product), answer=ProductDocument())
def show_product(product: Product) -> dict[str, Any]:
    """One product."""
    return document(records.PRODUCTS, product)


# --- units ---


@endpoints.get(
    "/assets", needs(Permission.READ, Permission.READ_OWN), query=AssetQuery(), answer=page_of(AssetDocument)
)
def list_assets(query: dict[str, Any]) -> dict[str, Any]:
    """Units."""
    where = []
    if query["serial_number"] is not None:
        where.append(Asset.serial_key == estate.serial_key(query["serial_number"]))
    if query["q"] is not None:
        key = estate.serial_key(query["q"])
        texts = (
            Asset.name.icontains(query["q"], autoescape=True),
            Asset.asset_tag.icontains(query["q"], autoescape=True),
        )
        where.append(or_(Asset.serial_key.contains(key, autoescape=True), *texts))
    page = listed(records.ASSETS, query, *where)
    return page | {"items": [_for_caller(item) for item in page["items"]]}


@endpoints.post("/assets", needs(Permission.REGISTER), body=AssetBody(), answer=AssetDocument(), status=201)
def add_asset(body: dict[str, Any]) -> dict[str, Any]:
    """Add a unit of a client."""
    client = find(Client, body.pop("client"), field="client")
    site, product = _named(Site, body, "site"), _named(Product, body, "product")
    asset = estate.add_asset(call().session, client, site=site, product=product, **body, because=_because())
    return document(records.ASSETS, asset)


@endpoints.get("/assets/<uuid:id>", needs(Permission.READ, Permission.READ_OWN, of=Asset), answer=AssetDocument())
def show_asset(asset: Asset) -> dict[str, Any]:
    """One unit."""
    return _for_caller(document(records.ASSETS, asset))


def _for_caller(asset: dict[str, Any]) -> dict[str, Any]:
    if call().principal.client_id is None:
        return asset
    return {name: asset[name] for name in ASSET_FOR_CLIENT}


# --- contracts and coverages ---


@endpoints.get("/contracts", needs(Permission.READ), query=OfClientQuery(), answer=page_of(ContractDocument))
def list_contracts(query: dict[str, Any]) -> dict[str, Any]:
    """Contracts."""
    return listed(records.CONTRACTS, query)


@endpoints.get("/contracts/<uuid:id>", needs(Permission.READ, of=Contract), answer=ContractDocument())
def show_contract(contract: Contract) -> dict[str, Any]:
    """One contract."""
    return document(records.CONTRACTS, contract)


@endpoints.get("/coverages", needs(Permission.READ), query=OfClientQuery(), answer=page_of(CoverageDocument))
def list_coverages(query: dict[str, Any]) -> dict[str, Any]:
    """Coverages."""
    return listed(records.COVERAGES, query)


@endpoints.post("/coverages", needs(Permission.REGISTER), body=CoverageBody(), answer=CoverageDocument(), status=201)
def add_coverage(body: dict[str, Any]) -> dict[str, Any]:
    """Add a coverage of a unit, a product, a site or a client."""
    [(kind, target)] = body.pop("scope").items()
    scope = find(_SCOPES[kind], target, field=f"scope.{kind}")
    evidence = body.pop("evidence")
    sites = body.pop("sites")
    coverage = estate.add_coverage(
        call().session,
        scope,
        client=_named(Client, body, "client"),
        contract=_named(Contract, body, "contract"),
        account=_named(VendorAccount, body, "account"),
        sites=None if sites is None else [find(Site, site, field="sites") for site in sites],
        evidence_source=evidence["source"],
        vendor_says=evidence["vendor_says"],
        checked_at=evidence["checked_at"],
        lookup_error=evidence["error"],
        because=_because(),
        **body,
    )
    return document(records.COVERAGES, coverage)


_SCOPES: dict[str, type[Asset | Product | Site | Client]] = {
    "asset": Asset,
    "product": Product,
    "site": Site,
    "client": Client,
}


@endpoints.get("/coverages/<uuid:id>", needs(Permission.READ, of=Coverage), answer=CoverageDocument())
def show_coverage(coverage: Coverage) -> dict[str, Any]:
    """One coverage."""
    return document(records.COVERAGES, coverage)
