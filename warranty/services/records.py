"""The records as programs see them: the only place that lists rows and makes documents of them.

A document names other records by their public ids and holds plain values; the schemas of the web write them as JSON. A
page is cut by key, newest first: it stays right while rows are added. Whose rows there are is the session's scope.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from vendors.contract import Duty
from warranty.domain.access import TokenScope
from warranty.domain.coverage import Verdict
from warranty.domain.lifecycles import ShipmentDirection
from warranty.domain.terms import ScopeKind
from warranty.models import (
    AccountMaker,
    AdHocJob,
    ApiToken,
    Asset,
    AuditRow,
    CaseCost,
    CaseNote,
    Client,
    Contract,
    Coverage,
    Fault,
    File,
    HumanTask,
    JobLine,
    Person,
    Product,
    Rma,
    Shipment,
    Sighting,
    Site,
    StockUnit,
    StoredVerdict,
    Swap,
    User,
    VendorAccount,
    VendorCall,
)
from warranty.services import deliveries, handouts, inputs, jobs, notes, returns, shipments, standings
from warranty.services.estate import external_names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.orm import Session

    from warranty.crypto import SecretBox
    from warranty.runtime import Runtime

Document = dict[str, Any]


class UnknownCursor(Exception):
    """A cursor that no page ended with."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How one table is read: ``query`` gives its rows with the ids of what they name, ``documents`` writes them."""

    table: Any
    query: Callable[[], Any]
    documents: Callable[[Session, Sequence[Row[Any]], datetime], list[Document]]


@dataclass(frozen=True, slots=True)
class Page:
    """Some documents, where the next page begins (null: there is none), and how many there are (null: not asked)."""

    items: list[Document]
    next_cursor: UUID | None
    total: int | None


def page(
    session: Session,
    kind: Kind,
    *where: ColumnElement[bool],
    now: datetime,
    limit: int,
    cursor: UUID | None = None,
    count: bool = False,
) -> Page:
    """One page of a list.

    Args:
        where: what the rows must satisfy.
        limit: how many at most.
        cursor: ``next_cursor`` of the page before; without one the newest.
        count: whether to count all of them, which costs as much as reading them.

    Raises:
        UnknownCursor: nothing that the caller may see has this id.
    """
    table = kind.table
    query = kind.query().where(*where).order_by(table.id.desc()).limit(limit + 1)
    if cursor is not None:
        last = session.scalars(select(table.id).where(table.public_id == cursor)).one_or_none()
        if last is None:
            raise UnknownCursor
        query = query.where(table.id < last)
    rows = session.execute(query).all()
    shown = rows[:limit]
    total = None
    if count:
        total = session.scalar(select(func.count()).select_from(kind.query().where(*where).subquery()))
    return Page(
        items=kind.documents(session, shown, now),
        next_cursor=shown[-1][0].public_id if len(rows) > limit else None,
        total=total,
    )


def one(session: Session, kind: Kind, row: Any, *, now: datetime) -> Document:
    """The document of a row that the caller may see."""
    rows = session.execute(kind.query().where(kind.table.id == row.id)).all()
    return kind.documents(session, rows, now)[0]


def _each(
    document: Callable[[Row[Any]], Document],
) -> Callable[[Session, Sequence[Row[Any]], datetime], list[Document]]:
    return lambda _session, rows, _now: [document(row) for row in rows]


def _each_named(
    table: type[Any], document: Callable[[Row[Any]], Document]
) -> Callable[[Session, Sequence[Row[Any]], datetime], list[Document]]:
    """As ``_each``, for what other systems have names for; one statement more."""

    def documents(session: Session, rows: Sequence[Row[Any]], _now: datetime) -> list[Document]:
        keys = [row[0].id for row in rows]
        found = external_names(session, table, keys)
        return [
            document(row) | {"external_refs": [asdict(name) for name in found[key]]}
            for key, row in zip(keys, rows, strict=True)
        ]

    return documents


def _columns(row: Any, *columns: str) -> Document:
    return {column: getattr(row, column) for column in columns}


# --- the registry ---


