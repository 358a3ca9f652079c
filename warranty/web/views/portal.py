"""What clients see of their cases: plain words, no internal note, no vendor's word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from warranty.domain.headline import ClientStep
from warranty.domain.lifecycles import (
    FaultState,
    JobState,
    RmaState,
    ShipmentDirection,
    ShipmentState,
    SwapState,
)
from warranty.domain.terms import Party, Route, Share, VerdictWord
from warranty.web import pages
from warranty.web.pages import StepState
from warranty.web.views import ball, case_situation, subject
from warranty.web.views.colleagues import name_of as _name

if TYPE_CHECKING:
    from datetime import datetime

    from warranty.domain.coverage import Verdict
    from warranty.domain.reasons import Reason
    from warranty.services.queries import Brief, Case


def _cost(brief: Brief) -> pages.Cost:
    if brief.has_job:
        return pages.Cost(brief.client_minor, brief.currency)
    is_open = brief.verdict is None or brief.verdict.verdict in {None, VerdictWord.NEEDS_REVIEW}
    return pages.Cost(None if is_open else 0, brief.currency)


def row(brief: Brief) -> pages.PortalCaseRow:
    """One case in the client's list."""
    return pages.PortalCaseRow(
        url=url_for("portal.case_detail", id=brief.fault.public_id),
        subject=subject(brief.place, brief.fault),
        step=brief.standing.step,
        ball=ball(brief.standing, brief.vendor, brief.place.client.name, for_client=True),
        cost=_cost(brief),
        expected_on=brief.expected_on,
        reported_at=brief.fault.reported_at,
        closed_at=brief.fault.case_closed_at if brief.standing.step is ClientStep.CLOSED else None,
    )


def case(found: Case) -> pages.PortalCaseView:
    """One case in plain words."""
    fault, place = found.fault, found.place
    verdict = found.verdicts[0].verdict if found.verdicts else None
    is_decided = verdict is not None and verdict.verdict not in {None, VerdictWord.NEEDS_REVIEW}
    newest = found.jobs[-1] if found.jobs else None
    minor = newest.client_minor if newest else (0 if is_decided else None)
    payers = []
    if verdict is not None and is_decided:
        for share, payer in ((Share.PARTS, verdict.pays.parts), (Share.LABOUR, verdict.pays.labour)):
            if payer is not None:
                payers.append((share, payer, found.vendor if payer is Party.VENDOR else None))
    return pages.PortalCaseView(
        reference=fault.reference,
        url=url_for("portal.case_detail", id=fault.public_id),
        live_url=url_for("portal.case_live", id=fault.public_id),
        etag=f'"{found.version}"',
        subject=subject(place, fault),
        situation=case_situation(found),
        step=found.standing.step,
        steps=tuple(_steps(found)),
        ball=ball(found.standing, found.vendor, place.client.name, for_client=True),
        cost=pages.Cost(minor, newest.row.currency if newest else place.client.currency),
        payers=tuple(payers),
        reasons=tuple(_deciding(verdict)) if verdict and is_decided else (),
        owner_name=_name(found.owner) if found.owner else None,
    )


_MOST_REASONS = 3  # of a share that nobody pays: the page is no register


def _deciding(verdict: Verdict) -> list[Reason]:
    """The entries that a client has to know: of each share who won it, else why nobody did, and what stands alone."""
    shown = [entry for entry in verdict.reasons if entry.share is None]
    for share, awarded in ((Share.PARTS, verdict.awards.parts), (Share.LABOUR, verdict.awards.labour)):
        mine = [entry for entry in verdict.reasons if entry.share is share]
        won = [entry for entry in mine if entry.coverage == awarded and awarded]
        shown += won or mine[:_MOST_REASONS]
    return shown


_NOT_ON_A_CLAIM = frozenset({ClientStep.WAITING_FOR_YOUR_APPROVAL})
_NOT_ON_A_JOB = frozenset({ClientStep.ORDERED_FROM_THE_VENDOR, ClientStep.ON_ITS_WAY})
# The move by which a step begins: record and new state.
_BEGINS: dict[ClientStep, frozenset[tuple[str, str]]] = {
    ClientStep.WAITING_FOR_YOUR_APPROVAL: frozenset({("job", JobState.AWAITING_APPROVAL)}),
    ClientStep.ORDERED_FROM_THE_VENDOR: frozenset({("rma", RmaState.SUBMITTED), ("rma", RmaState.MANUAL_HANDLING)}),
    ClientStep.ON_ITS_WAY: frozenset({("shipment", ShipmentState.IN_TRANSIT)}),
    ClientStep.BEING_INSTALLED: frozenset({("swap", SwapState.RECEIVED), ("job", JobState.SCHEDULED)}),
    ClientStep.WORKING_AGAIN: frozenset({("swap", SwapState.VERIFIED), ("fault", FaultState.SERVICE_RESTORED)}),
    ClientStep.CLOSED: frozenset({("fault", FaultState.CLOSED)}),
}


def _steps(found: Case) -> list[pages.PortalStep]:
    route = found.verdicts[0].verdict.route if found.verdicts else None
    unused = {Route.RMA: _NOT_ON_A_CLAIM, Route.AD_HOC: _NOT_ON_A_JOB}.get(route, frozenset()) if route else frozenset()
    order, began = list(ClientStep), _began(found)
    here = order.index(found.standing.step)
    to_us = found.parcel(ShipmentDirection.TO_US)
    steps = []
    for place, step in enumerate(order):
        if place == here:
            state = StepState.HERE
        elif place < here:
            state = StepState.DONE if step in began else StepState.UNUSED
        else:
            state = StepState.UNUSED if step in unused and step not in began else StepState.AHEAD
        is_arrival = state is StepState.AHEAD and step is ClientStep.BEING_INSTALLED and to_us is not None
        at = began.get(step) if state in {StepState.DONE, StepState.HERE} else None
        steps.append(pages.PortalStep(step, state, at, to_us.due_on if is_arrival and to_us else None))
    return steps


def _began(found: Case) -> dict[ClientStep, datetime]:
    """When each step that the case has reached began."""
    began = {ClientStep.REPORTED: found.fault.reported_at}
    if found.verdicts:
        began[ClientStep.BEING_ASSESSED] = found.verdicts[-1].row.decided_at
    for event in found.events:
        for step, moves in _BEGINS.items():
            if (event.row.record, event.row.new_state) in moves:
                began.setdefault(step, event.row.at)
    return began
