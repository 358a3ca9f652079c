"""Contracts and what they promise, one at a time; many together: see ``promises``."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any

from flask import render_template, request, url_for

from warranty.domain.access import Permission
from warranty.domain.terms import (
    CoverageKind,
    CoverageState,
    Delivery,
    EvidenceSource,
    Fulfilment,
    ScopeKind,
    ServiceLevel,
    Share,
)
from warranty.models import Client, Contract, Coverage, Site
from warranty.services import contracts, estate, queries, records
from warranty.services.estate import Invalid
from warranty.web import views, words
from warranty.web.forms import uuid_of
from warranty.web.guards import call, find, needs
from warranty.web.i18n import N_, reader
from warranty.web.pages import registry as pages
from warranty.web.schemas.contracts import PromisesBody
from warranty.web.schemas.registry import CONTRACT_CHANGE, COVERAGE_CHANGE, ContractBody
from warranty.web.staff import editing
from warranty.web.staff.clients import ROWS, list_frame, may_register, page_of, searched, sites_of
from warranty.web.staff.editing import REASON, About, Field, Form
from warranty.web.staff.room import blueprint

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from warranty.services.moves import Because
    from warranty.services.renewals import Promise


# --- the list ---


@blueprint.get("/contracts")
@needs(Permission.READ)
def contract_list() -> str:
    """Contracts, by number; of all clients, or of one."""
    search, after = searched()
    session, client = call().session, _asked_client()
    found, last = contracts.listed(
        session, search=search, client=client.public_id if client else None, after=after, limit=ROWS
    )
    totals = contracts.totals(session, [contract.id for contract, _ in found], today=reader().today)
    only = client.public_id if client else None
    add_url = url_for("staff.contract_new", client=only) if may_register() else None
    view = pages.ContractListView(
        rows=tuple(_contract_row(contract, owner, totals[contract.id]) for contract, owner in found),
        list=list_frame("staff.contract_list", search, last, add_url, client=only),
        client=client.name if client else None,
        client_id=str(only) if only else None,
        all_url=url_for("staff.contract_list", q=search or None) if client else None,
    )
    return render_template("staff/contract_list.html", frame=views.frame(), view=view)


def _asked_client() -> Client | None:
    """The client that the address names; one that there is not is a 404 like any other."""
    named = uuid_of(request.args.get("client"))
    return find(Client, named) if named else None


def _contract_row(contract: Contract, owner: Client, totals: contracts.Totals) -> pages.ContractRow:
    url = url_for("staff.contract_detail", id=contract.public_id)
    return pages.ContractRow(contract.number, contract.name, url, owner.name, page_of(owner).url, totals)


# --- one contract ---


@blueprint.get("/contracts/<uuid:id>")
@needs(Permission.READ, of=Contract)
def contract_detail(contract: Contract) -> str:
    """One contract: what it promises, until when, and how far it reaches."""
    session, id_, may = call().session, contract.public_id, may_register()
    _, after = searched()
    client = _owner(contract)
    found, last = contracts.promises(session, contract, after=after, limit=ROWS)
    totals = contracts.totals(session, [contract.id], today=reader().today)[contract.id]
    add_url = url_for("staff.promises_new", id=id_) if may else None
    may_change = may and bool(totals.running or totals.ended)
    view = pages.ContractView(
        number=contract.number,
        name=contract.name,
        client=client.name,
        client_url=page_of(client).url,
        totals=totals,
        reach=contracts.reach(session, contract, now=call().now),
        rows=tuple(promise_row(one, may=may) for one in found),
        list=list_frame("staff.contract_detail", "", last, add_url, id=id_),
        edit_url=url_for("staff.contract_edit", id=id_) if may else None,
        void_url=url_for("staff.contract_void", id=id_) if may_change else None,
        co_term_url=url_for("staff.contract_co_term", id=id_) if may_change else None,
        covered_url=url_for("staff.contract_units", id=id_),
        uncovered_url=url_for("staff.contract_units", id=id_, covered="no"),
    )
    return render_template("staff/contract_detail.html", frame=views.frame(), view=view)


def promise_row(found: Promise, *, may: bool = False) -> pages.PromiseRow:
    """One promise as a list shows it."""
    coverage = found.coverage
    product = f"{found.product.manufacturer} {found.product.model}" if found.product else ""
    ends = coverage.ends_on
    return pages.PromiseRow(
        id=str(coverage.public_id),
        kind=coverage.kind,
        state=coverage.state,
        shares=tuple(share for share in Share if share in coverage.covers),
        starts_on=coverage.starts_on,
        ends_on=ends,
        time_zone=coverage.time_zone,
        days=None if ends is None else (ends - reader().today).days,
        price_minor=coverage.price_minor,
        currency=coverage.currency,
        serial=found.asset.serial_number if found.asset else "",
        unit_url=url_for("staff.asset_detail", id=found.asset.public_id) if found.asset else None,
        place=_place(found, product),
        product=product,
        edit_url=url_for("staff.promise_edit", id=coverage.public_id) if may else None,
        number=coverage.contract_number,
        contract_url=url_for("staff.contract_detail", id=found.contract.public_id) if found.contract else None,
        client=found.client.name,
        client_url=page_of(found.client).url,
        is_followed=found.is_followed,
    )


def _place(found: Promise, product: str) -> str:
    match found.coverage.scope:
        case ScopeKind.SITE:
            return reader().text(N_("Site %(site)s"), site=found.site.name if found.site else "")
        case ScopeKind.PRODUCT:
            return reader().text(N_("Every %(product)s"), product=product)
        case ScopeKind.CLIENT:
            return reader().text(N_("Everything of the client"))
        case _:
            return ""


def _owner(contract: Contract) -> Client:
    return call().session.get_one(Client, contract.client_id)


@blueprint.get("/contracts/<uuid:id>/units")
@needs(Permission.READ, of=Contract)
def contract_units(contract: Contract) -> str:
    """Which units of the client it covers today, or which it does not."""
    session, id_ = call().session, contract.public_id
    is_covered, (_, after) = request.args.get("covered") != "no", searched()
    found, last = contracts.units(session, contract, is_covered=is_covered, now=call().now, after=after, limit=ROWS)
    kept = {} if is_covered else {"covered": "no"}
    view = pages.ContractUnitsView(
        number=contract.number,
        url=url_for("staff.contract_detail", id=id_),
        client=_owner(contract).name,
        is_covered=is_covered,
        covered_url=url_for("staff.contract_units", id=id_),
        uncovered_url=url_for("staff.contract_units", id=id_, covered="no"),
        rows=tuple(
            pages.UnitRow(
                asset.serial_number,
                url_for("staff.asset_detail", id=asset.public_id),
                asset.name,
                f"{product.manufacturer} {product.model}" if product else "",
                asset.asset_tag,
            )
            for asset, product in found
        ),
        list=list_frame("staff.contract_units", "", last, id=id_, **kept),
    )
    return render_template("staff/contract_units.html", frame=views.frame(), view=view)


# --- the paper ---

_NUMBER = Field(
    "number",
    N_("Contract number"),
    style="mono",
    most=120,
    wrong=N_("Give a number that this client has on no other contract."),
)
_NAME = Field("name", N_("Name"), note=N_("optional"), most=200)
_CLIENT = Field(
    "client", N_("Client"), kind="select", wrong=N_("Say whose contract it is."), empty=N_("Choose the client")
)
_NEW, _CONTRACT = (
    Form(ContractBody(), (_CLIENT, _NUMBER, _NAME, REASON)),
    Form(CONTRACT_CHANGE, (_NUMBER, _NAME, REASON)),
)


def _contracts() -> pages.Crumb:
    return pages.Crumb(reader().text(N_("Contracts")), url_for("staff.contract_list"))


def crumb_of(contract: Contract) -> pages.Crumb:
    """The way to a contract's page."""
    return pages.Crumb(contract.number, url_for("staff.contract_detail", id=contract.public_id))


