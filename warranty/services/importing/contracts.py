"""Rows about coverages, one promise each.

Its identity is the client, the contract, what it is for, its kind, its start and, since "parts for three years, labour
for one" is one contract with two promises, the shares that it covers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from warranty.domain.terms import (
    Cause,
    Component,
    CoverageKind,
    CoverageSays,
    CoverageState,
    Delivery,
    EvidenceSource,
    Fulfilment,
    ScopeKind,
    ServiceLevel,
    Share,
)
from warranty.models import Client, Contract, Coverage
from warranty.services import estate
from warranty.services.estate import Invalid
from warranty.services.importing.columns import (
    read_count,
    read_day,
    read_flag,
    read_list,
    read_time,
    read_word,
    read_words,
)
from warranty.services.importing.rows import Import, Outcome, StandingUnit, standing_units, the_one
from warranty.services.importing.sheets import Row

FULFILMENT_OF = {  # what a kind says of who honours it, where the row says nothing else
    CoverageKind.MANUFACTURER_WARRANTY: Fulfilment.VENDOR_RMA,
    CoverageKind.VENDOR_CONTRACT: Fulfilment.VENDOR_RMA,
    CoverageKind.THIRD_PARTY_MAINTENANCE: Fulfilment.VENDOR_RMA,
    CoverageKind.MSP_AGREEMENT: Fulfilment.MSP_SUPPLY,
    CoverageKind.INSURANCE: Fulfilment.INSURER_CLAIM,
}


def _words(column: str, text: str, words: Any) -> list[str]:
    return [word.value for word in read_words(column, text, words)]


# How the cells of a promise are read, by column. The values are those of the coverage's own columns.
_READERS: dict[str, Callable[[str, str], Any]] = {
    "name": lambda column, text: estate.checked_text(column, text, 200),
    "fulfilment": lambda column, text: read_word(column, text, Fulfilment),
    "ends_on": read_day,
    "time_zone": lambda _column, text: estate.checked_zone(text),
    "state": lambda column, text: read_word(column, text, CoverageState),
    "covers": lambda column, text: _words(column, text, Share),
    "excluded_causes": lambda column, text: _words(column, text, Cause),
    "excluded_components": lambda column, text: _words(column, text, Component),
    "service_level": lambda column, text: read_word(column, text, ServiceLevel),
    "delivery": lambda column, text: read_word(column, text, Delivery),
    "grace_days": read_count,
    "grace_is_covered": read_flag,
    "waiting_days": read_count,
    "claims_after_end_days": read_count,
    "claims_limit": read_count,
    "price_minor": read_count,
    "currency": lambda _column, text: text.upper(),
}
# What happens to a promise after it was made is known better by the register: these count for a new one only, so that
# the second import of a file does not give claims back or make an old answer of the vendor new.
_READERS_OF_NEW: dict[str, Callable[[str, str], Any]] = {
    "claims_used": read_count,
    "evidence_source": lambda column, text: read_word(column, text, EvidenceSource),
    "vendor_says": lambda column, text: read_word(column, text, CoverageSays),
    "checked_at": read_time,
    "error": lambda column, text: estate.checked_text(column, text, 500),
}
_SCOPES = ("serial_number", "product", "site")


@dataclass(slots=True)
class _Promise:
    """A row, understood. ``said`` holds what it says of itself, by the names of the coverage's columns."""

    row: Row
    number: str
    kind: CoverageKind
    starts_on: date
    said: dict[str, Any]
    said_of_new: dict[str, Any]
    serial: tuple[str, str] | None = None
    client_id: int | None = None
    scope: ScopeKind = ScopeKind.CLIENT
    target_id: int = 0
    zone: str = ""
    existing: Coverage | None = None
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def covers(self) -> list[str]:
        covers: list[str] = self.said.get("covers", [Share.PARTS.value])
        return covers


def _read(row: Row) -> _Promise:
    cells = row.cells
    for column in ("contract_number", "kind", "starts_on"):
        if column not in cells:
            raise Invalid(column, f"{column} is empty.")
    named = [column for column in _SCOPES if column in cells]
    if len(named) > 1:
        raise Invalid(named[1], f"A row covers one thing: fill {' or '.join(named)}, not both.")
    if not named and "client" not in cells:
        raise Invalid("serial_number", f"Fill {', '.join(_SCOPES)}, or client to cover every unit of a client.")
    return _Promise(
        row=row,
        number=estate.checked_number("contract_number", cells["contract_number"], 120),
        kind=read_word("kind", cells["kind"], CoverageKind),
        starts_on=read_day("starts_on", cells["starts_on"]),
        said={column: read(column, cells[column]) for column, read in _READERS.items() if column in cells},
        said_of_new={
            column: read(column, cells[column]) for column, read in _READERS_OF_NEW.items() if column in cells
        },
        serial=estate.checked_serial(cells["serial_number"]) if "serial_number" in cells else None,
    )


