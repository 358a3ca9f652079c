"""What commands on the registry and on cases share: a transaction, whom or what a person named, and documents.

The documents are those of REST (``services.records``), so that ``--json`` and the API say the same. For people ids are
followed by, or replaced with, what they are called.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import click
from sqlalchemy import func, or_, select

from vendors.errors import VendorError
from warranty import db
from warranty.cli.shared import CliProblem, Table, json_option, open_runtime, print_facts, to_json
from warranty.domain.access import OPERATOR
from warranty.models import (
    AdHocJob,
    ApiToken,
    Asset,
    CaseCost,
    CaseNote,
    Client,
    Contract,
    Coverage,
    Fault,
    File,
    HumanTask,
    Person,
    Product,
    PublicRow,
    Rma,
    Shipment,
    Site,
    StockLocation,
    StockUnit,
    Swap,
    User,
    VendorAccount,
)
from warranty.services import by_hand, estate, faults, handover, mail, moves, notes, people, records, resolutions, stock
from warranty.services.moves import Because
from warranty.store import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from warranty.runtime import Runtime
    from warranty.services.records import Document, Kind

PAGE = 200
REFUSED = (
    estate.Invalid,
    estate.NameTaken,
    handover.NotBegun,
    faults.ClientRequired,
    mail.NotRefused,
    notes.NotRefused,
    moves.IllegalMove,
    moves.Raced,
    by_hand.NotYours,
    people.OwnRights,
    people.LastAdmin,
    resolutions.NotWaiting,
    stock.OutOfStock,
    StoreUnavailable,
)
"""What a service refuses in a sentence of its own."""

Row = TypeVar("Row", bound=PublicRow)
F = TypeVar("F", bound="Callable[..., Any]")

_BEGINNING = re.compile(r"[0-9a-f]{4,32}")
_NAMES: dict[type[PublicRow], tuple[str, str]] = {
    AdHocJob: ("job", "job list"),
    ApiToken: ("token", "token list"),
    Asset: ("unit", "asset list"),
    CaseCost: ("cost", "returns costs"),
    CaseNote: ("note", "case notes"),
    Client: ("client", "client list"),
    Contract: ("contract", "contract list"),
    Coverage: ("coverage", "coverage list"),
    Fault: ("case", "case list"),
    File: ("file", "case show"),
    HumanTask: ("review item", "review list"),
    Person: ("contact", "contact list"),
    Product: ("product", "product list"),
    Rma: ("claim", "rma list"),
    Shipment: ("parcel", "shipment list"),
    Site: ("site", "site list"),
    StockLocation: ("store", "stock stores"),
    StockUnit: ("unit in stock", "stock list"),
    Swap: ("swap", "rma show"),
    User: ("user", "user list"),
    VendorAccount: ("vendor account", "vendor list"),
}
"""What a person calls a row of a table, and the command that lists them."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command works with: one transaction on everybody's rows, and who does it when and why."""

    runtime: Runtime
    session: Session
    because: Because

    @property
    def now(self) -> datetime:
        """When the command was called."""
        return self.because.at

    # --- whom or what a person named ---

    def find(self, table: type[Row], said: str, *names: ColumnElement[bool]) -> Row:
        """The one row that has this name, else whose id begins so.

        Raises:
            CliProblem: none, or several.
        """
        name, lister = _NAMES[table]
        found: Sequence[Row] = ()
        if names:
            found = self.session.scalars(select(table).where(or_(*names)).limit(2)).all()
        beginning = said.strip().lower().replace("-", "")
        if not found and _BEGINNING.fullmatch(beginning):
            first, last = UUID(beginning.ljust(32, "0")), UUID(beginning.ljust(32, "f"))
            found = self.session.scalars(select(table).where(table.public_id.between(first, last)).limit(2)).all()
        if not found:
            raise CliProblem(f"There is no {name} {said!r}: `warranty {lister}` shows which there are.")
        if len(found) > 1:
            raise CliProblem(f"Several answer to {name} {said!r}: give the id that `warranty {lister} --json` shows.")
        return found[0]

    def hold(self, row: Row) -> Row:
        """The same row as it stands now, locked; reports that only refer to it go on."""
        self.session.refresh(row, with_for_update={"key_share": True})
        return row

    def client(self, said: str) -> Client:
        """A client by name or id."""
        try:
            return estate.find_client(self.session, said)
        except estate.Invalid:
            if not _BEGINNING.fullmatch(said.lower().replace("-", "")):
                raise
            return self.find(Client, said)

    def site(self, said: str, client: Client | None = None) -> Site:
        """A site by id, or by its name, which is its client's alone."""
        wanted = " ".join(said.split())
        is_named = func.lower(Site.name) == func.lower(wanted)
        return self.find(Site, said, is_named if client is None else is_named & (Site.client_id == client.id))

    def product(self, said: str, manufacturer: str | None = None) -> Product:
        """A product by id, or by its model."""
        is_named = func.lower(Product.model) == func.lower(" ".join(said.split()))
        if manufacturer is not None:
            is_named &= Product.manufacturer_key == estate.manufacturer_key(manufacturer)
        return self.find(Product, said, is_named)

    def unit(self, said: str, client: Client | None = None) -> Asset:
        """A unit by id, or by its serial number."""
        has_serial = Asset.serial_key == estate.serial_key(said)
        return self.find(Asset, said, has_serial if client is None else has_serial & (Asset.client_id == client.id))

    def fault(self, said: str) -> Fault:
        """A case by its reference, its claim's, or its id."""
        has_claim = Fault.id.in_(select(Rma.fault_id).where(Rma.client_reference == said.upper()))
        return self.find(Fault, said, Fault.reference == said.upper(), has_claim)

    def claim(self, said: str) -> Rma:
        """A claim by its reference, the vendor's case or RMA number, its case's reference, or its id."""
        of_case = Rma.fault_id.in_(select(Fault.id).where(Fault.reference == said.upper()))
        theirs = (Rma.vendor_case_number == said, Rma.rma_number == said)
        return self.find(Rma, said, Rma.client_reference == said.upper(), *theirs, of_case)

    def user(self, said: str) -> User:
        """A user by mail address or id."""
        return self.find(User, said, User.email == said.strip().lower())

    def account(self, said: str) -> VendorAccount:
        """A vendor account by name or id."""
        return self.find(VendorAccount, said, VendorAccount.name == said)

    def of_client(self, said: str | None) -> list[ColumnElement[bool]]:
        """The condition of ``--client``."""
        return [] if said is None else [Client.id == self.client(said).id]

    # --- documents ---

    def document(self, kind: Kind, row: PublicRow) -> Shown:
        """The document of a row as it now stands."""
        self.session.flush()
        return self.shown(records.one(self.session, kind, row, now=self.now))

    def shown(self, document: Document) -> Shown:
        """A document with what the ids in it are called."""
        return Shown(document, names_of(self.session, [document]))


