"""Who reports: several programs at once, each with an Idempotency-Key that it repeats until the product has answered."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import requests

from tests.chaos.world import SERVICE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chaos.history import History
    from tests.chaos.plan import Report

REPORTERS = 4
ANSWER_S = 5.0
AGAIN_S = 0.3
GIVES_UP_S = 90.0


class Load:
    """Reports at a rate over HTTP; ``acknowledged`` holds the answers by the number of the report."""

    def __init__(
        self, reports: Sequence[Report], urls: Sequence[str], token: str, per_second: float, history: History
    ) -> None:
        self._reports = reports
        self._urls = urls
        self._token = token
        self._per_second = per_second
        self._history = history
        self._next = iter(enumerate(reports))
        self._lock = threading.Lock()
        self.acknowledged: dict[int, dict[str, Any]] = {}
        self.repeated = 0

    def run(self) -> None:
        """Report everything; returns when each report is acknowledged or was given up."""
        began = time.monotonic()
        threads = [threading.Thread(target=self._reporter, args=(began,)) for _ in range(REPORTERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _reporter(self, began: float) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while True:
                with self._lock:
                    place, report = next(self._next, (0, None))
                if report is None:
                    return
                time.sleep(max(0.0, began + place / self._per_second - time.monotonic()))
                self._report(session, report)

    def _report(self, session: requests.Session, report: Report) -> None:
        body = {
            "serial_number": report.serial_number,
            "component": report.component,
            "cause": "hardware_failure",
            "symptom": "It is dead.",
        }
        headers = {"Authorization": f"Bearer {self._token}", "Idempotency-Key": report.key, "Host": SERVICE}
        gives_up_at = time.monotonic() + GIVES_UP_S
        tries = 0
        while time.monotonic() < gives_up_at:
            url = self._urls[(report.number + tries) % len(self._urls)]
            tries += 1
            try:
                answer = session.post(f"{url}/api/v1/faults", json=body, headers=headers, timeout=ANSWER_S)
                if answer.status_code == requests.codes.created:
                    self._acknowledge(report, answer.json(), tries)
                    return
                trouble = f"{answer.status_code} {answer.text[:300]}"
            except requests.RequestException as err:
                trouble = type(err).__name__
            self._history.write("not acknowledged", report=report.number, trouble=trouble)
            time.sleep(AGAIN_S)
        self._history.write("gave up", report=report.number)

    def _acknowledge(self, report: Report, answer: dict[str, Any], tries: int) -> None:
        with self._lock:
            self.acknowledged[report.number] = answer
            self.repeated += tries > 1
        kept = {name: answer[name] for name in ("id", "route", "verdict", "rma_id", "job_id", "state")}
        self._history.write("acknowledged", report=report.number, tries=tries, answer=kept)
