"""Rows about units. The identity of a unit is its client, its manufacturer and its serial number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from sqlalchemy.orm import Session

from warranty.domain.handover import HandoverResult
from warranty.domain.terms import AssetState, Ownership
from warranty.models import Asset, Client, Site
from warranty.services import estate
from warranty.services.estate import Invalid, Signed
from warranty.services.importing import columns
from warranty.services.importing.rows import Import, Outcome, Place, StandingUnit, standing_units, the_one
from warranty.services.importing.sheets import Row

_NOT_MADE_YET: Final = -1
"""Stands for the id of a site or product that the import is going to make."""


@dataclass(slots=True)
class _Unit:
    """A row, understood. Empty and None: the row does not say. ``values`` are the columns of a new unit, checked."""

    row: Row
    values: dict[str, Any]
    maker: str
    maker_key: str
    model: str
    part_number: str
    site: str
    ownership: Ownership | None
    state: AssetState | None
    purchased_on: date | None
    client_id: int = 0
    existing: StandingUnit | None = None
    goes_into_service: bool = False
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def serial_number(self) -> str:
        serial_number: str = self.values["serial_number"]
        return serial_number

    @property
    def key(self) -> str:
        key: str = self.values["serial_key"]
        return key


def _read(row: Row) -> _Unit:
    cells = row.cells
    maker = estate.checked_text("manufacturer", cells.get("manufacturer", ""), 120)
    maker_key = estate.manufacturer_key(maker)
    if maker and not maker_key:
        raise Invalid("manufacturer", f"{maker} has neither letters nor digits.")
    ownership = columns.read_word("ownership", cells["ownership"], Ownership) if "ownership" in cells else None
    purchased_on = columns.read_day("purchased_on", cells["purchased_on"]) if "purchased_on" in cells else None
    values = estate.asset_values(
        client_id=0,  # whose it is, what and where, is looked up later
        serial_number=cells.get("serial_number", ""),
        product_id=None,
        site_id=None,
        name=cells.get("name", ""),
        asset_tag=cells.get("asset_tag", ""),
        ownership=ownership or Ownership.CLIENT,
        state=AssetState.ONBOARDING,
        purchased_on=purchased_on,
    )
    return _Unit(
        row=row,
        values=values,
        maker=maker,
        maker_key=maker_key,
        model=estate.checked_number("product", cells.get("product", ""), 200),
        part_number=estate.checked_number("part_number", cells.get("part_number", ""), 120),
        site=estate.checked_text("site", cells.get("site", ""), 200),
        ownership=ownership,
        state=columns.read_word("state", cells["state"], AssetState) if "state" in cells else None,
        purchased_on=purchased_on,
    )


class Assets(Import):
    """One run over rows about units."""

    def _take(self, session: Session, rows: Sequence[Row]) -> None:
        units = [unit for row in rows if (unit := self._understand(session, row)) is not None]
        if not self.dry_run:
            estate.hold(session, {unit.client_id for unit in units})
        standing = standing_units(session, [unit.key for unit in units])
        planned = [unit for unit in units if self._plan(session, unit, standing.get(unit.key, []))]
        if not self.dry_run:
            self._make_products(session, planned)
            self._make_sites(session, planned)
            self._write(session, planned)

    def _understand(self, session: Session, row: Row) -> _Unit | None:
        try:
            unit = _read(self._without_ruined_part(row))
            unit.client_id = self._owner_id(session, row)
            self._find_product(session, unit)
            if self._stands_above(unit):
                self.tally.count(Outcome.SAME, row, serial_number=unit.serial_number)
                return None
        except Invalid as err:
            self.tally.refuse(row, err)
            return None
        return unit

    def _without_ruined_part(self, row: Row) -> Row:
        """A row without a part number that a spreadsheet has ruined, where its model says what it is all the same."""
        if "product" not in row.cells or not estate.is_ruined(row.cells.get("part_number", "")):
            return row
        self.tally.warn("The part number was ruined by a spreadsheet and is left out.", row)
        return replace(row, cells={column: text for column, text in row.cells.items() if column != "part_number"})

    def _find_product(self, session: Session, unit: _Unit) -> None:
        """Complete what a row says only half of: the model of a part number, the manufacturer of a model."""
        wanted = unit.model or unit.part_number
        if not wanted:
            return
        known = self.names.find_model(session, unit.maker_key, wanted)
        if known is not None:
            unit.maker, unit.maker_key, unit.model = known.manufacturer, known.maker_key, known.model
        elif not unit.maker_key:
            raise Invalid("manufacturer", f"The product {wanted} is not known: name its manufacturer, and it is made.")
        else:
            unit.model = wanted

    def _stands_above(self, unit: _Unit) -> bool:
        """Whether the file had this row before. One serial of two manufacturers is two units, where both are named."""
        serial = (unit.client_id, unit.key)
        identity = (*serial, unit.maker_key)
        other = self.seen.line_of((*serial, "") if unit.maker_key else serial)
        if other is not None and self.seen.line_of(identity) is None:
            raise Invalid(
                "manufacturer", f"Line {other} has the same serial number: name the manufacturer in both rows."
            )
        if self._is_repeated(unit.row, identity, f"the serial number {unit.serial_number}"):
            return True
        self.seen.say(unit.row, serial)
        return False

    # What a row comes to

    def _plan(self, session: Session, unit: _Unit, standing: Sequence[StandingUnit]) -> bool:
        """Compare a row with the register; whether there is anything to write."""
        try:
            own = [row for row in standing if row.client_id == unit.client_id]
            unit.existing = the_one(own, unit.maker_key, unit.serial_number)
            if unit.existing is None:
                _check_first_state(unit)
        except Invalid as err:
            self.tally.refuse(unit.row, err)
            return False
        self._announce(session, unit)
        if unit.existing is None:
            outcome = Outcome.NEW
            self._warn_of_new(unit, is_known_elsewhere=bool(standing))
        else:
            self._compare(session, unit, unit.existing)
            outcome = Outcome.CHANGED if unit.changes or unit.goes_into_service else Outcome.SAME
        self.tally.count(
            outcome,
            unit.row,
            serial_number=unit.serial_number,
            product=f"{unit.maker} {unit.model}".strip(),
            site=unit.site,
            state=unit.state or (AssetState.ONBOARDING if outcome is Outcome.NEW else ""),
            changes=", ".join([*unit.changes, *["state"] * unit.goes_into_service]),
        )
        return outcome is not Outcome.SAME

    def _announce(self, session: Session, unit: _Unit) -> None:
        """Note a product or site that the row asks for and nobody has."""
        if unit.model:
            models = self.names.models_of(session, unit.maker_key)
            self.tally.report.new_products += unit.model.casefold() not in models
            known = models.setdefault(unit.model.casefold(), None)
            if known is not None and not known.answers_to(unit.part_number or known.model):
                self.tally.warn("The part number differs from that of the product, which stays as it is.", unit.row)
        elif unit.maker:
            self.tally.warn("A manufacturer without a product or part number is not kept.", unit.row)
        if unit.site:
            sites = self.names.sites_of(session, unit.client_id)
            if unit.site.casefold() not in sites:
                self._announce_site(session, unit)
            sites.setdefault(unit.site.casefold(), None)

    def _announce_site(self, session: Session, unit: _Unit) -> None:
        self.tally.report.new_sites += 1
        zone = self.names.zone_of(session, unit.client_id)
        sentence = f"The site {unit.site} is made, without an address and with the time zone {zone}: complete it."
        self.tally.warn(sentence, unit.row)

    def _warn_of_new(self, unit: _Unit, *, is_known_elsewhere: bool) -> None:
        if unit.state is not AssetState.IN_SERVICE:
            sentence = (
                "The unit comes in as onboarding, and faults on it go to review until it is handed over. "
                "If that is done, say in_service in the column state."
            )
            self.tally.warn(sentence, unit.row)
        if is_known_elsewhere:
            self.tally.warn(
                "Another unit has the same serial number: a report on the serial alone may go to review.", unit.row
            )

    def _compare(self, session: Session, unit: _Unit, old: StandingUnit) -> None:
        said: dict[str, Any] = {
            "site_id": self._site_id(session, unit),
            "product_id": self._product_id(session, unit),
            "name": unit.values["name"] or None,
            "asset_tag": unit.values["asset_tag"] or None,
            "ownership": unit.ownership,
            "purchased_on": unit.purchased_on,
        }
        unit.changes = {name: new for name, new in said.items() if new is not None and new != getattr(old, name)}
        unit.goes_into_service = unit.state is AssetState.IN_SERVICE and old.state is AssetState.ONBOARDING
        if unit.goes_into_service and (checks := estate.open_checks(session, old.id)):
            unit.goes_into_service = False
            said_open = ", ".join(check.step for check in checks)
            self.tally.warn(f"The unit stays {old.state}: checks of its hand-over are open ({said_open}).", unit.row)
        elif not unit.goes_into_service and unit.state not in {None, old.state, AssetState.ONBOARDING}:
            self.tally.warn(
                f"The unit stays {old.state}: an import only takes units from onboarding into service.", unit.row
            )

    def _site_id(self, session: Session, unit: _Unit) -> int | None:
        if not unit.site:
            return None
        place = self.names.sites_of(session, unit.client_id)[unit.site.casefold()]
        return _NOT_MADE_YET if place is None else place.id

    def _product_id(self, session: Session, unit: _Unit) -> int | None:
        if not unit.model:
            return None
        model = self.names.models_of(session, unit.maker_key)[unit.model.casefold()]
        return _NOT_MADE_YET if model is None else model.id

    # Writing

    def _make_products(self, session: Session, units: Sequence[_Unit]) -> None:
        missing: dict[tuple[str, str], _Unit] = {}
        for unit in units:
            if self._product_id(session, unit) == _NOT_MADE_YET:
                first = missing.setdefault((unit.maker_key, unit.model.casefold()), unit)
                first.part_number = first.part_number or unit.part_number
        wanted = [
            estate.new_product(manufacturer=unit.maker, model=unit.model, part_number=unit.part_number)
            for unit in missing.values()
        ]
        self._register(session, wanted)

    def _make_sites(self, session: Session, units: Sequence[_Unit]) -> None:
        for unit in units:
            if self._site_id(session, unit) != _NOT_MADE_YET:
                continue
            client = session.get_one(Client, unit.client_id)
            zone = self.names.zone_of(session, unit.client_id)
            try:
                site = estate.add_site(session, client, name=unit.site, time_zone=zone, because=self.because)
                self.journal.note_made(Site.__tablename__, site.id)
            except Invalid:  # somebody added it after its client's sites were read
                site = estate.find_site(session, client, unit.site)
            place = Place(site.id, site.public_id, site.time_zone)
            self.names.sites_of(session, unit.client_id)[unit.site.casefold()] = place

    def _write(self, session: Session, units: Sequence[_Unit]) -> None:
        new = [
            unit.values
            | {
                "client_id": unit.client_id,
                "product_id": self._product_id(session, unit),
                "site_id": self._site_id(session, unit),
                "state": unit.state or AssetState.ONBOARDING,
            }
            for unit in units
            if unit.existing is None
        ]
        self.journal.note_made(Asset.__tablename__, *estate.register_assets(session, new, because=self.because))
        for unit in units:
            if unit.existing is not None:
                self._change(session, unit, unit.existing)

    def _change(self, session: Session, unit: _Unit, old: StandingUnit) -> None:
        asset = session.get_one(Asset, old.id)
        made = {"site_id": self._site_id(session, unit), "product_id": self._product_id(session, unit)}
        changes = {name: made.get(name, new) for name, new in unit.changes.items()}
        if changes:
            self.journal.note_changed(
                Asset.__tablename__, old.id, {name: getattr(old, name) for name in changes}, changes
            )
            estate.change_asset(session, asset, because=self.because, **changes)
        if unit.goes_into_service:
            states = {"state": AssetState.ONBOARDING}, {"state": AssetState.IN_SERVICE}
            self.journal.note_changed(Asset.__tablename__, old.id, *states)
            actor = self.because.actor
            estate.put_baseline(
                session, asset, result=HandoverResult.HEALTHY, signed=Signed(actor), because=self.because
            )


def _check_first_state(unit: _Unit) -> None:
    if unit.state is not None and unit.state not in estate.FIRST_STATES:
        raise Invalid("state", f"A unit is registered as {' or '.join(estate.FIRST_STATES)}, not as {unit.state}.")