def _client(row: Row[Any]) -> Document:
    agreed = ("policy", "denial_grace_hours", "spend_limit_minor", "cost_tolerance_percent", "sends_mail")
    card = ("currency", "call_out_minor", "labour_hour_minor")
    return {"id": row.Client.public_id, **_columns(row.Client, "name", *agreed, *card, "created_at")}


CLIENTS = Kind(Client, lambda: select(Client), _each_named(Client, _client))


def _sites(session: Session, rows: Sequence[Row[Any]], now: datetime) -> list[Document]:
    contacts: dict[UUID, list[Document]] = {row.Site.public_id: [] for row in rows}
    query = select(Person, Site.public_id).join(Site, Site.id == Person.site_id).where(Site.public_id.in_(contacts))
    for person, site in session.execute(query.order_by(Person.id)) if rows else ():
        contacts[site].append(_columns(person, *CONTACT_FACTS))
    documents = _each_named(Site, _site)(session, rows, now)
    return [document | {"contacts": contacts[document["id"]]} for document in documents]


def _site(row: Row[Any]) -> Document:
    names = ("name", "time_zone", "address", "access_hours")
    return {"id": row.Site.public_id, "client": row.client, **_columns(row.Site, *names)}


CONTACT_FACTS = ("name", "phone", "email", "language")

SITES = Kind(
    Site,
    lambda: select(Site, Client.public_id.label("client")).join(Client, Client.id == Site.client_id),
    _sites,
)


def _contact(row: Row[Any]) -> Document:
    return {
        "id": row.Person.public_id,
        "client": row.client,
        "site": row.site,
        **_columns(row.Person, *CONTACT_FACTS),
    }


CONTACTS = Kind(
    Person,
    lambda: (
        select(Person, Client.public_id.label("client"), Site.public_id.label("site"))
        .join(Client, Client.id == Person.client_id)
        .outerjoin(Site, Site.id == Person.site_id)
    ),
    _each(_contact),
)


def _product(row: Row[Any]) -> Document:
    names = ("manufacturer", "model", "part_number", "base_term_months", "list_price_minor", "currency")
    return {"id": row.Product.public_id, **_columns(row.Product, *names)}


PRODUCTS = Kind(Product, lambda: select(Product), _each(_product))


def _asset(row: Row[Any]) -> Document:
    asset = row.Asset
    names = ("serial_number", "name", "asset_tag", "ownership", "state", "purchased_on", "created_at")
    return {
        "id": asset.public_id,
        "client": row.client,
        "site": row.site,
        "product": row.product,
        "replaced_by": row.replaced_by,
        "lookup": {"vendor_says": asset.lookup_says, "checked_at": asset.lookup_at, "error": asset.lookup_error},
        **_columns(asset, *names, "handover_exceptions", "absence_attested"),
    }


_successor = aliased(Asset)

ASSETS = Kind(
    Asset,
    lambda: (
        select(
            Asset,
            Client.public_id.label("client"),
            Site.public_id.label("site"),
            Product.public_id.label("product"),
            _successor.public_id.label("replaced_by"),
        )
        .join(Client, Client.id == Asset.client_id)
        .outerjoin(Site, Site.id == Asset.site_id)
        .outerjoin(Product, Product.id == Asset.product_id)
        .outerjoin(_successor, _successor.id == Asset.replaced_by_id)
    ),
    _each_named(Asset, _asset),
)


def _contract(row: Row[Any]) -> Document:
    return {"id": row.Contract.public_id, "client": row.client, **_columns(row.Contract, "number", "name")}


CONTRACTS = Kind(
    Contract,
    lambda: select(Contract, Client.public_id.label("client")).join(Client, Client.id == Contract.client_id),
    _each_named(Contract, _contract),
)


def _coverage(row: Row[Any]) -> Document:
    """The fields of the decision's case document, and who and what they belong to."""
    coverage = row.Coverage
    target = row.client if coverage.scope is ScopeKind.CLIENT else getattr(row, coverage.scope)
    return {
        "id": coverage.public_id,
        "client": row.client,
        "contract": row.contract,
        "account": row.account,
        "asset_id": row.asset,
        "scope": {coverage.scope.value: target},
        "claims_used": coverage.claims_consumed + coverage.claims_reserved,
        "evidence": {
            "source": coverage.evidence_source,
            "vendor_says": coverage.vendor_says,
            "checked_at": coverage.checked_at,
            "error": coverage.lookup_error,
        },
        **_columns(coverage, *COVERAGE_FACTS),
    }


