"""Ad hoc jobs: priced from the client's rate card, each line with its payer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from warranty import db
from warranty.domain.lifecycles import JOB_OVER, JobState
from warranty.domain.terms import Component, Fulfilment, JobKind, Party, Share
from warranty.models import AdHocJob, JobLine
from warranty.services import moves, references

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from warranty.domain.coverage import Verdict
    from warranty.models import Fault, Rma
    from warranty.services.casefile import CaseFile, UnitFile
    from warranty.services.moves import Because

LABOUR_HUNDREDTHS_OF_UNIT = 200  # removing, installing and configuring a whole unit: two hours
LABOUR_HUNDREDTHS = 100


def open_for(
    session: Session, fault: Fault, unit: UnitFile, file: CaseFile, verdict: Verdict, because: Because
) -> AdHocJob:
    """The one job that a verdict with the route ``ad_hoc`` orders: for the whole swap, whoever pays its shares."""
    winner = file.coverages.get(verdict.awards.parts or "")
    by_agreement = winner is not None and winner.fulfilment is Fulfilment.MSP_SUPPLY
    return draft(
        session,
        unit=unit,
        fault=fault,
        kind=JobKind.AGREEMENT_SWAP if by_agreement else JobKind.UNCOVERED_SWAP,
        payers=payers_of(verdict),
        because=because,
    )


BEFORE_APPROVAL = frozenset({JobState.DRAFT, JobState.QUOTED, JobState.AWAITING_APPROVAL, JobState.QUOTE_EXPIRED})


def replace_by_whole_swap(
    session: Session, fault: Fault, rma: Rma, unit: UnitFile, verdict: Verdict, because: Because
) -> AdHocJob:
    """The job that takes over from a denied claim: it covers the whole swap, so labour that nobody approved yet goes into it."""
    payers = payers_of(verdict)
    for old in session.scalars(select(AdHocJob).where(AdHocJob.rma_id == rma.id, AdHocJob.kind == JobKind.SWAP_LABOUR)):
        if old.state in BEFORE_APPROVAL:
            moves.move(session, old, JobState.CANCELLED, because)
        elif old.state is not JobState.CANCELLED:
            payers.pop(Share.LABOUR, None)  # approved: it stays, and is not charged twice
    return draft(
        session,
        unit=unit,
        fault=fault,
        kind=JobKind.UNCOVERED_SWAP,
        payers=payers,
        because=because,
        rma=rma,
        vendor_reason=rma.vendor_reason,
    )


def unended(session: Session, rma: Rma) -> list[AdHocJob]:
    """The jobs that go with a claim, or took over from it, and are not over."""
    query = select(AdHocJob).where(AdHocJob.rma_id == rma.id, AdHocJob.state.not_in(JOB_OVER))
    return list(session.scalars(query.order_by(AdHocJob.id)))


def payers_of(verdict: Verdict) -> dict[Share, Party]:
    """Who pays each share that somebody pays."""
    shares = {Share.PARTS: verdict.pays.parts, Share.LABOUR: verdict.pays.labour}
    return {share: party for share, party in shares.items() if party is not None}


def draft(
    session: Session,
    *,
    unit: UnitFile,
    fault: Fault,
    kind: JobKind,
    payers: Mapping[Share, Party],
    because: Because,
    rma: Rma | None = None,
    vendor_reason: str | None = None,
) -> AdHocJob:
    """Make the job of a fault: ``payers`` names who pays each share; a share that is not in it has no lines.

    A part without a price leaves the job ``draft``, with what is missing said; else it is ``quoted``.
    """
    card = unit.client
    lines = _lines(unit, fault, payers)
    unpriced = any(line["unit_price_minor"] is None for line in lines)
    job = AdHocJob(
        client_id=fault.client_id,
        reference=references.make("J"),
        kind=kind,
        fault_id=fault.id,
        asset_id=unit.asset.id,
        rma_id=rma.id if rma else None,
        component=fault.component,
        component_ref=fault.component_ref,
        currency=card.currency,
        vendor_reason=vendor_reason,
        info_missing="The part has no list price." if unpriced else None,
        created_at=because.at,
        state=JobState.DRAFT if unpriced else JobState.QUOTED,
    )
    session.add(job)
    session.flush()
    place = {"client_id": job.client_id, "job_id": job.id}
    db.write(session, JobLine, *({**place, "position": at, **line} for at, line in enumerate(lines, start=1)))
    moves.born(session, job, [JobState.DRAFT] if unpriced else [JobState.DRAFT, JobState.QUOTED], because)
    return job


def _lines(unit: UnitFile, fault: Fault, payers: Mapping[Share, Party]) -> list[dict[str, Any]]:
    card, product = unit.client, unit.product
    lines = []
    if labour_payer := payers.get(Share.LABOUR):
        whole = fault.component is Component.UNIT
        hours = LABOUR_HUNDREDTHS_OF_UNIT if whole else LABOUR_HUNDREDTHS
        lines.append(_line("call_out", "Call-out", Share.LABOUR, labour_payer, 100, card.call_out_minor))
        lines.append(
            _line(
                "labour",
                "Remove, install and configure, per hour",
                Share.LABOUR,
                labour_payer,
                hours,
                card.labour_hour_minor,
            )
        )
    if parts_payer := payers.get(Share.PARTS):
        named = (
            " ".join(filter(None, (product.manufacturer, product.model, product.part_number))) if product else "part"
        )
        price = product.list_price_minor if product and product.currency == card.currency else None
        lines.append(
            _line("part", f"Replacement {fault.component} for {named}"[:300], Share.PARTS, parts_payer, 100, price)
        )
    return lines


def _line(what: str, description: str, share: Share, payer: Party, quantity: int, price: int | None) -> dict[str, Any]:
    return {
        "what": what,
        "description": description,
        "share": share,
        "payer": payer,
        "quantity_hundredths": quantity,
        "unit_price_minor": price,
    }


def amount_minor(line: JobLine) -> int:
    """A line's price, rounded half up to the minor unit; a line without a price counts nothing."""
    return ((line.unit_price_minor or 0) * line.quantity_hundredths + 50) // 100


def total_minor(lines: list[JobLine], payer: Party | None = None) -> int:
    """What the lines cost together, or what one payer pays of them."""
    return sum(amount_minor(line) for line in lines if payer is None or line.payer is payer)
