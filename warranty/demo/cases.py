"""A past for the demo: cases in every state that the product reaches so far, each reached by the product's own services."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from warranty import db
from warranty.demo import estate
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import RmaState
from warranty.domain.terms import Cause, Component
from warranty.models import Client, Rma
from warranty.services import faults, rmas
from warranty.services.faults import FaultFacts

if TYPE_CHECKING:
    from warranty.demo.story import Story
    from warranty.runtime import Runtime
    from warranty.services.faults import Outcome

# What the vendor is made to say of a claim, and where that takes it.
HEARD = {
    "7XK4P05": ("under_review", {"under_review"}),
    "7XK4P06": ("info_required", {"info_required"}),
    "4HJ2Q94": ("denied", {"denied"}),
    "4HJ2Q95": ("cancelled", {"cancelled"}),
    "4HJ2Q96": ("shipped", {"authorized"}),
}


def load_past(runtime: Runtime, story: Story) -> None:
    """Report what went wrong lately, and let the pretended vendor answer in each of its ways.

    Raises:
        StepMissing: a case did not get where it should.
    """
    story.vendor("behaviour", {"vendor": "servicenow", "auto_approve_s": -1.0})
    _without_a_claim(runtime)
    for serial, (word, states) in HEARD.items():
        fault = _report(runtime, serial, Component.MEMORY, symptom="Correctable errors above the threshold")
        rma = story.until(partial(_rma, runtime, fault, {"under_review"}), f"the claim for {serial} was taken")
        story.vendor(f"cases/{rma.vendor_case_number}", {"state": word})
        story.until(partial(_rma, runtime, fault, states), f"the claim for {serial} heard {word}")
    _closed(runtime, story)


def _without_a_claim(runtime: Runtime) -> None:
    """Cases that no vendor hears of: an own unit, twice the same, a reading inside the tolerance, a serial nobody knows."""
    _report(runtime, "AS1948160002", Component.BATTERY, symptom="Runtime below two minutes", cause=Cause.WEAR)
    _report(runtime, "FCECDA0003", Component.PORT, symptom="Ports 1 to 8 without link")
    _report(runtime, "FCECDA0003", Component.PORT, symptom="Ports 1 to 8 dead, again")
    _report(runtime, "AS1948160001", Component.UNIT, symptom="Does not switch on")
    inside = {
        "metric": "availability_percent",
        "value": "99.93",
        "target": "99.95",
        "tolerance": "0.05",
        "direction": "at_least",
    }
    _report(runtime, "FCECDA0002", Component.UNIT, symptom="Lost 40 seconds", reading=inside)
    _report(runtime, "ZZ-NOT-ON-OUR-LIST", Component.UNIT, symptom="Found under a desk, dead", client=estate.PORT)


def _closed(runtime: Runtime, story: Story) -> None:
    """One claim that went its whole way, with the number a person was told on the telephone."""
    fault = _report(runtime, "4HJ2Q97", Component.FAN, symptom="Fan 3 stopped")
    rma = story.until(lambda: _rma(runtime, fault, {"under_review"}), "the claim for 4HJ2Q97 was taken")
    with runtime.database.begin(db.EVERYBODY) as session:
        found = session.get_one(Rma, rma.id)
        now = datetime.now(UTC)
        rmas.transition(
            session,
            runtime,
            OPERATOR,
            found,
            RmaState.AUTHORIZED,
            reason="Told on the telephone.",
            now=now,
            rma_number="739204118",
        )
    story.vendor(f"cases/{rma.vendor_case_number}", {"state": "7"})
    story.until(lambda: _rma(runtime, fault, {"closed"}), "the claim for 4HJ2Q97 was closed")


def _report(
    runtime: Runtime,
    serial: str,
    component: Component,
    *,
    symptom: str,
    cause: Cause = Cause.HARDWARE_FAILURE,
    client: str | None = None,
    reading: dict[str, Any] | None = None,
) -> Outcome:
    with runtime.database.begin(db.EVERYBODY) as session:
        owner = session.scalars(select(Client).where(Client.name == client)).one() if client else None
        facts = FaultFacts(
            serial_number=serial,
            component=component,
            cause=cause,
            symptom=symptom,
            client_id=owner.public_id if owner else None,
            reading=reading,
        )
        return faults.report(session, runtime, OPERATOR, facts, now=datetime.now(UTC))


def _rma(runtime: Runtime, outcome: Outcome, states: set[str]) -> Rma | None:
    """The claim of a fault, as soon as it is in one of the states; a first look-up may have to come before it."""
    with runtime.database.read(db.EVERYBODY) as session:
        return session.scalars(select(Rma).where(Rma.fault_id == outcome.fault.id, Rma.state.in_(states))).one_or_none()