COVERAGE_FACTS = (
    "contract_number",
    "name",
    "kind",
    "fulfilment",
    "starts_on",
    "ends_on",
    "time_zone",
    "state",
    "covers",
    "excluded_causes",
    "excluded_components",
    "sites",
    "service_level",
    "delivery",
    "grace_days",
    "grace_is_covered",
    "waiting_days",
    "claims_after_end_days",
    "claims_limit",
    "price_minor",
    "currency",
)

COVERAGES = Kind(
    Coverage,
    lambda: (
        select(
            Coverage,
            Client.public_id.label("client"),
            Asset.public_id.label("asset"),
            Product.public_id.label("product"),
            Site.public_id.label("site"),
            Contract.public_id.label("contract"),
            VendorAccount.public_id.label("account"),
        )
        .join(Client, Client.id == Coverage.client_id)
        .outerjoin(Asset, Asset.id == Coverage.asset_id)
        .outerjoin(Product, Product.id == Coverage.product_id)
        .outerjoin(Site, Site.id == Coverage.site_id)
        .outerjoin(Contract, Contract.id == Coverage.contract_id)
        .outerjoin(VendorAccount, VendorAccount.id == Coverage.account_id)
    ),
    _each(_coverage),
)


# --- people and vendor accounts ---


def _user(row: Row[Any]) -> Document:
    names = ("email", "name", "role", "language", "approval_limit_minor", "created_at", "deactivated_at")
    return {"id": row.User.public_id, "client": row.client, **_columns(row.User, *names)}


USERS = Kind(
    User,
    lambda: select(User, Client.public_id.label("client")).outerjoin(Client, Client.id == User.client_id),
    _each(_user),
)


def _token(row: Row[Any]) -> Document:
    names = ("name", "created_at", "expires_at", "last_used_at", "revoked_at")
    return {
        "id": row.ApiToken.public_id,
        "user": row.user,
        "client": row.client,
        "scopes": [TokenScope(scope) for scope in row.ApiToken.scopes],
        **_columns(row.ApiToken, *names),
    }


TOKENS = Kind(
    ApiToken,
    lambda: (
        select(ApiToken, User.public_id.label("user"), Client.public_id.label("client"))
        .join(User, User.id == ApiToken.user_id)
        .outerjoin(Client, Client.id == ApiToken.client_id)
    ),
    _each(_token),
)


def accounts(box: SecretBox, *, tracking: bool = False) -> Kind:
    """Vendor accounts. Their secrets are opened to say which there are.

    With ``tracking`` also how the vendor is heard, which changes without anybody's doing, and so is no part of the record.
    """

    def documents(session: Session, rows: Sequence[Row[Any]], _now: datetime) -> list[Document]:
        makers: dict[int, list[str]] = {row.VendorAccount.id: [] for row in rows}
        query = select(AccountMaker).where(AccountMaker.account_id.in_(makers)).order_by(AccountMaker.id)
        for maker in session.scalars(query) if rows else ():
            makers[maker.account_id].append(maker.manufacturer)
        heard = deliveries.standing(session, makers) if tracking and rows else {}
        return [
            _account(row, makers[row.VendorAccount.id], box)
            | ({"tracking": heard[row.VendorAccount.id]} if tracking else {})
            for row in rows
        ]

    return Kind(
        VendorAccount,
        lambda: select(VendorAccount, Client.public_id.label("client")).outerjoin(
            Client, Client.id == VendorAccount.client_id
        ),
        documents,
    )


def _account(row: Row[Any], manufacturers: list[str], box: SecretBox) -> Document:
    account = row.VendorAccount
    return {
        "id": account.public_id,
        "client": row.client,
        "manufacturers": manufacturers,
        "duties": [Duty(word) for word in account.duties],
        "secrets_set": sorted(box.open(account.secrets)),
        "check": {
            "asked_at": account.check_asked_at,
            "answered_at": account.check_answered_at,
            "trouble": account.check_trouble,
        },
        **_columns(account, "vendor", "name", "base_url", "options", "created_at", "switched_off_at"),
        **_columns(account, "opens_held_since", "held_at"),
    }


