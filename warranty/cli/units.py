"""``warranty product`` and ``asset``: the hardware that is looked after, and what models there are of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import or_, select

from warranty.cli.desk import OF_CLIENT, Desk, client_option, listing, print_list, reading, writing
from warranty.cli.places import ADDED, reason_option
from warranty.cli.shared import NOTHING, Day, OrNone, answer, given, json_option, word
from warranty.domain.terms import AssetState, Ownership
from warranty.models import Asset, Client, Coverage, Product
from warranty.services import estate, records
from warranty.services.estate import Invalid

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

MAKER = click.option("--manufacturer", help="Whose model it is, where several have one of this name.")
WHOSE = client_option("Whose unit it is, where several have one of this serial.")


# --- products ---


@click.group()
def product() -> None:
    """Add, list, show, change and merge products."""


@product.command("add")
@click.argument("manufacturer")
@click.argument("model")
@click.option("--part-number", default="", help="The manufacturer's number for it.")
@click.option("--base-term-months", type=int, help="How long its warranty usually is.")
@click.option("--list-price-minor", type=int, help="What it costs, in minor units (cents).")
@click.option("--currency", default="EUR", show_default=True, help="Of the price.")
@json_option
def product_add(manufacturer: str, model: str, *, as_json: bool, **facts: Any) -> None:
    """Add a MODEL of a MANUFACTURER."""
    with writing(ADDED) as desk:
        row = estate.add_product(desk.session, manufacturer=manufacturer, model=model, because=desk.because, **facts)
        shown = desk.document(records.PRODUCTS, row)
    shown.print(as_json=as_json)


@product.command("list")
@click.option("--manufacturer", help="Of this manufacturer only.")
@click.option("--query", "-q", help="Those with this in their model or part number.")
@listing
def product_list(manufacturer: str | None, query: str | None, **how: Any) -> None:
    """List the products, the newest first."""
    where: list[ColumnElement[bool]] = []
    if manufacturer is not None:
        where.append(Product.manufacturer_key == estate.manufacturer_key(manufacturer))
    if query is not None:
        where.append(
            or_(*(column.icontains(query, autoescape=True) for column in (Product.model, Product.part_number)))
        )
    print_list(lambda _: records.PRODUCTS, lambda _: where, "id manufacturer model part_number", **how)


@product.command("show")
@click.argument("named", metavar="PRODUCT")
@MAKER
@json_option
def product_show(named: str, manufacturer: str | None, *, as_json: bool) -> None:
    """Show a product, by its model or id."""
    with reading() as desk:
        shown = desk.document(records.PRODUCTS, desk.product(named, manufacturer))
    shown.print(as_json=as_json)


@product.command("change")
@click.argument("named", metavar="PRODUCT")
@click.option("--manufacturer", help="Who made it.")
@click.option("--model", help="What they call it.")
@click.option("--part-number", help="Their number for it.")
@click.option("--base-term-months", type=OrNone(click.INT), help="How long its warranty usually is, or none.")
@click.option("--list-price-minor", type=OrNone(click.INT), help="What it costs, in minor units, or none.")
@click.option("--currency", help="Of the price.")
@reason_option
@json_option
def product_change(named: str, reason: str, *, as_json: bool, **facts: Any) -> None:
    """Change what is known of a product, named by its model or id."""
    new = given(facts)
    with writing(reason) as desk:
        row = desk.hold(desk.product(named))
        estate.correct_product(desk.session, row, because=desk.because, **new)
        shown = desk.document(records.PRODUCTS, row)
    shown.print(as_json=as_json)


@product.command("merge")
@click.argument("named", metavar="PRODUCT")
@click.argument("into", metavar="INTO")
@reason_option
@json_option
def product_merge(named: str, into: str, reason: str, *, as_json: bool) -> None:
    """Let INTO stand for both; units, coverages and stock of PRODUCT pass over, then it is gone."""
    with writing(reason) as desk:
        stays = desk.product(into)
        estate.merge_products(desk.session, desk.product(named), stays, because=desk.because)
        shown = desk.document(records.PRODUCTS, stays)
    shown.print(as_json=as_json)


# --- units ---


@click.group()
def asset() -> None:
    """Add, list, show and change units."""


@asset.command("add")
@click.argument("serial_number", metavar="SERIAL")
@client_option("Whose unit it is.", required=True)
@click.option("--manufacturer", help="Who made it; with --product.")
@click.option("--product", help="Its model; added where it is new.")
@click.option("--part-number", default="", help="The part number of a new product.")
@click.option("--site", "site_name", metavar="SITE", help="Where it stands.")
@click.option("--name", default="", help="What it is called.")
@click.option("--asset-tag", default="", help="The number on its sticker.")
@word("--ownership", words=Ownership, default="client", show_default=True, about="Whose property it is.")
@word(
    "--state",
    words=estate.FIRST_STATES,
    default="onboarding",
    show_default=True,
    about="in_service: it was handed over and found healthy.",
)
@click.option("--purchased-on", type=Day(), help="When it was bought.")
@json_option
def asset_add(serial_number: str, client_name: str, *, as_json: bool, **options: Any) -> None:
    """Add a unit."""
    with writing(ADDED) as desk:
        owner = desk.client(client_name)
        others = estate.find_assets(desk.session, serial_number, client=owner)
        row = estate.add_asset(
            desk.session,
            owner,
            serial_number=serial_number,
            product=_product(desk, options),
            site=None if options["site_name"] is None else desk.site(options["site_name"], owner),
            because=desk.because,
            **{fact: options[fact] for fact in ("name", "asset_tag", "ownership", "state", "purchased_on")},
        )
        shown = desk.document(records.ASSETS, row)
    if others:
        click.echo(f"Note: {owner.name} has {len(others)} other of this serial; reports on it go to review.", err=True)
    shown.print(as_json=as_json)


def _product(desk: Desk, options: dict[str, Any]) -> Product | None:
    manufacturer, model = options["manufacturer"], options["product"]
    if (manufacturer is None) != (model is None):
        raise Invalid("product", "Give --manufacturer and --product together.")
    if manufacturer is None:
        return None
    try:
        return estate.find_product(desk.session, manufacturer=manufacturer, model=model)
    except Invalid:
        facts = {"manufacturer": manufacturer, "model": model, "part_number": options["part_number"]}
        return estate.add_product(desk.session, because=desk.because, **facts)


@asset.command("list")
@OF_CLIENT
@word("--state", words=AssetState, about="In this state only.")
@click.option("--query", "-q", help="Those with this in their serial number, name or tag.")
@listing
def asset_list(client_name: str | None, state: AssetState | None, query: str | None, **how: Any) -> None:
    """List the units, the newest first."""
    where: list[ColumnElement[bool]] = [] if state is None else [Asset.state == state]
    if query is not None:
        named = [column.icontains(query, autoescape=True) for column in (Asset.name, Asset.asset_tag)]
        where.append(or_(Asset.serial_key.contains(estate.serial_key(query), autoescape=True), *named))
    columns = "id serial_number client product state"
    print_list(lambda _: records.ASSETS, lambda desk: [*where, *desk.of_client(client_name)], columns, **how)


@asset.command("show")
@click.argument("serial_number", metavar="SERIAL")
@client_option("Of this client only.")
@json_option
def asset_show(serial_number: str, client_name: str | None, *, as_json: bool) -> None:
    """Show every unit of a serial number, or the one of an id, with what covers it by name."""
    with reading() as desk:
        owner = None if client_name is None else desk.client(client_name)
        units = estate.find_assets(desk.session, serial_number, client=owner) or [desk.unit(serial_number, owner)]
        found = [
            desk.shown(
                records.one(desk.session, records.ASSETS, unit, now=desk.now) | {"coverages": _coverages(desk, unit)}
            )
            for unit in units
        ]
    if as_json:
        answer([shown.document for shown in found], as_json=True)
        return
    for place, shown in enumerate(found):
        if place:
            click.echo()
        columns = ("id", "contract_number", "kind", "state", "starts_on", "ends_on", "covers")
        brief = [{name: coverage[name] for name in columns} for coverage in shown.document["coverages"]]
        shown.document["coverages"] = brief
        shown.print(as_json=False)


def _coverages(desk: Desk, unit: Asset) -> list[dict[str, Any]]:
    """The promises whose scope matches a unit, whatever their dates: the decision says which of them counts."""
    rows = desk.session.scalars(select(Coverage).where(estate.scope_matches(unit)).order_by(Coverage.id))
    return [records.one(desk.session, records.COVERAGES, row, now=desk.now) for row in rows]


@asset.command("change")
@click.argument("named", metavar="SERIAL")
@WHOSE
@click.option("--serial-number", help="What it really is.")
@click.option("--to-client", metavar="CLIENT", help="Pass it to this client; one with a history keeps its own.")
@click.option("--manufacturer", help="Whose model --product is, where several have one of this name.")
@click.option("--product", type=OrNone(click.STRING), help="Its model, or none.")
@click.option("--site", type=OrNone(click.STRING), help="Where it stands, or none.")
@click.option("--name", help="What it is called.")
@click.option("--asset-tag", help="The number on its sticker.")
@word("--ownership", words=Ownership, about="Whose property it is.")
@word("--state", words=AssetState, about="Where it goes by hand; its cases do the rest.")
@click.option("--purchased-on", type=OrNone(Day()), help="When it was bought, or none.")
@reason_option
@json_option
def asset_change(
    named: str,
    client_name: str | None,
    to_client: str | None,
    manufacturer: str | None,
    reason: str,
    *,
    as_json: bool,
    **facts: Any,
) -> None:
    """Change a unit, named by its serial number or id: mend what was typed wrongly, move it, retire it."""
    new = given(facts | {"client": to_client})
    with writing(reason) as desk:
        row = desk.hold(desk.unit(named, None if client_name is None else desk.client(client_name)))
        owner = desk.session.get_one(Client, row.client_id)
        if to_client is not None:
            owner = new["client"] = desk.client(to_client)
        if facts["site"] not in {None, NOTHING}:
            new["site"] = desk.site(facts["site"], owner)
        if facts["product"] not in {None, NOTHING}:
            new["product"] = desk.product(facts["product"], manufacturer)
        estate.correct_asset(desk.session, row, because=desk.because, **new)
        shown = desk.document(records.ASSETS, row)
    shown.print(as_json=as_json)