class Contracts(Import):
    """One run over rows about coverages."""

    def _take(self, session: Session, rows: Sequence[Row]) -> None:
        read = [promise for row in rows if (promise := self._understand(row)) is not None]
        standing = standing_units(session, [promise.serial[1] for promise in read if promise.serial])
        placed = [promise for promise in read if self._place(session, promise, standing)]
        if not self.dry_run:
            estate.hold(session, {promise.client_id for promise in placed if promise.client_id})
        known = _known(session, placed)
        planned = [promise for promise in placed if self._plan(promise, known)]
        if not self.dry_run:
            self._write(session, planned)

    def _understand(self, row: Row) -> _Promise | None:
        try:
            return _read(row)
        except Invalid as err:
            self.tally.refuse(row, err)
            return None

    # What a row is for

    def _place(self, session: Session, promise: _Promise, standing: dict[str, list[StandingUnit]]) -> bool:
        """Find what the promise is for; whether the row is to be looked at any further."""
        row = promise.row
        try:
            if promise.serial is not None:
                promise.client_id = self._client_id(session, row)
                self._place_on_unit(session, promise, standing.get(promise.serial[1], []))
            else:
                promise.client_id = self._owner_id(session, row)
                self._place_on_many(session, promise, promise.client_id)
            if "sites" in row.cells:
                promise.said["sites"] = self._sites(session, promise)
            if self._stands_above(promise):
                self.tally.count(Outcome.SAME, row, contract_number=promise.number)
                return False
        except Invalid as err:
            self.tally.refuse(row, err)
            return False
        return True

    def _place_on_unit(self, session: Session, promise: _Promise, units: Sequence[StandingUnit]) -> None:
        assert promise.serial is not None
        serial, _ = promise.serial
        own = [unit for unit in units if promise.client_id in {None, unit.client_id}]
        maker_key = estate.manufacturer_key(promise.row.cells.get("manufacturer", ""))
        unit = the_one(own, maker_key, serial)
        if unit is None:
            raise Invalid("serial_number", f"No unit has the serial number {serial}: import the units first.")
        promise.client_id, promise.scope, promise.target_id = unit.client_id, ScopeKind.ASSET, unit.id
        self._set_zone(session, promise, unit.site_id)

    def _place_on_many(self, session: Session, promise: _Promise, client_id: int) -> None:
        cells = promise.row.cells
        site_id = None
        if "product" in cells:
            model = self.names.find_model(
                session, estate.manufacturer_key(cells.get("manufacturer", "")), cells["product"]
            )
            if model is None:
                raise Invalid("product", f"There is no product {cells['product']}: import the products or units first.")
            promise.scope, promise.target_id = ScopeKind.PRODUCT, model.id
        elif "site" in cells:
            place = self.names.sites_of(session, client_id).get(cells["site"].casefold())
            if place is None:
                raise Invalid("site", f"The client has no site named {cells['site']}: add it with `warranty site add`.")
            promise.scope, promise.target_id = ScopeKind.SITE, place.id
            site_id = place.id
        else:
            promise.scope, promise.target_id = ScopeKind.CLIENT, client_id
            self.tally.warn("The row covers every unit of its client.", promise.row)
        self._set_zone(session, promise, site_id)

    def _set_zone(self, session: Session, promise: _Promise, site_id: int | None) -> None:
        """The zone of the contract's days: what the row says, else that of its site."""
        assert promise.client_id is not None
        if "time_zone" in promise.said:
            promise.zone = promise.said["time_zone"]
            return
        places = self.names.sites_of(session, promise.client_id).values()
        zones = [place.time_zone for place in places if place and place.id == site_id]
        promise.zone = zones[0] if zones else self.names.zone_of(session, promise.client_id)
        if not zones:
            sentence = f"No site says in which time zone the days of the contract are: {promise.zone} is taken."
            self.tally.warn(sentence, promise.row)

    def _sites(self, session: Session, promise: _Promise) -> list[str]:
        assert promise.client_id is not None
        places = self.names.sites_of(session, promise.client_id)
        found = []
        for name in read_list(promise.row.cells["sites"]):
            place = places.get(name.casefold())
            if place is None:
                raise Invalid("sites", f"The client has no site named {name}: add it with `warranty site add`.")
            found.append(str(place.public_id))
        return found

    def _stands_above(self, promise: _Promise) -> bool:
        base = (promise.client_id, promise.number, promise.kind, promise.scope, promise.target_id, promise.starts_on)
        repeats = [
            self._is_repeated(promise.row, (*base, share), f"the {share} of contract {promise.number}")
            for share in dict.fromkeys(promise.covers)
        ]
        return any(repeats)

    # What it comes to

    def _plan(self, promise: _Promise, known: Sequence[Coverage]) -> bool:
        """Compare a row with the register; whether there is anything to write."""
        try:
            promise.existing = _match(promise, known)
            if promise.existing is None:
                _new_coverage(promise)
            else:
                promise.changes = {
                    name: new for name, new in promise.said.items() if new != getattr(promise.existing, name)
                }
                estate.check_change(promise.existing, promise.changes)
        except Invalid as err:
            self.tally.refuse(promise.row, err)
            return False
        if promise.existing is None:
            outcome = Outcome.NEW
            if promise.said.get("service_level", ServiceLevel.UNKNOWN) is ServiceLevel.UNKNOWN:
                self.tally.warn("No service level: a decision that rests on this coverage goes to review.", promise.row)
        else:
            outcome = Outcome.CHANGED if promise.changes else Outcome.SAME
        self.tally.count(
            outcome,
            promise.row,
            contract_number=promise.number,
            kind=promise.kind,
            scope=promise.scope,
            starts_on=promise.starts_on,
            ends_on=promise.said.get("ends_on"),
            covers=", ".join(promise.covers),
            changes=", ".join(promise.changes),
        )
        return outcome is not Outcome.SAME

    # Writing

    def _write(self, session: Session, promises: Sequence[_Promise]) -> None:
        papers: dict[tuple[int | None, str], Contract] = {}
        new: list[Coverage] = []
        for promise in promises:
            if promise.existing is not None:
                was = {name: getattr(promise.existing, name) for name in promise.changes}
                self.journal.note_changed(Coverage.__tablename__, promise.existing.id, was, promise.changes)
                estate.change_coverage(session, promise.existing, because=self.because, **promise.changes)
                continue
            key = (promise.client_id, promise.number)
            if key not in papers:
                papers[key] = self._paper(session, promise)
            new.append(_new_coverage(promise, contract_id=papers[key].id))
        estate.register_coverages(session, new, because=self.because)
        self.journal.note_made(Coverage.__tablename__, *(coverage.id for coverage in new))

    def _paper(self, session: Session, promise: _Promise) -> Contract:
        query = select(Contract).where(Contract.client_id == promise.client_id, Contract.number == promise.number)
        paper = session.scalars(query).one_or_none()
        if paper is None:
            client = session.get_one(Client, promise.client_id)
            paper = estate.add_contract(session, client, number=promise.number, because=self.because)
            self.journal.note_made(Contract.__tablename__, paper.id)
        return paper