# --- cases ---


def _fault(row: Row[Any]) -> Document:
    fault = row.Fault
    verdict = Verdict.from_json(row.verdict).to_document() if row.verdict else {}
    names = ("reference", "serial_number", "component", "component_ref", "cause", "symptom", "severity")
    return {
        "id": fault.public_id,
        "client": row.client,
        "asset_id": row.asset,
        "verdict": verdict.get("verdict"),
        "route": verdict.get("route"),
        "reasons": verdict.get("reasons", []),
        "pays": verdict.get("pays", {"parts": None, "labour": None}),
        "rma_id": row.rma,
        "job_id": row.job,
        "review_item_id": row.review_item,
        "owner": row.owner,
        "duplicate_of": row.duplicate_of,
        **_columns(fault, "state", *names, "occurred_at", "reported_at"),
    }


def _newest(column: Any, table: Any, *where: ColumnElement[bool]) -> Any:
    query = select(column).where(table.fault_id == Fault.id, *where).correlate(Fault)
    return query.order_by(table.id.desc()).limit(1).scalar_subquery()


_first = aliased(Fault)

FAULTS = Kind(
    Fault,
    lambda: (
        select(
            Fault,
            Client.public_id.label("client"),
            Asset.public_id.label("asset"),
            _first.public_id.label("duplicate_of"),
            _newest(StoredVerdict.verdict_document, StoredVerdict).label("verdict"),
            _newest(Rma.public_id, Rma).label("rma"),
            _newest(AdHocJob.public_id, AdHocJob).label("job"),
            _newest(HumanTask.public_id, HumanTask, HumanTask.resolved_at.is_(None)).label("review_item"),
            User.public_id.label("owner"),
        )
        .join(Client, Client.id == Fault.client_id)
        .outerjoin(User, User.id == Fault.owner_id)
        .outerjoin(Asset, Asset.id == Fault.asset_id)
        .outerjoin(_first, _first.id == Fault.duplicate_of_id)
    ),
    _each(_fault),
)


def _rmas(session: Session, rows: Sequence[Row[Any]], now: datetime) -> list[Document]:
    where = standings.of_faults(session, {row.Rma.fault_id for row in rows}, now=now)
    names = (
        "state",
        "component",
        "component_ref",
        "client_reference",
        "vendor_case_number",
        "rma_number",
        "expires_on",
    )
    return [
        {
            "id": row.Rma.public_id,
            "client": row.client,
            "fault_id": row.fault,
            "asset_id": row.asset,
            "parent_id": row.parent,
            "coverage_id": row.coverage,
            "account": row.account,
            "headline": where[row.Rma.fault_id].headline,
            "client_step": where[row.Rma.fault_id].step,
            **_columns(row.Rma, *names, "parts", "files", "denials", "vendor_status", "vendor_reason"),
            **_columns(row.Rma, "needs_attention", "created_at"),
        }
        for row in rows
    ]


_parent = aliased(Rma)

RMAS = Kind(
    Rma,
    lambda: (
        select(
            Rma,
            Client.public_id.label("client"),
            Fault.public_id.label("fault"),
            Asset.public_id.label("asset"),
            _parent.public_id.label("parent"),
            Coverage.public_id.label("coverage"),
            VendorAccount.public_id.label("account"),
        )
        .outerjoin(_parent, _parent.id == Rma.parent_id)
        .join(Client, Client.id == Rma.client_id)
        .join(Fault, Fault.id == Rma.fault_id)
        .join(Asset, Asset.id == Rma.asset_id)
        .outerjoin(Coverage, Coverage.id == Rma.coverage_id)
        .outerjoin(VendorAccount, VendorAccount.id == Rma.account_id)
    ),
    _rmas,
)


