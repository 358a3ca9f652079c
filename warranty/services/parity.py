"""The parity certificate of a swap: the only place that says whether what came is what was there, and keeps that it was.

Until the swap is verified the certificate is worked out anew each time; with ``verified`` it is kept as it is. A difference
is accepted by two people: one asks and says why, another one agrees. Source: domain.md, D5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from warranty.domain import parity
from warranty.domain.lifecycles import SwapKind
from warranty.domain.parity import Accepted, Rules
from warranty.domain.specification import FIRMWARE, OTHER, PROPERTIES, Measure, mebibytes
from warranty.languages import N_
from warranty.models import AcceptedDifference, Asset, ParityCertificate, Product, Snapshot, SnapshotKind
from warranty.services import moves, specifications
from warranty.services.by_hand import NotYours
from warranty.services.estate import Invalid
from warranty.services.moves import IllegalMove

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from warranty.domain.specification import Value
    from warranty.models import Fault, Swap
    from warranty.services.moves import Because

LABELS: Final = {
    "specification": N_("Specification"),
    "configuration": N_("Configuration"),
    "registry.product": N_("Product in the registry"),
    "registry.part_number": N_("Part number in the registry"),
    "product.manufacturer": N_("Manufacturer"),
    "product.model": N_("Model"),
    "product.part_number": N_("Part number"),
    "unit.serial_number": N_("Serial number"),
    "unit.uuid": N_("UUID"),
    "unit.asset_tag": N_("Asset tag"),
    "unit.uptime": N_("Uptime"),
    "board.model": N_("Mainboard"),
    "board.serial_number": N_("Serial number of the mainboard"),
    "cpu.models": N_("Processors"),
    "cpu.sockets": N_("Number of processors"),
    "cpu.cores": N_("Processor cores"),
    "cpu.threads": N_("Processor threads"),
    "memory.total": N_("Memory"),
    "memory.modules": N_("Memory modules"),
    "disk.drives": N_("Disks"),
    "disk.models": N_("Models of the disks"),
    "disk.volumes": N_("Volumes"),
    "controller.storage": N_("Storage controllers"),
    "nic.cards": N_("Network cards"),
    "nic.macs": N_("MAC addresses"),
    "network.interfaces": N_("Network interfaces"),
    "network.stack": N_("Members of the stack"),
    "graphics.cards": N_("Graphics cards"),
    "psu.units": N_("Power supplies"),
    "firmware.bios": N_("BIOS version"),
    "os.name": N_("Operating system"),
    "os.version": N_("Version of the operating system"),
    "os.kernel": N_("Kernel"),
    "os.host_name": N_("Host name"),
    "licences": N_("Licences"),
    "monitoring": N_("Monitoring"),
}
"""What people call a property; messages of the catalogue."""


def label_of(name: str) -> tuple[str, dict[str, str]]:
    """The message that names a property, and its params."""
    if name in LABELS:
        return LABELS[name], {}
    if name.startswith(FIRMWARE):
        return N_("Firmware of %(part)s"), {"part": name.removeprefix(FIRMWARE)}
    return "%(name)s", {"name": name.removeprefix(OTHER).replace("_", " ")}


def shown(name: str, value: Value | None) -> str:
    """A value as people read it; empty for none."""
    known = PROPERTIES.get(name)
    if isinstance(value, int):
        return mebibytes(value) if known is not None and known.measure is Measure.MIB else str(value)
    if isinstance(value, list):
        counted = {word: value.count(word) for word in value}
        return "; ".join(word if count == 1 else f"{count} \u00d7 {word}" for word, count in counted.items())
    if value is not None and name == parity.CONFIGURATION:
        return value[:12]
    return value or ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as it stands. ``document`` is what programs read; ``asked`` are the differences that wait for somebody.

    ``is_issued``: the swap is verified, and nothing of it changes any more.
    """

    document: dict[str, Any]
    digest: str
    is_issued: bool
    missing: tuple[parity.Line, ...]
    asked: tuple[AcceptedDifference, ...]

    @property
    def missing_words(self) -> str:
        """The properties that are missing, each with what was and what is, in English."""
        return "; ".join(_in_words(line) for line in self.missing)


_WHY: Final = {
    parity.Why.NEVER_RECORDED: "nothing was ever recorded of the old unit",
    parity.Why.NOT_READ: "nothing was read of what came",
    parity.Why.ABSENT: "nothing is recorded of it on what came",
}


def _in_words(line: parity.Line) -> str:
    label, params = label_of(line.name)
    if line.why in _WHY:
        return f"{label % params}: {_WHY[line.why]}"
    return f"{label % params}: {shown(line.name, line.old)} before, {shown(line.name, line.new)} now"