def _known(session: Session, promises: Sequence[_Promise]) -> Sequence[Coverage]:
    """The coverages that a batch may be about; what a look-up wrote belongs to the vendor and is not among them."""
    return session.scalars(
        select(Coverage)
        .where(Coverage.client_id.in_({promise.client_id for promise in promises}))
        .where(Coverage.contract_number.in_({promise.number for promise in promises}))
        .where(Coverage.vendor_line.is_(None), Coverage.state != CoverageState.SUPERSEDED)
    ).all()


def _match(promise: _Promise, known: Sequence[Coverage]) -> Coverage | None:
    found = [coverage for coverage in known if _is_same(promise, coverage)]
    if len(found) > 1:
        raise Invalid(
            "covers", f"Contract {promise.number} promises these shares in {len(found)} lines: change them by hand."
        )
    return found[0] if found else None


def _is_same(promise: _Promise, coverage: Coverage) -> bool:
    target_id = coverage.asset_id or coverage.product_id or coverage.site_id or coverage.client_id
    return (
        (promise.client_id, promise.number, promise.kind)
        == (coverage.client_id, coverage.contract_number, coverage.kind)
        and (promise.scope, promise.target_id, promise.starts_on) == (coverage.scope, target_id, coverage.starts_on)
        and not set(promise.covers).isdisjoint(coverage.covers)
    )


def _new_coverage(promise: _Promise, *, contract_id: int | None = None) -> Coverage:
    assert promise.client_id is not None
    said, said_of_new = dict(promise.said), dict(promise.said_of_new)
    lists = {name: said.pop(name, []) for name in ("excluded_causes", "excluded_components")}
    said.pop("covers", None)
    defaults: dict[str, Any] = {
        "fulfilment": FULFILMENT_OF[promise.kind],
        "time_zone": promise.zone,
        "state": CoverageState.ACTIVE,
        "service_level": ServiceLevel.UNKNOWN,
        "delivery": Delivery.UNKNOWN,
        **dict.fromkeys(("grace_days", "waiting_days", "claims_after_end_days"), 0),
        "grace_is_covered": False,
        "currency": "EUR",
        **dict.fromkeys(("ends_on", "claims_limit", "price_minor", "sites", "vendor_says", "checked_at")),
        "evidence_source": EvidenceSource.CONTRACT_FILE,
    }
    claims_used, error = said_of_new.pop("claims_used", 0), said_of_new.pop("error", None)
    return estate.new_coverage(
        client_id=promise.client_id,
        scope=promise.scope,
        target_id=promise.target_id,
        contract_id=contract_id,
        contract_number=promise.number,
        kind=promise.kind,
        starts_on=promise.starts_on,
        covers=[Share(word) for word in promise.covers],
        excluded_causes=[Cause(word) for word in lists["excluded_causes"]],
        excluded_components=[Component(word) for word in lists["excluded_components"]],
        claims_used=claims_used,
        lookup_error=error,
        **defaults | said | said_of_new,
    )
