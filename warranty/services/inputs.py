"""What a vendor requires of a claim, what of it is known, which parts stand for what failed, and which files go along.

Contact and address come with the report, else from the site; part number and country only from the product and the site.
A parts list is asked for once for each unit and account, in the background: see ``tasks.prepare_rma``. A file goes along only
where a person chose it, for a photo may show what is not for the vendor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from vendors.contract import Duty, Need, VendorPart
from vendors.errors import VendorError
from warranty import db
from warranty.crypto import CannotDecrypt
from warranty.domain.lifecycles import RmaState
from warranty.domain.terms import Route
from warranty.models import Fault, File, PartsList, Person, VendorAccount
from warranty.services import accounts, casefile, notes
from warranty.services.estate import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, KeysView, Sequence

    from sqlalchemy.orm import Session

    from vendors.contract import Capabilities
    from warranty.domain.coverage import Verdict
    from warranty.domain.terms import Component
    from warranty.models import Rma
    from warranty.runtime import Runtime
    from warranty.services.casefile import UnitFile

MOST_PARTS = 4
"""A claim for more is more than one repair; no vendor that lists parts takes more at once."""

DELIVERABLE = ("address_line1", "city", "country")
"""The lines without which no parcel arrives."""

BEFORE_SENDING = frozenset({RmaState.DRAFT, RmaState.SUBMIT_FAILED, RmaState.DENIED})
"""Where what a claim carries may still be changed: it is not at the vendor, or comes back to us."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One entry of the vendor's parts list; ``proposed``: it stands for what failed."""

    code: str
    description: str
    part_number: str
    proposed: bool


@dataclass(frozen=True, slots=True)
class Inputs:
    """How far a claim is from being sent. ``offered`` is null where the unit's parts list has yet to be asked for.

    ``files`` are those of the case that may go along, the newest first, ``most_bytes`` how much of them in all; null where the
    vendor takes none.
    """

    missing: tuple[Need, ...]
    offered: tuple[Offer, ...] | None = None
    files: tuple[File, ...] | None = None
    most_bytes: int = 0

    @property
    def proposed(self) -> tuple[str, ...]:
        """The codes of the entries that stand for what failed."""
        return tuple(one.code for one in self.offered or () if one.proposed)


@dataclass(frozen=True, slots=True)
class Required:
    """What a vendor would ask for, and what of it nobody has filled in at the unit, its site or its product."""

    requires: tuple[Need, ...]
    missing: tuple[Need, ...]


NOTHING_MISSING = Inputs((), ())
ASKS_NOTHING = Required((), ())


def required(can: Capabilities) -> frozenset[Need]:
    """Everything that an account asks for."""
    return can.requires | {Need.PARTS} if can.parts_list else can.requires


def missing_of(
    can: Capabilities, unit: UnitFile, contact: Person | None, fault: Fault | None = None, parts: Sequence[str] = ()
) -> set[Need]:
    """What an account asks for and nobody has given: with the report, if there is one yet, or for the unit."""
    address = (fault and fault.ship_to) or (unit.site.address if unit.site else {})
    given = {
        Need.CONTACT: contact is not None and all((contact.name, contact.phone, contact.email)),
        Need.SHIP_TO: all(address.get(line) for line in DELIVERABLE),
        Need.DIAGNOSIS: fault is not None and bool(fault.troubleshooting or fault.diagnostic_code),
        Need.PRODUCT_NUMBER: bool(unit.product and unit.product.part_number),
        Need.COUNTRY: bool(unit.site and unit.site.address.get("country")),
        Need.PARTS: bool(parts),
    }
    return {need for need in required(can) if not given[need]}


def of_claim(session: Session, runtime: Runtime, rma: Rma) -> Inputs:
    """What is missing of a claim that is with us, and what there is to choose from."""
    if rma.state not in BEFORE_SENDING or rma.account_id is None:
        return NOTHING_MISSING
    account = session.get_one(VendorAccount, rma.account_id)
    vendor = accounts.adapter(runtime, account)
    can = vendor.capabilities
    if can.by_hand_for(rma.component) is not None:
        return NOTHING_MISSING
    unit = casefile.find_units(session, asset_id=rma.asset_id)[0]
    fault = session.get_one(Fault, rma.fault_id)
    missing = missing_of(can, unit, casefile.contact_of(session, unit, fault), fault, rma.parts)
    listed = parts_list(session, rma) if can.parts_list else []
    offered = None
    if listed is not None:
        stands_for = set(vendor.parts_of(rma.component, listed)) if listed else set()
        offered = tuple(Offer(one.code, one.description, one.part_number, one in stands_for) for one in listed)
    most = can.request_bytes(rma.denials)
    of_case = select(File).where(notes.files_of(fault)).order_by(File.id.desc())
    return Inputs(tuple(sorted(missing)), offered, tuple(session.scalars(of_case)) if most else None, most)


def of_report(runtime: Runtime, unit: UnitFile, verdict: Verdict, component: Component) -> Required:
    """What the vendor would ask for if a report led to a claim there; nothing where it would not."""
    account = unit.account_for(Duty.OPEN)
    if verdict.route is not Route.RMA or account is None:
        return ASKS_NOTHING
    try:
        can = accounts.capabilities(runtime, account)
    except (VendorError, CannotDecrypt):
        return ASKS_NOTHING
    if can.by_hand_for(component) is not None:
        return ASKS_NOTHING
    return Required(tuple(sorted(required(can))), tuple(sorted(missing_of(can, unit, unit.site_contact))))


def shown(session: Session, runtime: Runtime, rma: Rma) -> Inputs:
    """As ``of_claim``, to be looked at: of an account that cannot be used as it is nothing can be said."""
    try:
        return of_claim(session, runtime, rma)
    except (VendorError, CannotDecrypt):  # as whoever uses the account is told
        return NOTHING_MISSING