def of(session: Session, swap: Swap, fault: Fault, old: Asset) -> Certificate:
    """The certificate of a swap: the one that was kept, else as things stand. ``old`` is the unit that the swap is about."""
    kept = session.scalars(select(ParityCertificate).where(ParityCertificate.swap_id == swap.id)).one_or_none()
    if kept is not None:
        return Certificate(kept.document, kept.digest, is_issued=True, missing=(), asked=())
    rows = session.scalars(
        select(AcceptedDifference).where(AcceptedDifference.swap_id == swap.id).order_by(AcceptedDifference.id)
    ).all()
    agreed = [Accepted(row.difference, row.reason, row.approved_by) for row in rows if row.approved_by is not None]
    sides = _sides(session, swap, old)
    was, now = (None if side.read is None else side.read.properties for side in sides)
    part = frozenset({fault.component}) if swap.kind is SwapKind.PART else None
    rules = Rules(parity.class_of(was or now or {}), part, swap.substitute)
    compared = parity.compare(was, now, rules, accepted=agreed, facts=_facts(swap, *sides))
    document = {
        "swap": str(swap.public_id),
        "kind": swap.kind.value,
        "case": fault.reference,
        "old": sides[0].document,
        "new": sides[1].document,
        "substitute": swap.substitute,
        **parity.document(compared),
    }
    waiting = {row.difference: row for row in rows if row.approved_by is None}
    asked = tuple(waiting[line.difference] for line in compared.missing if line.difference in waiting)
    return Certificate(document, parity.digest(document), is_issued=False, missing=compared.missing, asked=asked)


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two units, and what was read of it."""

    serial_number: str
    product: Product | None
    read: Snapshot | None
    configuration: Snapshot | None

    @property
    def document(self) -> dict[str, Any]:
        named = self.product
        return {
            "serial_number": self.serial_number,
            "product": None if named is None else f"{named.manufacturer} {named.model}",
            "specification": _evidence(self.read),
            "configuration": _evidence(self.configuration),
        }


def _evidence(snapshot: Snapshot | None) -> dict[str, str] | None:
    if snapshot is None:
        return None
    return {
        "id": str(snapshot.public_id),
        "digest": snapshot.digest,
        "source": snapshot.source.value,
        "taken_at": snapshot.taken_at.isoformat(),
    }


def _sides(session: Session, swap: Swap, old: Asset) -> tuple[_Side, _Side]:
    product = session.get(Product, old.product_id) if old.product_id is not None else None
    before = [specifications.newest(session, kind, of=old, besides=swap) for kind in SnapshotKind]
    after = [specifications.brought(session, kind, swap) for kind in SnapshotKind]
    serial, new_product = old.serial_number, product
    if swap.kind is SwapKind.UNIT:
        serial = swap.serial_number
        new_product = session.get(Product, swap.product_id) if swap.product_id is not None else product
        if swap.new_asset_id is not None:  # a spare of the client's may have been read before it was needed
            new = session.get_one(Asset, swap.new_asset_id)
            after = [
                read or specifications.newest(session, kind, of=new)
                for kind, read in zip(SnapshotKind, after, strict=True)
            ]
    return _Side(old.serial_number, product, *before), _Side(serial, new_product, *after)


def _facts(swap: Swap, old: _Side, new: _Side) -> list[tuple[str, Value | None, Value | None]]:
    """What counts whatever was read: the registry's product, and where a whole unit came, its configuration."""
    facts: list[tuple[str, Value | None, Value | None]] = []
    if old.product is not None:
        facts.append((parity.REGISTRY_PRODUCT, _named(old.product), _named(new.product)))
        if old.product.part_number:
            number = new.product.part_number or None if new.product is not None else None
            facts.append((parity.REGISTRY_PART, old.product.part_number, number))
    if swap.kind is not SwapKind.PART and old.configuration is not None:
        came = new.configuration
        facts.append((parity.CONFIGURATION, old.configuration.digest, None if came is None else came.digest))
    return facts


def _named(product: Product | None) -> str | None:
    return None if product is None else f"{product.manufacturer} {product.model}"


# --- accepting ---


def ask(session: Session, swap: Swap, certificate: Certificate, names: Sequence[str], because: Because) -> None:
    """Ask somebody else to accept differences, with the reason why they may stay.

    Raises:
        IllegalMove: the certificate is issued.
        Invalid: a property is not missing, or no reason is given.
    """
    if certificate.is_issued:
        raise IllegalMove("The certificate is issued: nothing of it changes any more.")
    if not because.reason.strip():
        raise Invalid("reason", "Say why the difference may stay.")
    missing = {line.name: line for line in certificate.missing}
    wrong = [name for name in names if name not in missing]
    if wrong or not names:
        rest = ", ".join(missing) or "none"
        raise Invalid("properties", f"Name properties that are missing: {rest}.")
    for name in dict.fromkeys(names):
        line = missing[name]
        query = select(AcceptedDifference).where(
            AcceptedDifference.swap_id == swap.id, AcceptedDifference.difference == line.difference
        )
        row = session.scalars(query.with_for_update()).one_or_none()
        if row is None:
            row = AcceptedDifference(client_id=swap.client_id, swap_id=swap.id, name=name, difference=line.difference)
            session.add(row)
        row.reason, row.asked_by, row.asked_at = because.reason, because.actor, because.at
        session.flush()
        moves.note(session, row, "ask", because, detail={"property": name, "difference": line.difference})


def approve(session: Session, certificate: Certificate, names: Sequence[str], because: Because) -> None:
    """Accept differences that somebody else asked for.

    Raises:
        IllegalMove: nobody asked for one of them.
        NotYours: whoever asked cannot agree.
    """
    asked = {row.name: row for row in certificate.asked}
    for name in dict.fromkeys(names):
        row = asked.get(name)
        if row is None:
            rest = ", ".join(asked) or "none"
            raise IllegalMove(f"Nobody asked to accept “{name}”; what waits: {rest}.")
        session.refresh(row, with_for_update=True)
        if row.asked_by == because.actor:
            raise NotYours("Whoever asks to accept a difference cannot accept it: somebody else has to look.")
        row.approved_by, row.approved_at = because.actor, because.at
        moves.note(session, row, "approve", because, detail={"property": name, "difference": row.difference})


# --- proving ---


def issue(session: Session, swap: Swap, certificate: Certificate, because: Because) -> None:
    """Keep the certificate of a swap that is verified, as it is now."""
    document = certificate.document | {"issued_at": because.at.isoformat(), "issued_by": because.actor}
    row = ParityCertificate(
        client_id=swap.client_id,
        swap_id=swap.id,
        document=document,
        digest=parity.digest(document),
        issued_by=because.actor,
        issued_at=because.at,
    )
    session.add(row)
    session.flush()
    moves.note(session, row, "issue", because, detail={"digest": row.digest})
