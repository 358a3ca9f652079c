"""What every import needs: a tally, a journal of what was written, the names of the registry, what the file has said."""

from __future__ import annotations

import sqlite3
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from hashlib import blake2b
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Row as DbRow
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from warranty import db
from warranty.models import Asset, Client, Product, Site
from warranty.services import estate
from warranty.services.casefile import HOME_ZONE
from warranty.services.estate import Invalid
from warranty.services.importing.columns import Kind, Unusable
from warranty.services.importing.sheets import FORMULA_SIGNS, Row
from warranty.services.moves import Because

MOST_FAULTS = 1_000
"""Faults that a report spells out; all are counted, and all come back with the rejected rows."""

MOST_WARNINGS = 200
"""Different warnings that a report has; each is joined with its like."""

PREVIEW = 10


class Outcome(StrEnum):
    """What became of a row, or would."""

    NEW = "new"
    SAME = "same"
    CHANGED = "changed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why a row was refused. ``line`` is where it starts, ``file`` is set for a folder, ``field`` may be empty."""

    line: int
    file: str
    field: str
    message: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.file}:{self.line}: {self.message}" if self.file else f"line {self.line}: {self.message}"


@dataclass(slots=True)
class ImportReport:
    """What an import did, or (``dry_run``) would do. ``preview`` shows the first rows as they were understood."""

    kind: Kind
    dialect: str
    dry_run: bool
    counts: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    new_products: int = 0
    new_sites: int = 0
    warnings: list[str] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    preview: list[dict[str, str]] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether every row was taken."""
        return not self.counts[Outcome.REFUSED]

    def as_document(self) -> dict[str, Any]:
        """The report as JSON carries it: the counts by their words, ``rows``, and everything else by its name."""
        document = asdict(self)
        counts = {outcome.value: count for outcome, count in document.pop("counts").items()}
        return {"kind": document.pop("kind").value, "rows": sum(counts.values()), **counts, **document}


@dataclass(slots=True)
class Journal:
    """What one batch did, kept with it in one transaction: what an undo needs, and the rows that go back to their sender.

    ``made`` holds the keys of new rows by their tables, ``changed`` table, key, and each column's old and new value as a
    register keeps them.
    """

    made: dict[str, list[int]] = field(default_factory=dict)
    changed: list[tuple[str, int, dict[str, list[Any]]]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)

    def note_made(self, table: str, *keys: int) -> None:
        """Note new rows."""
        if keys:
            self.made.setdefault(table, []).extend(keys)

    def note_changed(self, table: str, key: int, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """Note that columns of a row were changed."""
        self.changed.append((table, key, {name: [plain(old[name]), plain(value)] for name, value in new.items()}))


def plain(value: Any) -> Any:
    """A value of a column as JSON holds it."""
    return value if value is None or isinstance(value, (str, int, bool, list, dict)) else str(value)


class Tally:
    """Counts outcomes, keeps the first faults, joins a warning that many rows give into one, and leads the journal."""

    def __init__(self, report: ImportReport) -> None:
        self.report = report
        self.journal = Journal()
        self._warned: dict[str, tuple[int, str]] = {}
        self._shown: list[tuple[str, int, dict[str, str]]] = []

    def count(self, outcome: Outcome, row: Row, **shown: object) -> None:
        """Note what became of a row; ``shown`` is how it was understood, empty values left out."""
        self.report.counts[outcome] += 1
        if len(self._shown) < MOST_FAULTS:  # more than a batch, whose rows are not counted in their order
            texts = {name: str(value) for name, value in shown.items() if value}
            shown_row = {"row": row.file or f"line {row.line}", "outcome": outcome.value, **texts}
            self._shown.append((row.file, row.line, shown_row))

    def refuse(self, row: Row, err: Invalid) -> None:
        """Note that a row was refused, and why."""
        self.count(Outcome.REFUSED, row, why=err.message)
        fault = RowFault(row.line, row.file, err.field, err.message)
        self.journal.rejected.append({**asdict(fault), "raw": list(row.raw)})
        if len(self.report.faults) < MOST_FAULTS:
            self.report.faults.append(fault)

    def warn(self, sentence: str, row: Row) -> None:
        """Note what a person should know about a row that is taken all the same."""
        count, first = self._warned.get(sentence, (0, row.file or f"line {row.line}"))
        if count or len(self._warned) < MOST_WARNINGS:
            self._warned[sentence] = count + 1, first

    def state(self) -> dict[str, Any]:
        """What has been tallied so far but for the faults, as JSON holds it: ``resume`` goes on from there."""
        self._shown.sort(key=lambda shown: shown[:2])
        del self._shown[PREVIEW:]  # rows of later batches stand further down
        return {
            "counts": dict(self.report.counts),
            "new_products": self.report.new_products,
            "new_sites": self.report.new_sites,
            "warned": [[sentence, *said] for sentence, said in self._warned.items()],
            "shown": self._shown,
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on where another process stopped."""
        self.report.counts.update({Outcome(word): count for word, count in state["counts"].items()})
        self.report.new_products, self.report.new_sites = state["new_products"], state["new_sites"]
        self._warned = {sentence: (count, first) for sentence, count, first in state["warned"]}
        self._shown = [(file, line, shown) for file, line, shown in state["shown"]]

    def close(self) -> None:
        """Write the joined warnings into the report, and put what it has in the order of the file."""
        self._shown.sort(key=lambda shown: shown[:2])
        self.report.preview = [row for _, _, row in self._shown[:PREVIEW]]
        self.report.faults.sort(key=lambda fault: (fault.file, fault.line))
        for sentence, (count, first) in self._warned.items():
            where = first if count == 1 else f"{count} rows, the first: {first}"
            self.report.warnings.append(f"{sentence} ({where})")