def what_is_missing(session: Session, rma: Rma, known: Inputs) -> str:
    """What a person has to give or choose before a claim can go; empty where that is nothing."""
    unit = casefile.find_units(session, asset_id=rma.asset_id)[0]
    return say(session.get_one(VendorAccount, rma.account_id), unit, known, rma.component)


def say(account: VendorAccount, unit: UnitFile, known: Inputs, component: str) -> str:
    """The same, in a sentence for each place where they do it."""
    here = [_IN_WORDS.get(need, need.value) for need in known.missing if need not in _ELSEWHERE]
    said = [f"{account.name} asks for: {', '.join(here)}."] if here else []
    if Need.PRODUCT_NUMBER in known.missing:
        what = f"{unit.product.manufacturer} {unit.product.model}" if unit.product else "the unit, which has none"
        said.append(f"{account.name} asks for the part number: fill it in at the product of {what}.")
    if Need.COUNTRY in known.missing:
        what = unit.site.name if unit.site else "the unit, which has none"
        said.append(f"{account.name} asks for the country: fill it in at the site of {what}.")
    if Need.PARTS in known.missing and known.offered is not None:
        matches = [one for one in known.offered if one.proposed]
        if matches:
            named = ", ".join(f"{one.code} ({one.description})" for one in matches)
            said.append(f"{len(matches)} parts of its list may be the {component}: {named}. Choose.")
        elif known.offered:
            said.append(f"None of the {len(known.offered)} parts of its list is plainly the {component}: choose.")
        else:
            said.append(f"{account.name} lists no parts for this unit: name what is needed, or handle it by hand.")
    return " ".join(said)


_IN_WORDS = {Need.CONTACT: "contact (name, phone and e-mail)"}
_ELSEWHERE = frozenset({Need.PRODUCT_NUMBER, Need.COUNTRY, Need.PARTS})


# --- the vendor's parts list ---


def parts_list(session: Session, rma: Rma) -> list[VendorPart] | None:
    """The parts that the claim's vendor lists for its unit; null where nobody has asked yet."""
    row = _row(session, rma)
    return None if row is None else [VendorPart(**entry) for entry in row.entries]


def keep_parts(session: Session, rma: Rma, parts: Iterable[VendorPart]) -> None:
    """Keep a parts list for every claim of the unit that goes to the account; it takes the place of an older one.

    The caller holds the claim.
    """
    assert rma.account_id is not None  # somebody was asked
    entries = [{"code": one.code, "description": one.description, "part_number": one.part_number} for one in parts]
    now, row = db.now(session), _row(session, rma)
    if row is None:
        session.add(PartsList(asset_id=rma.asset_id, account_id=rma.account_id, entries=entries, asked_at=now))
    else:
        row.entries, row.asked_at = entries, now
    session.flush()


def choose(session: Session, rma: Rma, codes: Sequence[str]) -> None:
    """Let a claim ask for these parts; a code that stands twice is a part that is needed twice.

    Raises:
        Invalid: too many, or one that is not on the list, where there is one.
    """
    if len(codes) > MOST_PARTS:
        raise Invalid("parts", f"Choose at most {MOST_PARTS} parts.")
    listed = parts_list(session, rma)
    unknown = set(codes) - {one.code for one in listed} if listed else set()
    if unknown:
        raise Invalid("parts", f"The vendor does not list {', '.join(sorted(unknown))} for this unit.")
    rma.parts = list(codes)


# --- the files that go along ---


def choose_files(session: Session, runtime: Runtime, rma: Rma, ids: Iterable[UUID]) -> None:
    """Let these files of the case go along with a claim, and no others.

    Raises:
        Invalid: one that is none of the case, or was taken away; they are too large together; or the vendor takes none.
    """
    wanted = dict.fromkeys(ids)
    if wanted:
        _check_files(session, runtime, rma, wanted.keys())
    rma.files = list(map(str, wanted))


def _check_files(session: Session, runtime: Runtime, rma: Rma, ids: KeysView[UUID]) -> None:
    account = session.get(VendorAccount, rma.account_id) if rma.account_id is not None else None
    if account is None:
        raise Invalid("files", "No vendor account opens cases for this unit yet: there is nobody to choose files for.")
    try:
        known = of_claim(session, runtime, rma)
    except (VendorError, CannotDecrypt) as err:
        raise Invalid("files", f"{account.name} cannot be used, so no file can be chosen for it: {err}") from err
    if known.files is None:
        raise Invalid("files", f"{account.name} takes no files with this claim.")
    unknown = ids - {file.public_id for file in known.files}
    if unknown:
        named = ", ".join(sorted(map(str, unknown)))
        raise Invalid("files", f"Of the case there is no file {named}, or it was taken away.")
    size = sum(file.size for file in known.files if file.public_id in ids)
    if size > known.most_bytes:
        most = f"{known.most_bytes / 1e6:.0f} MB"
        raise Invalid("files", f"The files have {size / 1e6:.1f} MB together; {account.name} takes {most} in all.")


def chosen_files(session: Session, rma: Rma) -> list[File]:
    """The files that were chosen to go along, as they stand now: one may have been taken away since."""
    if not rma.files:
        return []
    query = select(File).where(File.public_id.in_(map(UUID, rma.files))).order_by(File.id)
    return list(session.scalars(query))


def _row(session: Session, rma: Rma) -> PartsList | None:
    query = select(PartsList).where(PartsList.asset_id == rma.asset_id, PartsList.account_id == rma.account_id)
    return session.scalars(query).one_or_none()