@dataclass(frozen=True, slots=True)
class Shown:
    """A document, and what the ids in it are called."""

    document: Document
    names: dict[UUID, str]

    def print(self, *, as_json: bool) -> None:
        """Print it."""
        if as_json:
            click.echo(to_json(self.document))
        else:
            print_facts(_named(self.document, lambda id_: f"{self.names[id_]} ({id_})" if id_ in self.names else id_))


@contextmanager
def reading() -> Iterator[Desk]:
    """A desk whose transaction only reads."""
    with open_runtime() as runtime, _desk(runtime, reason="", reads=True) as desk:
        yield desk


@contextmanager
def writing(reason: str) -> Iterator[Desk]:
    """A desk whose transaction is kept at the end; what cannot be done is one sentence, and nothing is written."""
    with open_runtime() as runtime, _desk(runtime, reason=reason, reads=False) as desk:
        yield desk


@contextmanager
def _desk(runtime: Runtime, *, reason: str, reads: bool) -> Iterator[Desk]:
    begin = runtime.database.read if reads else runtime.database.begin
    try:
        with begin(db.EVERYBODY) as session:
            yield Desk(runtime, session, Because(OPERATOR.actor, reason, datetime.now(UTC)))
    except REFUSED as err:
        raise CliProblem(str(err)) from err
    except VendorError as err:
        raise CliProblem(err.detail or str(err)) from err


# --- lists ---


def listing(command: F) -> F:
    """The options of a list, in the keywords that ``print_list`` takes."""
    limit = click.option("--limit", type=click.IntRange(1), help="At most so many. Default: all.")
    return limit(json_option(command))


def client_option(about: str, *, required: bool = False) -> Callable[[F], F]:
    """The option that names a client."""
    return click.option("--client", "client_name", metavar="CLIENT", required=required, help=about)


OF_CLIENT = client_option("Of this client only.")