def rma_in_full(session: Session, runtime: Runtime, rma: Rma, *, now: datetime) -> Document:
    """An Rma with all there is to it.

    That is what its vendor still asks for, what a person needs to claim it by hand, its goods, the work at the rack, all
    that happened, and each call.
    """
    known = inputs.shown(session, runtime, rma)
    parcels = session.execute(SHIPMENTS.query().where(Shipment.rma_id == rma.id).order_by(Shipment.id)).all()
    swaps = session.execute(SWAPS.query().where(Swap.rma_id == rma.id).order_by(Swap.id.desc()).limit(1)).all()
    calls = session.scalars(select(VendorCall).where(VendorCall.rma_id == rma.id).order_by(VendorCall.id))
    call = ("at", "method", "url", "status", "request", "response", "trouble", "duration_ms")
    return {
        **one(session, RMAS, rma, now=now),
        "info_missing": list(known.missing),
        "parts_offered": None if known.offered is None else [asdict(offer) for offer in known.offered],
        "files_offered": None if known.files is None else [_file_offer(file) for file in known.files],
        **handouts.document(handouts.of(session, runtime, rma)),
        "shipments": [_shipment(row) for row in parcels],
        "goods": [
            {"direction": way, **asdict(one), "outstanding": one.outstanding, "unannounced": one.unannounced}
            for way in ShipmentDirection
            for one in shipments.count((row.Shipment for row in parcels), way)
        ],
        "swap": _swap(swaps[0]) if swaps else None,
        "timeline": timeline(session, rma.fault_id),
        "vendor_calls": [_columns(row, *call) for row in calls],
    }


def _file_offer(file: File) -> Document:
    return {"id": file.public_id, **_columns(file, "name", "size")}


def timeline(session: Session, fault_id: int) -> list[Document]:
    """Everything that happened to a case, oldest first: the register's rows, and each note with its words as the reason."""
    is_none = AuditRow.action.not_in(notes.ACTIONS)
    rows = session.scalars(select(AuditRow).where(AuditRow.fault_id == fault_id, is_none).order_by(AuditRow.id))
    names = ("at", "actor", "record", "action", "old_state", "new_state", "reason", "vendor_status")
    written = session.scalars(select(CaseNote).where(CaseNote.fault_id == fault_id).order_by(CaseNote.id))
    told = [_columns(row, *names) for row in rows]
    told += [
        dict.fromkeys(names)
        | {"at": note.written_at, "actor": note.author, "record": "note", "action": note.way, "reason": note.text}
        for note in written
    ]
    return sorted(told, key=lambda row: row["at"])


def _note(row: Row[Any]) -> Document:
    note = row.CaseNote
    return {
        "id": note.public_id,
        "client": row.client,
        "fault_id": row.fault,
        "rma_id": row.rma,
        "file_id": row.file,
        "state": notes.state_of(note),
        **_columns(note, "way", "author", "text", "written_at", "sent_at", "refused"),
    }


NOTES = Kind(
    CaseNote,
    lambda: (
        select(
            CaseNote,
            Client.public_id.label("client"),
            Fault.public_id.label("fault"),
            Rma.public_id.label("rma"),
            File.public_id.label("file"),
        )
        .join(Client, Client.id == CaseNote.client_id)
        .join(Fault, Fault.id == CaseNote.fault_id)
        .outerjoin(Rma, Rma.id == CaseNote.rma_id)
        .outerjoin(File, File.id == CaseNote.file_id)
    ),
    _each(_note),
)


def _shipment(row: Row[Any]) -> Document:
    names = (
        "direction",
        "state",
        "carrier",
        "tracking_number",
        "due_on",
        "sent_on",
        "delivered_on",
        "signed_by",
        "note",
    )
    return {
        "id": row.Shipment.public_id,
        "client": row.client,
        "rma_id": row.rma,
        **_columns(row.Shipment, *names, "parts"),
        "proof": row.proof,
        "makes_up_for": row.makes_up_for,
    }


_before = aliased(Shipment)


SHIPMENTS = Kind(
    Shipment,
    lambda: (
        select(
            Shipment,
            Client.public_id.label("client"),
            Rma.public_id.label("rma"),
            File.public_id.label("proof"),
            _before.public_id.label("makes_up_for"),
        )
        .join(Client, Client.id == Shipment.client_id)
        .join(Rma, Rma.id == Shipment.rma_id)
        .outerjoin(File, File.id == Shipment.proof_id)
        .outerjoin(_before, _before.id == Shipment.makes_up_for_id)
    ),
    _each(_shipment),
)


