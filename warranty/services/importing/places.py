"""Rows about clients and about their sites. The identity of a client is its name, that of a site its client and its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from warranty.models import Client, Site
from warranty.services import estate
from warranty.services.estate import Invalid
from warranty.services.importing.rows import Import, Outcome, Place
from warranty.services.importing.sheets import Row


class Clients(Import):
    """One run over rows about clients."""

    def _take(self, session: Session, rows: Sequence[Row]) -> None:
        for row in rows:
            try:
                name = estate.checked_text("name", row.cells.get("name", ""), 200, needed=True)
                is_known = self._is_repeated(row, name.casefold(), f"the client {name}") or self._is_known(
                    session, name
                )
            except Invalid as err:
                self.tally.refuse(row, err)
                continue
            if not is_known and not self.dry_run:
                client = estate.add_client(session, name=name, because=self.because)
                self.journal.note_made(Client.__tablename__, client.id)
            self.tally.count(Outcome.SAME if is_known else Outcome.NEW, row, name=name)

    def _is_known(self, session: Session, name: str) -> bool:
        try:
            self.names.client_id(session, name)
        except Invalid:
            return False
        return True


@dataclass(slots=True)
class _Located:
    """A row about a site, understood; ``said`` holds the columns of the site that it fills."""

    row: Row
    client_id: int
    name: str
    said: dict[str, Any]
    contacts: list[estate.Contact] = field(default_factory=list)


class Sites(Import):
    """One run over rows about sites."""

    def _take(self, session: Session, rows: Sequence[Row]) -> None:
        located = [found for row in rows if (found := self._understand(session, row)) is not None]
        if not self.dry_run:
            estate.hold(session, {found.client_id for found in located})
        for found in located:
            place = self.names.sites_of(session, found.client_id).get(found.name.casefold())
            if place is None:
                self._add(session, found)
            else:
                self._compare(session, found, session.get_one(Site, place.id))

    def _understand(self, session: Session, row: Row) -> _Located | None:
        cells = row.cells
        try:
            found = _Located(
                row=row,
                client_id=self._owner_id(session, row),
                name=estate.checked_text("name", cells.get("name", ""), 200, needed=True),
                said=_said(row),
            )
            if "contact_name" in cells:
                found.contacts = [estate.Contact(**{name: cells.get(f"contact_{name}", "") for name in _CONTACT})]
                estate.new_person(found.client_id, found.contacts[0])
            identity = (found.client_id, found.name.casefold())
            if self._is_repeated(row, identity, f"the site {found.name}"):
                self.tally.count(Outcome.SAME, row, name=found.name)
                return None
        except Invalid as err:
            self.tally.refuse(row, err)
            return None
        return found

    def _add(self, session: Session, found: _Located) -> None:
        zone = found.said.pop("time_zone", None)
        if zone is None:
            zone = self.names.zone_of(session, found.client_id)
            self.tally.warn(f"No row says the time zone of the site: {zone} is taken.", found.row)
        self.tally.count(Outcome.NEW, found.row, name=found.name, time_zone=zone)
        if self.dry_run:
            return
        client = session.get_one(Client, found.client_id)
        site = estate.add_site(
            session,
            client,
            name=found.name,
            time_zone=zone,
            contacts=found.contacts,
            because=self.because,
            **found.said,
        )
        session.flush()
        self.journal.note_made(Site.__tablename__, site.id)
        place = Place(site.id, site.public_id, site.time_zone)
        self.names.sites_of(session, found.client_id)[found.name.casefold()] = place

    def _compare(self, session: Session, found: _Located, site: Site) -> None:
        said = dict(found.said)
        if "address" in said:
            said["address"] = site.address | said["address"]
        changes = {name: new for name, new in said.items() if new != getattr(site, name)}
        if found.contacts:
            self.tally.warn("The contacts of a site that is known already stay as they are.", found.row)
        outcome = Outcome.CHANGED if changes else Outcome.SAME
        self.tally.count(outcome, found.row, name=found.name, changes=", ".join(changes))
        if changes and not self.dry_run:
            was = {name: getattr(site, name) for name in changes}
            self.journal.note_changed(Site.__tablename__, site.id, was, changes)
            estate.correct_site(session, site, because=self.because, **changes)


_CONTACT = ("name", "phone", "email", "language")


def _said(row: Row) -> dict[str, Any]:
    """The columns of a site that a row fills; an empty cell says nothing.

    Raises:
        Invalid: no time zone of that name, or too long.
    """
    cells = row.cells
    said: dict[str, Any] = {}
    if "time_zone" in cells:
        said["time_zone"] = estate.checked_zone(cells["time_zone"])
    if "access_hours" in cells:
        said["access_hours"] = estate.checked_text("access_hours", cells["access_hours"], 200)
    lines = [line for line in estate.ADDRESS_LINES if line in cells]
    if lines:
        said["address"] = {line: estate.checked_text(line, cells[line], 200) for line in lines}
    return said