# --- The file so far ------------------------------------------------------------------------------------------------

_PRINT_BYTES = 8
_FILTER_BYTES = 2**22


def _print_of(said: Hashable) -> bytes:
    """A fingerprint that is the same in every process."""
    return blake2b(repr(said).encode("utf-8", "surrogatepass"), digest_size=_PRINT_BYTES).digest()


_NOTHING = _print_of(None)


class Seen:
    """What rows of this file have said: fingerprints, of which those of the present batch are in memory and all are on disk.

    Nearly all rows say something new: a filter, a bit for each fingerprint, spares them the look at the disk.
    """

    def __init__(self) -> None:
        self._recent: dict[bytes, tuple[int, bytes]] = {}
        self._filter = bytearray(_FILTER_BYTES)
        self._disk = sqlite3.connect("", isolation_level=None)  # a file without a name, gone with the process
        self._disk.execute("CREATE TABLE said (thing BLOB PRIMARY KEY, line INTEGER, facts BLOB) WITHOUT ROWID")

    def line_of(self, identity: Hashable) -> int | None:
        """The line that first named a thing."""
        said = self._said(_print_of(identity))
        return None if said is None else said[0]

    def say(self, row: Row, identity: Hashable, facts: Hashable = None) -> tuple[int, bool] | None:
        """Keep what a row says of a thing; where one did before, its line and whether it said the same."""
        thing, facts_print = _print_of(identity), _NOTHING if facts is None else _print_of(facts)
        said = self._said(thing)
        if said is None:
            self._recent[thing] = row.line, facts_print
            return None
        return said[0], said[1] == facts_print

    def _said(self, thing: bytes) -> tuple[int, bytes] | None:
        found: tuple[int, bytes] | None = self._recent.get(thing)
        if found is None:
            byte, bit = _place(thing)
            if self._filter[byte] & bit:
                found = self._disk.execute("SELECT line, facts FROM said WHERE thing = ?", (thing,)).fetchone()
        return found

    def put_away(self) -> bytes:
        """End a batch: what it said, as ``recall`` reads it."""
        said = [(thing, line, facts) for thing, (line, facts) in self._recent.items()]
        self._recent.clear()
        self._keep(said)
        return b"".join(thing + line.to_bytes(_PRINT_BYTES, "big") + facts for thing, line, facts in said)

    def recall(self, said: bytes) -> None:
        """Take over what a batch said in another process."""
        size = 3 * _PRINT_BYTES
        pieces = (said[at : at + size] for at in range(0, len(said), size))
        self._keep([(piece[:8], int.from_bytes(piece[8:16], "big"), piece[16:]) for piece in pieces])

    def _keep(self, said: Sequence[tuple[bytes, int, bytes]]) -> None:
        for thing, _, _ in said:
            byte, bit = _place(thing)
            self._filter[byte] |= bit
        self._disk.execute("BEGIN")
        self._disk.executemany("INSERT OR IGNORE INTO said VALUES (?, ?, ?)", said)
        self._disk.execute("COMMIT")

    def close(self) -> None:
        """Free the disk."""
        self._disk.close()


def _place(thing: bytes) -> tuple[int, int]:
    """Where the bit of a fingerprint stands in the filter."""
    return int.from_bytes(thing[:4], "big") % _FILTER_BYTES, 1 << (thing[4] & 7)


# --- What names mean ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """A site that stands in the register."""

    id: int
    public_id: UUID
    time_zone: str