def _about_new() -> About:
    said, above = reader().text, _contracts()
    return About(said(N_("Add a contract")), said(N_("Add the contract")), "contracts", (above,), above.url)


def _all_clients() -> dict[str, tuple[tuple[str, str], ...]]:
    return {"client": tuple((str(one.public_id), one.name) for one in queries.clients(call().session))}


@blueprint.get("/contracts/new")
@needs(Permission.REGISTER)
def contract_new() -> str:
    """The form of a new contract."""
    client = _asked_client()
    document = {"client": client.public_id} if client else {}
    return editing.page(_NEW, _about_new(), document=document, choices=_all_clients())


@blueprint.post("/contracts/new")
@needs(Permission.REGISTER)
def add_contract() -> Response | tuple[str, int]:
    """Add a contract of a client; what it promises comes next."""

    def add(body: dict[str, Any], because: Because) -> str:
        client = find(Client, body["client"], field="client")
        contract = estate.add_contract(
            call().session, client, number=body["number"], name=body["name"], because=because
        )
        return crumb_of(contract).url

    return editing.add(_NEW, _about_new(), add, choices=_all_clients())


def _about(contract: Contract) -> About:
    said, here = reader().text, crumb_of(contract)
    return About(
        said(N_("Change the contract")), said(N_("Save the contract")), "contracts", (_contracts(), here), here.url
    )