def _returns(session: Session, rows: Sequence[Row[Any]], _now: datetime) -> list[Document]:
    """The returns of a page; two statements."""
    client = {row.Shipment.id: row.client for row in rows}
    return [
        return_document(item, client[item.parcel.id])
        for item in reversed(returns.of_parcels(session, [row.Shipment for row in rows]))
    ]


def return_document(item: returns.Item, client: UUID) -> Document:
    """A return with the day that counts and where that comes from."""
    parcel, known, exposure = item.parcel, item.known, item.exposure
    return {
        "id": parcel.public_id,
        "client": client,
        "fault_id": item.fault.public_id,
        "rma_id": item.rma.public_id,
        "asset_id": item.asset.public_id,
        "serial_number": item.asset.serial_number,
        "rma_number": item.rma.rma_number,
        "account": item.account.public_id if item.account else None,
        **_columns(parcel, "state", "carrier", "tracking_number", "due_on", "holder"),
        "due_basis": item.basis,
        "told_on": known.told_on if known else None,
        "rule_on": known.rule_on if known else None,
        "rule": known.basis if known else None,
        "send_by": known.send_by if known else None,
        "reminded": known.reminded if known else 0,
        "exposure_minor": exposure[0] if exposure else None,
        "currency": exposure[1] if exposure else None,
        "is_vendors_charge": known is not None and known.charge_minor is not None,
        "user_id": item.colleague.public_id if item.colleague else None,
        "person_id": item.person.public_id if item.person else None,
        "holder_reason": known.holder_reason if known else "",
        "return_address": known.return_address if known else "",
        "keeps_media": known.keeps_media if known else False,
        "destroyed_by": known.destroyed_by if known else "",
        "destroyed_on": known.destroyed_on if known else None,
        "method": known.method if known else "",
    }


RETURNS = Kind(
    Shipment,
    lambda: (
        select(Shipment, Client.public_id.label("client"))
        .join(Client, Client.id == Shipment.client_id)
        .where(returns.IS_BACK)
    ),
    _returns,
)


def _cost(row: Row[Any]) -> Document:
    names = ("kind", "amount_minor", "currency", "payer", "blame", "reason", "created_at", "created_by")
    return {
        "id": row.CaseCost.public_id,
        "client": row.client,
        "fault_id": row.fault,
        "return_id": row.parcel,
        **_columns(row.CaseCost, *names, "settled_at", "settled_by", "settlement"),
    }


COSTS = Kind(
    CaseCost,
    lambda: (
        select(
            CaseCost,
            Client.public_id.label("client"),
            Fault.public_id.label("fault"),
            Shipment.public_id.label("parcel"),
        )
        .join(Client, Client.id == CaseCost.client_id)
        .join(Fault, Fault.id == CaseCost.fault_id)
        .join(Shipment, Shipment.id == CaseCost.shipment_id)
    ),
    _each(_cost),
)


def _swap(row: Row[Any]) -> Document:
    swap = row.Swap
    others = ("product", "old_asset_id", "new_asset_id", "parent_id", "stock_unit", "restocked")
    return {
        "id": swap.public_id,
        "client": row.client,
        "rma_id": row.rma,
        "job_id": row.job,
        **_columns(swap, "kind", "source", "state", "told_serial", "serial_number", "substitute"),
        **{name: getattr(row, name) for name in others},
    }


_replaced, _replacing, _dead = aliased(Asset), aliased(Asset), aliased(Swap)
_issued, _restocked = aliased(StockUnit), aliased(StockUnit)

SWAPS = Kind(
    Swap,
    lambda: (
        select(
            Swap,
            Client.public_id.label("client"),
            Rma.public_id.label("rma"),
            AdHocJob.public_id.label("job"),
            Product.public_id.label("product"),
            _replaced.public_id.label("old_asset_id"),
            _replacing.public_id.label("new_asset_id"),
            _dead.public_id.label("parent_id"),
            _issued.public_id.label("stock_unit"),
            _restocked.public_id.label("restocked"),
        )
        .join(Client, Client.id == Swap.client_id)
        .outerjoin(Rma, Rma.id == Swap.rma_id)
        .outerjoin(AdHocJob, AdHocJob.id == Swap.job_id)
        .outerjoin(Product, Product.id == Swap.product_id)
        .outerjoin(_replaced, _replaced.id == Swap.old_asset_id)
        .outerjoin(_replacing, _replacing.id == Swap.new_asset_id)
        .outerjoin(_dead, _dead.id == Swap.parent_id)
        .outerjoin(_issued, _issued.id == Swap.stock_unit_id)
        .outerjoin(_restocked, _restocked.id == Swap.restocked_id)
    ),
    _each(_swap),
)


