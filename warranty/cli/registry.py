"""``warranty client``, ``site``, ``contract`` and ``asset``: the registry by hand, one record at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, TypeVar

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from warranty import db
from warranty.cli.shared import CliProblem, answer, open_runtime
from warranty.domain.access import OPERATOR
from warranty.domain.terms import (
    AssetState,
    Cause,
    Component,
    CoverageKind,
    CoverageState,
    Delivery,
    EvidenceSource,
    Fulfilment,
    Ownership,
    ServiceLevel,
    Share,
)
from warranty.models import Asset, Client, Contract, Coverage, Product, Site
from warranty.services import estate
from warranty.services.casefile import HOME_ZONE
from warranty.services.estate import Contact, Invalid
from warranty.services.importing.contracts import FULFILMENT_OF
from warranty.services.moves import Because

Word = TypeVar("Word", bound=StrEnum)

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@contextmanager
def _writing() -> Iterator[tuple[Session, Because]]:
    """One transaction that may write; a fact that cannot be taken is one sentence, and nothing is written."""
    because = Because(actor=OPERATOR.actor, reason="registered", at=datetime.now(UTC))
    with open_runtime() as runtime:
        try:
            with runtime.database.begin(db.EVERYBODY) as session:
                yield session, because
        except Invalid as err:
            raise CliProblem(err.message) from err


@contextmanager
def _reading() -> Iterator[Session]:
    with open_runtime() as runtime:
        try:
            with runtime.database.read(db.EVERYBODY) as session:
                yield session
        except Invalid as err:
            raise CliProblem(err.message) from err


class Day(click.ParamType[date]):
    """A calendar day, as ISO 8601 writes it."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read it, or say how to write it."""
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day; write it as 2026-03-31.", param, ctx)


def _choice(words: type[StrEnum]) -> click.Choice[str]:
    return click.Choice([word.value for word in words])


def _ids(row: Client | Site | Asset | Contract | Coverage) -> dict[str, Any]:
    return {"id": str(row.public_id)}


# --- Clients --------------------------------------------------------------------------------------------------------


@click.group()
def client() -> None:
    """Add and list clients."""