@blueprint.get("/contracts/<uuid:id>/edit")
@needs(Permission.REGISTER, of=Contract)
def contract_edit(contract: Contract) -> str:
    """The form of a contract."""
    return editing.edit(_CONTRACT, _about(contract), records.CONTRACTS, contract)


@blueprint.post("/contracts/<uuid:id>/edit")
@needs(Permission.REGISTER, of=Contract)
def correct_contract(contract: Contract) -> Response | tuple[str, int]:
    """Change what a contract is called."""
    return editing.amend(
        _CONTRACT,
        _about(contract),
        records.CONTRACTS,
        contract,
        estate.correct_contract,
    )


# --- what it promises ---

_KIND = Field(
    "kind",
    N_("Sort of promise"),
    kind="select",
    wrong=N_("Choose what sort of promise it is."),
    words=CoverageKind,
    named=words.kind,
    is_half=True,
)
_TERMS = (
    _KIND,
    Field(
        "fulfilment",
        N_("Who makes it good"),
        kind="select",
        wrong=N_("Choose who makes it good."),
        words=Fulfilment,
        named=words.word,
        is_half=True,
    ),
    Field(
        "covers", N_("Covers"), kind="checks", wrong=N_("Choose parts, labour or both."), words=Share, named=words.word
    ),
    Field("starts_on", N_("First day"), kind="day", wrong=N_("Give the first day."), is_half=True),
    Field(
        "ends_on",
        N_("Last day"),
        kind="day",
        may_be_null=True,
        note=N_("empty: no end"),
        wrong=N_("Give a last day that is not before the first one."),
        is_half=True,
    ),
    Field(
        "time_zone",
        N_("Time zone"),
        hint=N_("In which the days are meant."),
        wrong=N_("Write the time zone as in Europe/Amsterdam."),
        most=64,
        is_half=True,
    ),
    Field("service_level", N_("How fast"), kind="select", words=ServiceLevel, named=words.word, is_half=True),
    Field("delivery", N_("How the replacement comes"), kind="select", words=Delivery, named=words.word, is_half=True),
    Field(
        "price_minor",
        N_("Price of the whole term"),
        kind="money",
        may_be_null=True,
        note=N_("optional"),
        wrong=N_("Write a sum that is not below zero, with no more decimals than the currency has."),
        is_half=True,
    ),
    Field("currency", N_("Currency"), wrong=N_("Write the currency in three letters, like EUR."), most=3, is_half=True),
    REASON,
)
_PROMISE = Form(
    COVERAGE_CHANGE,
    (
        *_TERMS[:-1],
        Field("state", N_("State"), kind="select", wrong=N_("Choose a state.")),
        REASON,
    ),
)
_PROMISES = Form(
    PromisesBody(),
    (
        Field("scope", N_("For what"), kind="select", wrong=N_("Choose what it is for.")),
        Field(
            "serials",
            N_("Serial numbers"),
            kind="area",
            note=N_("where it is for units"),
            hint=N_("One a line. A unit with an end of its own has that day after it, like QX7T2K9 2027-03-31."),
            wrong=N_("Give at most 500 serial numbers, each with no day or one like 2027-03-31."),
            refusal=N_("These are no units in use of this client, or there are several of the number: %(what)s"),
        ),
        *_TERMS,
    ),
)
_SET_BY_HAND = (CoverageState.ACTIVE, CoverageState.SUSPENDED, CoverageState.CANCELLED, CoverageState.SUPERSEDED)
"""What the form of one promise can set; to void asks what rests on it, and has a page of its own."""


def _about_promises(contract: Contract) -> About:
    said, here = reader().text, crumb_of(contract)
    return About(
        said(N_("Add to the contract")), said(N_("Add to the contract")), "contracts", (_contracts(), here), here.url
    )


