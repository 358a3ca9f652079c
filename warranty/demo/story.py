"""The main job, played once over the public interface: covered, uncovered, and a vendor that fails at the worst moment."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import requests
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 60.0
Found = TypeVar("Found")


class StepMissing(Exception):
    """A step of the story did not happen."""


@dataclass(slots=True)
class Story:
    """Plays against a running product at ``base_url`` and a running sandbox at ``vendor_url``."""

    base_url: str
    vendor_url: str
    token: str
    console: Console

    def play(self) -> None:
        """Play all of it.

        Raises:
            StepMissing: something that the product promises did not happen.
        """
        self._covered()
        self._uncovered()
        self._outage()

    def _covered(self) -> None:
        self._title("A disk fails in a server under warranty")
        fault = self._report("7XK4P03", component="disk", component_ref="bay 3", symptom="Predictive failure, bay 3")
        rma = self._authorized(fault)
        self._say(f"The vendor opened {rma['vendor_case_number']} and gave RMA number [b]{rma['rma_number']}[/b].")
        self._say(f"Ours: {rma['client_reference']}. Nobody touched it after the report.")

    def _uncovered(self) -> None:
        self._title("A switch fails whose maintenance ended yesterday")
        fault = self._report("FCECDA0001", component="unit", symptom="No power, PSU LED off")
        job = self._read(f"/jobs/{fault['job_id']}")
        for line in job["lines"]:
            price = line["amount_minor"] / 100
            self._say(f"{line['description']:<58} {price:>9,.2f} {job['currency']}  {line['payer']} pays")
        if job["state"] != "quoted":
            raise StepMissing(f"the job is {job['state']}, not quoted")
        self._say("It waits as a priced ad hoc job; no claim was sent to anybody.")

    def _outage(self) -> None:
        self._title("The vendor takes a claim, drops the line, and is down for three seconds")
        self.vendor("behaviour", {"vendor": "servicenow", "next_opens": ["drop_after_accept"]})
        fault = self._report("4HJ2Q93", component="psu", symptom="PSU 2 lost input power")
        before = self.until(lambda: self._rma_in(fault, {"outcome_unknown"}), "the outcome is unknown")
        self.vendor("behaviour", {"vendor": "servicenow", "down": True})
        self._say(f"No answer came. The claim is now [b]{before['state']}[/b]: nothing is sent again on a guess.")
        time.sleep(3)
        self.vendor("behaviour", {"vendor": "servicenow", "down": False})
        rma = self._authorized(fault)
        ledger = requests.get(f"{self.vendor_url}/_sandbox/ledger", timeout=10).json()
        held = [e for e in ledger if e["event"] == "opened" and e["reference"] == rma["client_reference"]]
        if len(held) != 1:
            raise StepMissing(f"the vendor holds {len(held)} cases for {rma['client_reference']}")
        self._say(
            f"Found again by our reference: RMA number [b]{rma['rma_number']}[/b]. The vendor's ledger holds one case."
        )

    # --- how it is played ---

    def _report(self, serial: str, **facts: Any) -> dict[str, Any]:
        answer = requests.post(
            f"{self.base_url}/api/v1/faults",
            json={"serial_number": serial, "cause": "hardware_failure", **facts},
            headers={**self._auth, "Idempotency-Key": str(uuid4())},
            timeout=30,
        )
        if answer.status_code != requests.codes.created:
            raise StepMissing(f"reporting {serial} answered {answer.status_code}: {answer.text}")
        fault: dict[str, Any] = answer.json()
        if fault["route"] == "lookup":
            self._say("Nobody has asked the vendor about this unit yet: asking now, then deciding again.")
            fault = self.until(lambda: self._decided(fault), "the vendor was asked and the decision repeated")
        pays = fault["pays"]
        self._say(
            f"{serial}: [b]{fault['verdict']}[/b], route {fault['route']}; parts: {pays['parts']}, labour: {pays['labour']}"
        )
        for reason in fault["reasons"]:
            self._say(f"  {reason['share'] or '-':<7}{reason['text']}  [dim]{reason['code']}[/dim]")
        return fault

    def _decided(self, fault: dict[str, Any]) -> dict[str, Any] | None:
        found = self._read(f"/faults/{fault['id']}")
        return found if found["route"] != "lookup" else None

    def _authorized(self, fault: dict[str, Any]) -> dict[str, Any]:
        return self.until(lambda: self._rma_in(fault, {"authorized"}), "the claim is authorized")

    def _rma_in(self, fault: dict[str, Any], states: set[str]) -> dict[str, Any] | None:
        if not fault["rma_id"]:
            raise StepMissing(f"no RMA was made: route {fault['route']}")
        rma = self._read(f"/rmas/{fault['rma_id']}")
        return rma if rma["state"] in states else None

    def _read(self, path: str) -> dict[str, Any]:
        answer = requests.get(f"{self.base_url}/api/v1{path}", headers=self._auth, timeout=30)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def vendor(self, path: str, body: dict[str, Any]) -> None:
        """Tell the pretended vendor how to behave, or what to say of a case."""
        requests.post(f"{self.vendor_url}/_sandbox/{path}", json=body, timeout=10).raise_for_status()

    def until(self, look: Callable[[], Found | None], what: str) -> Found:
        """Look again and again, for a minute at most.

        Raises:
            StepMissing: it never came.
        """
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            found = look()
            if found is not None:
                return found
            time.sleep(0.1)
        raise StepMissing(f"waited {PATIENCE_S:g} s and never saw that {what}")

    @property
    def _auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def _title(self, text: str) -> None:
        self.console.print(f"\n[bold]{text}[/bold]")

    def _say(self, text: str) -> None:
        self.console.print(f"  {text}", highlight=False)