@client.command(name="add")
@click.argument("name")
@as_json_option
def client_add(name: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it by name
    """Add a client with the default policy and rate card."""
    with _writing() as (session, because):
        row = estate.add_client(session, name=name, because=because)
    answer(_client_row(row), as_json=as_json)


@client.command(name="list")
@as_json_option
def client_list(as_json: bool) -> None:  # noqa: FBT001 - click passes it by name
    """List the clients, with the number of their units."""
    counted = select(func.count()).where(Asset.client_id == Client.id).correlate(Client).scalar_subquery()
    with _reading() as session:
        rows = session.execute(select(Client, counted).order_by(Client.name, Client.id)).all()
    answer([{**_client_row(row), "units": units} for row, units in rows], as_json=as_json)


def _client_row(row: Client) -> dict[str, Any]:
    return {**_ids(row), "name": row.name, "currency": row.currency}


# --- Sites ----------------------------------------------------------------------------------------------------------


@click.group()
def site() -> None:
    """Add and list the sites of clients."""


@site.command(name="add")
@click.argument("name")
@click.option("--client", "client_name", required=True, help="Whose site it is.")
@click.option("--time-zone", required=True, help="As in Europe/Amsterdam.")
@click.option("--address-line1", default="")
@click.option("--address-line2", default="")
@click.option("--city", default="")
@click.option("--postal-code", default="")
@click.option("--state", default="", help="State or province, where addresses there have one.")
@click.option("--country", default="", help="The country; vendors want its two letters.")
@click.option("--contact-name", default="", help="Who receives replacements there.")
@click.option("--contact-phone", default="")
@click.option("--contact-email", default="")
@click.option("--contact-language", default="", help="As in nl.")
@click.option("--access-hours", default="", help="When somebody is there, in words.")
@as_json_option
def site_add(
    name: str,
    client_name: str,
    time_zone: str,
    access_hours: str,
    as_json: bool,  # noqa: FBT001 - click passes it by name
    **parts: str,
) -> None:
    """Add a site with its address and one contact."""
    contact = Contact(**{word: parts.pop(f"contact_{word}") for word in ("name", "phone", "email", "language")})
    is_given = any((contact.name, contact.phone, contact.email))
    with _writing() as (session, because):
        row = estate.add_site(
            session,
            estate.find_client(session, client_name),
            name=name,
            time_zone=time_zone,
            address=parts,
            contacts=[contact] if is_given else [],
            access_hours=access_hours,
            because=because,
        )
    answer(_site_row(row, client_name), as_json=as_json)


@site.command(name="list")
@click.option("--client", "client_name", help="Of this client only.")
@as_json_option
def site_list(client_name: str | None, as_json: bool) -> None:  # noqa: FBT001 - click passes it by name
    """List the sites."""
    query = select(Site, Client.name).join(Client, Client.id == Site.client_id).order_by(Client.name, Site.name)
    with _reading() as session:
        if client_name is not None:
            query = query.where(Site.client_id == estate.find_client(session, client_name).id)
        rows = session.execute(query).all()
    answer([_site_row(row, owner) for row, owner in rows], as_json=as_json)


def _site_row(row: Site, client_name: str) -> dict[str, Any]:
    place = ", ".join(part for part in (row.address.get("city"), row.address.get("country")) if part)
    return {**_ids(row), "name": row.name, "client": client_name, "time_zone": row.time_zone, "place": place}


# --- Contracts ------------------------------------------------------------------------------------------------------


@click.group()
def contract() -> None:
    """Add and list contracts and what they cover."""


@contract.command(name="add")
@click.argument("number")
@click.option("--client", "client_name", required=True, help="Whose contract it is.")
@click.option("--name", default="", help="What it is called.")
@click.option("--kind", type=_choice(CoverageKind), required=True)
@click.option("--fulfilment", type=_choice(Fulfilment), help="Who honours it. Default: as its kind says.")
@click.option("--serial", "serial_number", help="It covers this unit.")
@click.option("--product", help="It covers the client's units of this model (with --manufacturer).")
@click.option("--manufacturer", help="Whose model it is.")
@click.option(
    "--site", "site_name", help="It covers the units of this site. With none of the three: all of the client."
)
@click.option("--starts-on", type=Day(), required=True, help="The first day, inclusive.")
@click.option("--ends-on", type=Day(), help="The last day, inclusive. Default: no end.")
@click.option("--time-zone", help="Of these days. Default: that of the site, else UTC.")
@click.option("--covers", type=_choice(Share), multiple=True, default=("parts",), show_default=True)
@click.option("--excluded-cause", "excluded_causes", type=_choice(Cause), multiple=True)
@click.option("--excluded-component", "excluded_components", type=_choice(Component), multiple=True)
@click.option("--service-level", type=_choice(ServiceLevel), default="unknown", show_default=True)
@click.option("--delivery", type=_choice(Delivery), default="unknown", show_default=True)
@click.option("--state", type=_choice(CoverageState), default="active", show_default=True)
@click.option("--grace-days", type=int, default=0)
@click.option("--grace-is-covered", is_flag=True)
@click.option("--waiting-days", type=int, default=0)
@click.option("--claims-after-end-days", type=int, default=0)
@click.option("--claims-limit", type=int)
@as_json_option
def contract_add(
    number: str,
    client_name: str,
    as_json: bool,  # noqa: FBT001 - click passes it by name
    **options: Any,
) -> None:
    """Add a coverage to contract NUMBER, and the contract where it is new."""
    with _writing() as (session, because):
        owner = estate.find_client(session, client_name)
        scope = _scope(session, owner, options)
        kind = CoverageKind(options["kind"])
        row = estate.add_coverage(
            session,
            scope,
            client=owner,
            contract=_paper(session, owner, number, because),
            contract_number=number,
            name=options["name"],
            kind=kind,
            fulfilment=Fulfilment(options["fulfilment"] or FULFILMENT_OF[kind]),
            starts_on=options["starts_on"],
            ends_on=options["ends_on"],
            time_zone=options["time_zone"] or _zone(session, scope),
            state=CoverageState(options["state"]),
            covers=_all(Share, options["covers"]),
            excluded_causes=_all(Cause, options["excluded_causes"]),
            excluded_components=_all(Component, options["excluded_components"]),
            service_level=ServiceLevel(options["service_level"]),
            delivery=Delivery(options["delivery"]),
            grace_days=options["grace_days"],
            grace_is_covered=options["grace_is_covered"],
            waiting_days=options["waiting_days"],
            claims_after_end_days=options["claims_after_end_days"],
            claims_limit=options["claims_limit"],
            evidence_source=EvidenceSource.CONTRACT_FILE,
            because=because,
        )
    answer(_coverage_row(row, owner.name), as_json=as_json)


@contract.command(name="list")
@click.option("--client", "client_name", help="Of this client only.")
@as_json_option
def contract_list(client_name: str | None, as_json: bool) -> None:  # noqa: FBT001 - click passes it by name
    """List what the contracts cover, a line for each coverage."""
    query = select(Coverage, Client.name).join(Client, Client.id == Coverage.client_id)
    with _reading() as session:
        if client_name is not None:
            query = query.where(Coverage.client_id == estate.find_client(session, client_name).id)
        rows = session.execute(query.order_by(Client.name, Coverage.contract_number, Coverage.id)).all()
    answer([_coverage_row(row, owner) for row, owner in rows], as_json=as_json)


def _scope(session: Session, owner: Client, options: dict[str, Any]) -> Asset | Product | Site | Client:
    named = [word for word in ("serial_number", "product", "site_name") if options[word] is not None]
    if len(named) > 1:
        raise Invalid("scope", "A coverage is for one thing: give one of --serial, --product and --site.")
    if options["serial_number"] is not None:
        return _unit(session, options["serial_number"], owner)
    if options["site_name"] is not None:
        return estate.find_site(session, owner, options["site_name"])
    if options["product"] is not None:
        if options["manufacturer"] is None:
            raise Invalid("manufacturer", "Say whose model it is with --manufacturer.")
        return estate.find_product(session, manufacturer=options["manufacturer"], model=options["product"])
    return owner


def _unit(session: Session, serial_number: str, owner: Client) -> Asset:
    found = estate.find_assets(session, serial_number, client=owner)
    if len(found) != 1:
        raise Invalid(
            "serial_number", f"{len(found) or 'No'} units of {owner.name} have the serial number {serial_number}."
        )
    return found[0]


def _paper(session: Session, owner: Client, number: str, because: Because) -> Contract:
    query = select(Contract).where(Contract.client_id == owner.id, Contract.number == " ".join(number.split()))
    return session.scalars(query).one_or_none() or estate.add_contract(session, owner, number=number, because=because)


def _zone(session: Session, scope: Asset | Product | Site | Client) -> str:
    site_id = scope.site_id if isinstance(scope, Asset) else scope.id if isinstance(scope, Site) else None
    return HOME_ZONE if site_id is None else session.get_one(Site, site_id).time_zone


def _all(words: type[Word], values: tuple[str, ...]) -> list[Word]:
    return [words(value) for value in values]


def _coverage_row(row: Coverage, client_name: str) -> dict[str, Any]:
    return {
        **_ids(row),
        "contract": row.contract_number,
        "client": client_name,
        "kind": row.kind.value,
        "scope": row.scope.value,
        "covers": row.covers,
        "starts_on": row.starts_on.isoformat(),
        "ends_on": None if row.ends_on is None else row.ends_on.isoformat(),
        "service_level": row.service_level.value,
        "state": row.state.value,
    }


# --- Units ----------------------------------------------------------------------------------------------------------


@click.group()
def asset() -> None:
    """Add, list and show units."""


@asset.command(name="add")
@click.argument("serial_number", metavar="SERIAL")
@click.option("--client", "client_name", required=True, help="Whose site it stands at.")
@click.option("--manufacturer", help="Who made it; with --product.")
@click.option("--product", help="Its model; added where it is new.")
@click.option("--part-number", default="", help="The part number of a new product.")
@click.option("--site", "site_name", help="Where it stands.")
@click.option("--name", default="")
@click.option("--asset-tag", default="")
@click.option("--ownership", type=_choice(Ownership), default="client", show_default=True)
@click.option(
    "--state",
    type=click.Choice([state.value for state in estate.FIRST_STATES]),
    default="onboarding",
    show_default=True,
    help="in_service: it was handed over and found healthy.",
)
@click.option("--purchased-on", type=Day())
@as_json_option
def asset_add(
    serial_number: str,
    client_name: str,
    as_json: bool,  # noqa: FBT001 - click passes it by name
    **options: Any,
) -> None:
    """Add a unit."""
    with _writing() as (session, because):
        owner = estate.find_client(session, client_name)
        others = estate.find_assets(session, serial_number, client=owner)
        row = estate.add_asset(
            session,
            owner,
            serial_number=serial_number,
            product=_product(session, options, because),
            site=None if options["site_name"] is None else estate.find_site(session, owner, options["site_name"]),
            name=options["name"],
            asset_tag=options["asset_tag"],
            ownership=Ownership(options["ownership"]),
            state=AssetState(options["state"]),
            purchased_on=options["purchased_on"],
            because=because,
        )
        shown = _asset_row(session.scalars(_UNITS.where(Asset.id == row.id)).one())
    if others:
        click.echo(f"Note: {owner.name} has {len(others)} other of this serial; reports on it go to review.", err=True)
    answer(shown, as_json=as_json)


@asset.command(name="list")
@click.option("--client", "client_name", help="Of this client only.")
@click.option("--state", type=_choice(AssetState), help="In this state only.")
@click.option("--limit", type=click.IntRange(1), default=1_000, show_default=True, help="At most so many.")
@as_json_option
def asset_list(client_name: str | None, state: str | None, limit: int, as_json: bool) -> None:  # noqa: FBT001 - click passes it by name
    """List units."""
    query = _UNITS.order_by(Asset.client_id, Asset.serial_key, Asset.id).limit(limit)
    with _reading() as session:
        if client_name is not None:
            query = query.where(Asset.client_id == estate.find_client(session, client_name).id)
        if state is not None:
            query = query.where(Asset.state == AssetState(state))
        rows = [_asset_row(row) for row in session.scalars(query)]
    answer(rows, as_json=as_json)


@asset.command(name="show")
@click.argument("serial_number", metavar="SERIAL")
@click.option("--client", "client_name", help="Of this client only.")
@as_json_option
def asset_show(serial_number: str, client_name: str | None, as_json: bool) -> None:  # noqa: FBT001 - click passes it by name
    """Show every unit of a serial number, with what covers it by name."""
    with _reading() as session:
        query = _UNITS.where(Asset.serial_key == estate.serial_key(serial_number)).order_by(Asset.id)
        if client_name is not None:
            query = query.where(Asset.client_id == estate.find_client(session, client_name).id)
        units = [(_asset_row(row), _coverages(session, row)) for row in session.scalars(query)]
    if not units:
        raise CliProblem(f"There is no unit with the serial number {serial_number}.")
    if as_json:
        answer([{**unit, "coverages": coverages} for unit, coverages in units], as_json=True)
        return
    for unit, coverages in units:
        answer(unit, as_json=False)
        click.echo()
        answer(coverages, as_json=False)


def _product(session: Session, options: dict[str, Any], because: Because) -> Product | None:
    manufacturer, model = options["manufacturer"], options["product"]
    if (manufacturer is None) != (model is None):
        raise Invalid("product", "Give --manufacturer and --product together.")
    if manufacturer is None:
        return None
    try:
        return estate.find_product(session, manufacturer=manufacturer, model=model)
    except Invalid:
        part_number = options["part_number"]
        return estate.add_product(
            session, manufacturer=manufacturer, model=model, part_number=part_number, because=because
        )


_UNITS = (
    select(Asset)
    .options(selectinload(Asset.client), selectinload(Asset.site), selectinload(Asset.product))
    .execution_options(populate_existing=True)
)


def _asset_row(row: Asset) -> dict[str, Any]:
    return {
        **_ids(row),
        "serial_number": row.serial_number,
        "client": row.client.name,
        "site": row.site.name if row.site else None,
        "manufacturer": row.product.manufacturer if row.product else None,
        "product": row.product.model if row.product else None,
        "name": row.name,
        "asset_tag": row.asset_tag,
        "ownership": row.ownership.value,
        "state": row.state.value,
    }


def _coverages(session: Session, unit: Asset) -> list[dict[str, Any]]:
    """The promises whose scope matches a unit, whatever their dates: the decision says which of them counts."""
    query = select(Coverage).where(estate.scope_matches(unit)).order_by(Coverage.id)
    return [_coverage_row(row, unit.client.name) for row in session.scalars(query)]