def _scopes(client: Client) -> dict[str, tuple[tuple[str, str], ...]]:
    said = reader().text
    places = tuple((id_, said(N_("Site %(site)s"), site=name)) for id_, name in sites_of(client))
    return {
        "scope": (("units", said(N_("The units below"))), ("client", said(N_("Everything of the client"))), *places)
    }


@blueprint.get("/contracts/<uuid:id>/promises/new")
@needs(Permission.REGISTER, of=Contract)
def promises_new(contract: Contract) -> str:
    """The form that adds units, a site or everything of the client to a contract."""
    client = _owner(contract)
    document = {
        "scope": "units",
        "currency": client.currency,
        "time_zone": str(reader().zone),
        "starts_on": reader().today,
        "covers": [Share.PARTS],
    }
    return editing.page(_PROMISES, _about_promises(contract), document=document, choices=_scopes(client))


@blueprint.post("/contracts/<uuid:id>/promises/new")
@needs(Permission.REGISTER, of=Contract)
def add_promises(contract: Contract) -> Response | tuple[str, int]:
    """Add what the form names to a contract: all of it, or nothing."""
    session, client, about = call().session, _owner(contract), _about_promises(contract)

    def add(body: dict[str, Any], because: Because) -> str:
        scope, serials, ends_on = (body.pop(name) for name in ("scope", "serials", "ends_on"))
        facts = body | {"evidence_source": EvidenceSource.CONTRACT_FILE, "currency": body["currency"].upper()}
        if scope == "units":
            ends = {serial: day or ends_on for serial, day in _units_of(serials).items()}
            contracts.add_units(session, contract, ends, because=because, **facts)
        else:
            target = client if scope == "client" else _site_of(client, scope)
            facts |= {"contract": contract, "contract_number": contract.number, "ends_on": ends_on}
            estate.add_coverage(session, target, **facts, because=because)
        return about.back_url

    return editing.add(_PROMISES, about, add, choices=_scopes(client))


def _site_of(client: Client, named: str) -> Site:
    """A site of the client.

    Raises:
        Invalid: it is none.
    """
    id_ = uuid_of(named)
    site = find(Site, id_, field="scope") if id_ else None
    if site is None or site.client_id != client.id:
        raise Invalid("scope", "Choose a site of this client.")
    return site


def _units_of(text: str) -> dict[str, date | None]:
    """The serial numbers of a list, each with its own last day where it has one.

    Raises:
        Invalid: none, too many, or a day that is none.
    """
    found: dict[str, date | None] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        serial, day = line, None
        head, _, tail = line.replace(";", " ").replace("\t", " ").rpartition(" ")
        with suppress(ValueError):
            day = date.fromisoformat(tail.strip())
            serial = head.strip()
        found[serial] = day
    if not found or len(found) > contracts.MOST_AT_ONCE:
        raise Invalid("serials", str(len(found)))
    return found


def _about_promise(coverage: Coverage) -> About:
    said = reader().text
    contract = call().session.get(Contract, coverage.contract_id) if coverage.contract_id else None
    here = crumb_of(contract) if contract else page_of(call().session.get_one(Client, coverage.client_id))
    above = (_contracts(), here)
    return About(said(N_("Change the promise")), said(N_("Save the promise")), "contracts", above, here.url)


def _states(coverage: Coverage) -> dict[str, tuple[tuple[str, str], ...]]:
    shown = (*_SET_BY_HAND, *({coverage.state} - set(_SET_BY_HAND)))
    return {"state": tuple((state.value, words.word(state)) for state in shown)}


@blueprint.get("/promises/<uuid:id>/edit")
@needs(Permission.REGISTER, of=Coverage)
def promise_edit(coverage: Coverage) -> str:
    """The form of one promise."""
    return editing.edit(_PROMISE, _about_promise(coverage), records.COVERAGES, coverage, choices=_states(coverage))


@blueprint.post("/promises/<uuid:id>/edit")
@needs(Permission.REGISTER, of=Coverage)
def correct_promise(coverage: Coverage) -> Response | tuple[str, int]:
    """Change one promise; no verdict changes by it."""
    return editing.amend(
        _PROMISE,
        _about_promise(coverage),
        records.COVERAGES,
        coverage,
        estate.correct_coverage,
        choices=_states(coverage),
    )
