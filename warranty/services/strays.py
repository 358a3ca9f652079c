"""Cases at vendors that belong to no claim here: each is put before a person, once, and nothing is opened beside it until then.

Their tasks stand on no fault. One that names the serial of one client's unit is that client's, any other the staff's alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from warranty import db
from warranty.models import Asset, HumanTask, Sighting, VendorAccount
from warranty.models.work import TaskKind
from warranty.services import estate, moves

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from vendors.contract import VendorCase
    from warranty.models import Rma
    from warranty.services.moves import Because

MOST_CHARS = 200
IS_OPEN = (HumanTask.kind == TaskKind.STRAY_CASE, HumanTask.resolved_at.is_(None))


def find(session: Session, account: VendorAccount, cases: Sequence[VendorCase], *, now: datetime) -> None:
    """Remember cases whose references no claim has, and put each before a person; no more statements for many than for one.

    None of them was seen before; whoever calls sees to it that nobody else does this for the account at the same time.
    """
    db.write(session, Sighting, *(_sighting(account, case, now) for case in cases))
    numbers = [case.vendor_case_number for case in cases]
    named = select(Sighting).where(Sighting.account_id == account.id, Sighting.vendor_case_number.in_(numbers))
    sightings = session.scalars(named.order_by(Sighting.id)).all()
    owners = _owners(session, account, [sighting.serial_key for sighting in sightings])
    session.add_all(
        HumanTask(
            client_id=owners.get(sighting.serial_key, account.client_id),
            kind=TaskKind.STRAY_CASE,
            sighting_id=sighting.id,
            why=f"{say(account, sighting)} belongs to no claim here. If it is one of ours, enter its number on that claim; "
            "if not, see to it at the vendor. Then answer dealt_with.",
            created_at=now,
        )
        for sighting in sightings
    )
    session.flush()


def _sighting(account: VendorAccount, case: VendorCase, now: datetime) -> dict[str, Any]:
    return {
        "account_id": account.id,
        "vendor_case_number": case.vendor_case_number,
        "client_reference": reference_of(case),
        "serial_number": case.serial_number,
        "serial_key": estate.serial_key(case.serial_number)[:MOST_CHARS],
        "opened_at": case.opened_at,
        "seen_at": now,
        "asked_at": now,
    }


def reference_of(case: VendorCase) -> str:
    """Our reference as a case repeats it, no longer than any of ours."""
    return (case.client_reference or "")[:64]


def _owners(session: Session, account: VendorAccount, serial_keys: Iterable[str]) -> dict[str, int]:
    """Whose unit each serial is, where that is one client's: of a client's own account, that client's."""
    if account.client_id is not None:
        return {}
    keys = {key for key in serial_keys if key}
    units = (
        select(Asset.serial_key, func.min(Asset.client_id)).where(Asset.serial_key.in_(keys)).group_by(Asset.serial_key)
    )
    rows = session.execute(units.having(func.min(Asset.client_id) == func.max(Asset.client_id)))
    return {row[0]: row[1] for row in rows}


def say(account: VendorAccount, sighting: Sighting) -> str:
    """A case as a person may find it at the vendor."""
    opened = f", opened {sighting.opened_at:%Y-%m-%d %H:%M} UTC" if sighting.opened_at else ""
    named = f"reference {sighting.client_reference or 'none'}, serial number {sighting.serial_number or 'none'}{opened}"
    return f"Case {sighting.vendor_case_number} at {account.name} ({named})"


def of_units(session: Session, account: VendorAccount, asset_ids: Iterable[int]) -> dict[int, Sighting]:
    """The cases of an account that stand for some units and belong to no claim, while no person has dealt with them.

    The first one of each unit, by the unit's key.
    """
    waiting = (
        select(Asset.id, Sighting)
        .join(Asset, Asset.serial_key == Sighting.serial_key)
        .join(HumanTask, HumanTask.sighting_id == Sighting.id)
        .where(Asset.id.in_(list(asset_ids)), Sighting.account_id == account.id, *IS_OPEN)
    )
    found: dict[int, Sighting] = {}
    for asset_id, sighting in session.execute(waiting.order_by(Sighting.id)):
        found.setdefault(asset_id, sighting)
    return found


def claim(session: Session, account: VendorAccount, vendor_case_number: str, rma: Rma, because: Because) -> None:
    """A person has said that a case is this claim's: nobody has to look for its owner any more."""
    sighting = select(Sighting.id).where(
        Sighting.account_id == account.id, Sighting.vendor_case_number == vendor_case_number
    )
    session.execute(
        update(HumanTask)
        .where(HumanTask.sighting_id.in_(sighting), *IS_OPEN)
        .values(
            resolved_at=because.at,
            resolved_by=because.actor,
            resolution=f"It is the case of claim {rma.client_reference}.",
        ),
        execution_options={"synchronize_session": False},
    )


def deal_with(session: Session, item: HumanTask, because: Because) -> bool:
    """A person has seen to a case that belongs to no claim; False where that was settled before."""
    session.refresh(item, with_for_update=True)
    if item.resolved_at is not None:
        return False
    item.resolved_at, item.resolved_by, item.resolution = because.at, because.actor, because.reason
    sighting = session.get_one(Sighting, item.sighting_id)
    account = session.get_one(VendorAccount, sighting.account_id)
    moves.note(session, account, "stray_case", because, detail={"vendor_case_number": sighting.vendor_case_number})
    return True