def print_list(
    kind: Callable[[Runtime], Kind],
    where: Callable[[Desk], Iterable[ColumnElement[bool]]],
    columns: str,
    *,
    limit: int | None,
    as_json: bool,
) -> None:
    """Print records, the newest first, page by page: a list of any length takes the memory of one page.

    Args:
        kind: how they are read.
        where: what they must satisfy.
        columns: the facts that people see, separated by blanks; programs get whole documents.
    """
    with open_runtime() as runtime:
        with _desk(runtime, reason="", reads=True) as desk:
            conditions = list(where(desk))
        pages = _pages(runtime, kind(runtime), conditions, limit)
        if as_json:
            _print_json(pages)
        else:
            _print_table(pages, columns.split())


def _pages(
    runtime: Runtime, kind: Kind, where: Sequence[ColumnElement[bool]], limit: int | None
) -> Iterator[tuple[list[Document], dict[UUID, str]]]:
    """Each page in a transaction of its own: whoever reads on slowly holds nobody up."""
    cursor, left = None, limit
    while left is None or left > 0:
        with _desk(runtime, reason="", reads=True) as desk:
            size = PAGE if left is None else min(PAGE, left)
            try:
                page = records.page(desk.session, kind, *where, now=desk.now, limit=size, cursor=cursor)
            except records.UnknownCursor:
                raise CliProblem("The list has changed meanwhile: ask for it again.") from None
            names = names_of(desk.session, page.items)
        yield page.items, names
        cursor = page.next_cursor
        if cursor is None:
            return
        left = None if left is None else left - len(page.items)


def _print_json(pages: Iterator[tuple[list[Document], dict[UUID, str]]]) -> None:
    between = "["
    for items, _ in pages:
        if items:
            click.echo(between + ",\n".join(map(to_json, items)), nl=False)
            between = ",\n"
    click.echo("[]" if between == "[" else "]")


def _print_table(pages: Iterator[tuple[list[Document], dict[UUID, str]]], columns: Sequence[str]) -> None:
    table: Table | None = None
    for items, names in pages:
        rows = [_row(item, names, columns) for item in items]
        if table is None:
            if not rows:
                click.echo("none")
                return
            table = Table(rows[0], rows)
            table.print_head()
        table.print_rows(rows)


def _row(document: Document, names: dict[UUID, str], columns: Sequence[str]) -> Document:
    """The facts that people see, ``outer.inner`` within facts; a column says what it is about and not that it is an id."""
    parts = [(outer, part) for outer, part in document.items() if isinstance(part, dict)]
    facts = document | {f"{outer}.{inner}": value for outer, part in parts for inner, value in part.items()}
    said = _named({column: facts[column] for column in columns}, lambda id_: names.get(id_, id_))
    return {column.rpartition(".")[2].removesuffix("_id"): value for column, value in said.items()}


# --- what ids are called ---

_CALLED: dict[str, tuple[type[PublicRow], Any]] = {
    "account": (VendorAccount, VendorAccount.name),
    "asset": (Asset, Asset.serial_number),
    "asset_id": (Asset, Asset.serial_number),
    "client": (Client, Client.name),
    "contract": (Contract, Contract.number),
    "coverage_id": (Coverage, Coverage.contract_number),
    "duplicate_of": (Fault, Fault.reference),
    "fault_id": (Fault, Fault.reference),
    "job_id": (AdHocJob, AdHocJob.reference),
    "location": (StockLocation, StockLocation.name),
    "product": (Product, Product.manufacturer + " " + Product.model),
    "replaced_by": (Asset, Asset.serial_number),
    "rma_id": (Rma, Rma.client_reference),
    "site": (Site, Site.name),
    "user": (User, User.email),
}
"""Which fields of documents name other records, and what those are called."""


def names_of(session: Session, documents: Iterable[Document]) -> dict[UUID, str]:
    """What the ids in some documents are called; a statement for each table that they name."""
    wanted: dict[Any, set[UUID]] = {}
    for document in documents:
        for field, value in (*document.items(), *(document.get("scope") or {}).items()):
            if field in _CALLED and isinstance(value, UUID):
                wanted.setdefault(_CALLED[field], set()).add(value)
    found: dict[UUID, str] = {}
    for (table, name), ids in wanted.items():
        rows = session.execute(select(table.public_id, name).where(table.public_id.in_(ids)))
        found |= dict(rows.all())
    return found


def _named(document: Document, name: Callable[[UUID], Any]) -> Document:
    """The document with ``name`` of each id that names another record."""
    said: Document = {}
    for field, value in document.items():
        if isinstance(value, dict):
            said[field] = _named(value, name)
        else:
            said[field] = name(value) if field in _CALLED and isinstance(value, UUID) else value
    return said