@dataclass(frozen=True, slots=True)
class Model:
    """A product that stands in the register."""

    id: int
    manufacturer: str
    maker_key: str
    model: str
    part_number: str

    def answers_to(self, number: str) -> bool:
        """Whether a model or part number is its own, whatever the case."""
        return number.casefold() in {self.model.casefold(), self.part_number.casefold()}


_MODELS = select(Product.id, Product.manufacturer, Product.manufacturer_key, Product.model, Product.part_number)


@dataclass(slots=True)
class Names:
    """Clients, sites and products by their names, read once for each client and manufacturer.

    A site or product that a row asks for and nobody has is None from then on, until it is made; a dry run makes none.
    """

    _clients: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    _sites: dict[int, dict[str, Place | None]] = field(default_factory=dict)
    _models: dict[str, dict[str, Model | None]] = field(default_factory=dict)

    def client_id(self, session: Session, name: str) -> int:
        """The client of a name; its case matters only where two names differ by nothing else.

        Raises:
            Invalid: there is none.
        """
        if not self._clients:
            for client_id, known in session.execute(select(Client.id, Client.name)):
                self._clients.setdefault(known.casefold(), []).append((client_id, known))
        wanted = " ".join(name.split())
        found = self._clients.get(wanted.casefold(), [])
        for client_id, known in found:
            if known == wanted or len(found) == 1:
                return client_id
        raise Invalid("client", f"There is no client named {name!r}: add it with `warranty client add`.")

    def sites_of(self, session: Session, client_id: int) -> dict[str, Place | None]:
        """A client's sites by their folded names."""
        if client_id not in self._sites:
            query = select(Site.id, Site.public_id, Site.time_zone, Site.name).where(Site.client_id == client_id)
            self._sites[client_id] = {
                row.name.casefold(): Place(row.id, row.public_id, row.time_zone)
                for row in session.execute(query.order_by(Site.id.desc()))
            }
        return self._sites[client_id]

    def expected(self) -> list[tuple[str, int | str, str]]:
        """What rows have asked for that nobody has, as ``expect`` takes it: in a dry run it is never made."""
        sites = [
            ("site", key, name) for key, places in self._sites.items() for name, place in places.items() if not place
        ]
        models = [
            ("model", key, name) for key, found in self._models.items() for name, model in found.items() if not model
        ]
        return [*sites, *models]

    def expect(self, session: Session, expected: Iterable[Sequence[Any]]) -> None:
        """Take over from another process what rows have asked for."""
        for what, key, name in expected:
            known: dict[str, Any] = self.sites_of(session, key) if what == "site" else self.models_of(session, key)
            known.setdefault(name, None)

    def zone_of(self, session: Session, client_id: int) -> str:
        """The zone of a client whose sites all agree on one, else that of nowhere in particular."""
        zones = {place.time_zone for place in self.sites_of(session, client_id).values() if place}
        return zones.pop() if len(zones) == 1 else HOME_ZONE

    def models_of(self, session: Session, maker_key: str) -> dict[str, Model | None]:
        """A manufacturer's products by their folded models."""
        if maker_key not in self._models:
            query = _MODELS.where(Product.manufacturer_key == maker_key).order_by(Product.id.desc())
            self._models[maker_key] = {row.model.casefold(): Model(*row) for row in session.execute(query)}
        return self._models[maker_key]

    def find_model(self, session: Session, maker_key: str, wanted: str) -> Model | None:
        """The product of a model or part number, of any manufacturer where none is named.

        Raises:
            Invalid: several answer.
        """
        if not maker_key:
            found = self._models_of_anybody(session, wanted)
        else:
            models = self.models_of(session, maker_key)
            by_model = models.get(wanted.casefold())
            found = (
                [by_model] if by_model else [model for model in models.values() if model and model.answers_to(wanted)]
            )
        if len(found) > 1:
            raise Invalid("product", f"{len(found)} products answer to {wanted}: name the manufacturer and the model.")
        return found[0] if found else None

    def learn(self, product: Product) -> None:
        """Know a product that was just made."""
        key = product.manufacturer_key
        model = Model(product.id, product.manufacturer, key, product.model, product.part_number)
        self._models.setdefault(key, {})[product.model.casefold()] = model

    @staticmethod
    def _models_of_anybody(session: Session, wanted: str) -> list[Model | None]:
        for column in (Product.model, Product.part_number):
            rows = session.execute(_MODELS.where(func.lower(column) == func.lower(wanted)))
            if found := [Model(*row) for row in rows]:
                return list(found)
        return []