def _jobs(session: Session, rows: Sequence[Row[Any]], _now: datetime) -> list[Document]:
    lines: dict[int, list[JobLine]] = {row.AdHocJob.id: [] for row in rows}
    query = select(JobLine).where(JobLine.job_id.in_(lines)).order_by(JobLine.job_id, JobLine.position)
    for line in session.scalars(query) if rows else ():
        lines[line.job_id].append(line)
    return [_job(row, lines[row.AdHocJob.id]) for row in rows]


def _job(row: Row[Any], lines: list[JobLine]) -> Document:
    payers = dict.fromkeys(line.payer for line in lines)
    names = ("reference", "kind", "state", "component", "component_ref", "currency")
    return {
        "id": row.AdHocJob.public_id,
        "client": row.client,
        "fault_id": row.fault,
        "asset_id": row.asset,
        "rma_id": row.rma,
        "lines": [
            {
                **_columns(line, "position", "what", "description", "share", "payer", "quantity_hundredths"),
                "unit_price_minor": line.unit_price_minor,
                "amount_minor": None if line.unit_price_minor is None else jobs.amount_minor(line),
            }
            for line in lines
        ],
        "totals_minor": {payer.value: jobs.total_minor(lines, payer) for payer in payers},
        "total_minor": jobs.total_minor(lines),
        "is_priced": all(line.unit_price_minor is not None for line in lines),
        **_columns(row.AdHocJob, *names, "vendor_reason", "info_missing", "created_at"),
    }


JOBS = Kind(
    AdHocJob,
    lambda: (
        select(
            AdHocJob,
            Client.public_id.label("client"),
            Fault.public_id.label("fault"),
            Asset.public_id.label("asset"),
            Rma.public_id.label("rma"),
        )
        .join(Client, Client.id == AdHocJob.client_id)
        .join(Fault, Fault.id == AdHocJob.fault_id)
        .join(Asset, Asset.id == AdHocJob.asset_id)
        .outerjoin(Rma, Rma.id == AdHocJob.rma_id)
    ),
    _jobs,
)


def _review_item(row: Row[Any]) -> Document:
    return {
        "id": row.HumanTask.public_id,
        "client": row.client,
        "fault_id": row.fault,
        "asset_id": row.asset,
        "rma_id": row.rma,
        "serial_number": row.serial_number,
        "vendor_case": _vendor_case(row),
        "proposals": [{"place": place, **one} for place, one in enumerate(row.HumanTask.proposals, start=1)],
        **_columns(row.HumanTask, "kind", "why", "created_at", "resolved_at", "resolved_by", "resolution"),
    }


def _vendor_case(row: Row[Any]) -> Document | None:
    """The case at a vendor that belongs to no claim here, which the item is about."""
    if row.Sighting is None:
        return None
    names = ("vendor_case_number", "client_reference", "serial_number", "opened_at", "seen_at")
    return {"account": row.account, **_columns(row.Sighting, *names)}


REVIEW_ITEMS = Kind(
    HumanTask,
    lambda: (
        select(
            HumanTask,
            Sighting,
            VendorAccount.public_id.label("account"),
            Client.public_id.label("client"),
            Fault.public_id.label("fault"),
            func.coalesce(Fault.serial_number, Sighting.serial_number).label("serial_number"),
            Asset.public_id.label("asset"),
            Rma.public_id.label("rma"),
        )
        .outerjoin(Client, Client.id == HumanTask.client_id)
        .outerjoin(Fault, Fault.id == HumanTask.fault_id)
        .outerjoin(Sighting, Sighting.id == HumanTask.sighting_id)
        .outerjoin(VendorAccount, VendorAccount.id == Sighting.account_id)
        .outerjoin(Asset, Asset.id == Fault.asset_id)
        .outerjoin(Rma, Rma.id == HumanTask.rma_id)
    ),
    _each(_review_item),
)