# --- One run --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Import:
    """One run over one file; a subclass for each kind of row. ``client`` is the name that the caller gave, if any."""

    tally: Tally
    because: Because
    client: str | None = None
    dry_run: bool = False
    names: Names = field(default_factory=Names)
    seen: Seen = field(default_factory=Seen)

    def take(self, session: Session, rows: Sequence[Row]) -> None:
        """Understand a batch, tally what it comes to, and, but in a dry run, write it.

        Raises:
            Unusable: there is no client of the name that the caller gave.
        """
        if self.client is not None:
            try:
                self.names.client_id(session, self.client)
            except Invalid as err:
                raise Unusable(err.message) from err
        self._take(session, list(self._readable(rows)))

    def _take(self, session: Session, rows: Sequence[Row]) -> None:
        raise NotImplementedError

    @property
    def journal(self) -> Journal:
        """What the present batch has done."""
        return self.tally.journal

    def _readable(self, rows: Sequence[Row]) -> Iterator[Row]:
        for row in rows:
            if row.fault:
                self.tally.refuse(row, Invalid("", row.fault))
                continue
            if any(text[0] in FORMULA_SIGNS and len(text) > 1 for text in row.cells.values()):
                self.tally.warn("A cell that begins like a formula is kept as text.", row)
            yield row

    def _client_id(self, session: Session, row: Row) -> int | None:
        """Whose row it is, by its own word and by the caller's; None where neither says.

        Raises:
            Invalid: there is no such client, or the two disagree.
        """
        named = row.cells.get("client")
        client_id = None if named is None else self.names.client_id(session, named)
        if self.client is None:
            return client_id
        default = self.names.client_id(session, self.client)
        if client_id not in {None, default}:
            raise Invalid("client", f"The row is of {named}, and this import is for {self.client}.")
        return default

    def _owner_id(self, session: Session, row: Row) -> int:
        """Whose row it is.

        Raises:
            Invalid: there is no such client, two are named, or none is.
        """
        client_id = self._client_id(session, row)
        if client_id is None:
            raise Invalid("client", "The row does not say whose it is: fill the column client, or say --client.")
        return client_id

    def _register(self, session: Session, products: Sequence[Product]) -> None:
        """Add products that nobody has; in one order, so that two imports at once do not wait for each other."""
        ordered = sorted(products, key=lambda product: (product.manufacturer_key, product.model))
        made = estate.register_products(session, ordered, because=self.because)
        for wanted, product in zip(ordered, made, strict=True):
            if product is wanted:  # and not one that somebody added meanwhile
                self.journal.note_made(Product.__tablename__, product.id)
            self.names.learn(product)

    def _is_repeated(self, row: Row, identity: Hashable, what: str) -> bool:
        """Whether an earlier row says exactly this.

        Raises:
            Invalid: an earlier row says something else of the same thing, and nobody can know which of them is right.
        """
        earlier = self.seen.say(row, identity, tuple(sorted(row.cells.items())))
        if earlier is None:
            return False
        line, is_same = earlier
        if not is_same:
            place = "An earlier file" if row.file else f"Line {line}"
            raise Invalid("", f"{place} says otherwise of {what}: keep one of the two.")
        self.tally.warn("The row stands there twice and is taken once.", row)
        return True


# --- Units that stand in the register -------------------------------------------------------------------------------

StandingUnit: TypeAlias = DbRow[*tuple[Any, ...]]
"""A unit as the register has it: the columns of ``_STANDING``."""

_STANDING = select(
    Asset.id,
    Asset.client_id,
    Asset.serial_key,
    Asset.site_id,
    Asset.product_id,
    Asset.name,
    Asset.asset_tag,
    Asset.ownership,
    Asset.state,
    Asset.purchased_on,
    Product.manufacturer_key,
).outerjoin(Product, Product.id == Asset.product_id)


def standing_units(session: Session, keys: Sequence[str]) -> dict[str, list[StandingUnit]]:
    """The units, of any client, that answer to some serials, with the keys of their manufacturers."""
    found: dict[str, list[StandingUnit]] = {}
    for row in session.execute(_STANDING.where(db.among(session, Asset.serial_key, keys)).order_by(Asset.id)):
        found.setdefault(row.serial_key, []).append(row)
    return found


def the_one(units: Sequence[StandingUnit], maker_key: str, serial_number: str) -> StandingUnit | None:
    """Of units with one serial the one that a row means; one whose manufacturer nobody knows is as good as any.

    Raises:
        Invalid: it may be several.
    """
    if maker_key:
        exact = [unit for unit in units if unit.manufacturer_key == maker_key]
        units = exact or [unit for unit in units if unit.manufacturer_key is None]
    if len(units) > 1:
        say = (
            "tell them apart in the registry first" if maker_key else "say whose make it is in the column manufacturer"
        )
        raise Invalid("serial_number", f"{len(units)} units have the serial number {serial_number}: {say}.")
    return units[0] if units else None
