"""Calls that nobody thought of: random ones from the API's own description, made by Schemathesis, at the real application.

Whoever asks gets an answer as the description says it, never a 5xx, and never a byte of another client. Half of the calls
name records that exist, so that they get past "there is no such thing"; half of the bodies are wrong on purpose.
"""

from __future__ import annotations

import random
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyStrategyDefinition
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.stateful import run_state_machine_as_test
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Flask

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
STEPS = 6  # of one walk: from a new record over its page to its changes


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and the texts that they must never be shown."""

    token: str
    hidden: tuple[str, ...] = ()

    def look(self, _context: Any, response: Any, case: Any) -> None:
        """Look for what is hidden in all that came back; what the caller has said itself may be said to it again."""
        said = f"{response.headers} {response.text}"
        for canary in self.hidden:
            assert canary not in said, f"{case.method} {case.path} shows {canary}"


@dataclass(frozen=True, slots=True)
class Fuzzer:
    """The application, and the public ids of what there is: by the collection that holds it, or by the field that names it."""

    app: Flask
    ids: Mapping[str, Sequence[str]]

    def calls(self, caller: Caller, *, examples: int, number: int, part: tuple[int, int] = (0, 1)) -> int:
        """Call every operation some times, rightly and wrongly; how many calls that were.

        Args:
            examples: of each operation in each way; the first is always the simplest there is.
            number: the seed.
            part: of how many callers who share the operations this is which.

        Raises:
            ExceptionGroup: what every operation did wrong.
        """
        made, wrong = 0, []
        ways = [(found.ok(), mode) for found in self._schema().get_all_operations() for mode in GenerationMode]
        random.Random(number).shuffle(ways)  # noqa: S311 - which calls come first is no secret
        for operation, mode in ways[part[0] :: part[1]]:
            try:
                made += self._call(operation, mode, caller, examples=examples, number=number)
            except (Exception, ExceptionGroup) as err:  # noqa: BLE001 - whatever it is, the others are called too
                wrong.append(err)
        if wrong:
            raise ExceptionGroup(f"seed {number}", wrong)
        return made

    def walks(self, caller: Caller, *, walks: int, number: int) -> int:
        """Follow the links of the description from new records on, and call what they lead to; how many calls that were."""
        made = 0
        checks = [*CHECKS, caller.look]

        class Walk(self._schema().as_state_machine()):  # type: ignore[misc]  # made at run time
            def get_call_kwargs(self, _case: Any) -> dict[str, Any]:
                return {"headers": _headers(caller)}

            def validate_response(self, response: Any, case: Any, **_options: Any) -> None:
                nonlocal made
                made += 1
                case.validate_response(response, checks=checks)

        asked = settings(_bounds(walks), stateful_step_count=STEPS)
        # A walk that is begun anew finds what the one before has left, and may have to go on otherwise: no fault of the API.
        with suppress(FlakyStrategyDefinition):
            run_state_machine_as_test(seed(number)(Walk), settings=asked)
        return made

    def _schema(self) -> Any:
        return schemathesis.openapi.from_wsgi("/api/openapi.json", self.app, config=SchemathesisConfig())

    def _call(self, operation: Any, mode: GenerationMode, caller: Caller, *, examples: int, number: int) -> int:
        made = 0
        cases = operation.as_strategy(generation_mode=mode)
        checks = [*CHECKS, caller.look]

        @seed(number)
        @_bounds(examples)
        @given(case=cases, data=st.data())
        def ask(case: Any, data: st.DataObject) -> None:
            nonlocal made
            made += 1
            self._aim(case, data)
            response = case.call(headers=_headers(caller))
            case.validate_response(response, checks=checks)

        ask()
        return made

    def _aim(self, case: Any, data: st.DataObject) -> None:
        """Let what a call names exist, now and then."""
        collection = case.path.removeprefix("/api/v1/").split("/")[0]
        if "id" in (case.path_parameters or {}) and collection in self.ids and data.draw(st.booleans()):
            case.path_parameters["id"] = data.draw(st.sampled_from(self.ids[collection]))
        body = case.body if isinstance(case.body, dict) else {}
        for name in sorted(self.ids.keys() & {key for key, value in body.items() if isinstance(value, str)}):
            if data.draw(st.booleans()):
                body[name] = data.draw(st.sampled_from(self.ids[name]))


def _headers(caller: Caller) -> dict[str, str]:
    return {"Authorization": f"Bearer {caller.token}"}


def _bounds(examples: int) -> settings:
    return settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],  # a smaller example of a failure is not worth the minutes it takes to find
        suppress_health_check=list(HealthCheck),
    )


def until(seconds: float) -> Any:
    """Numbers to seed a round with, as long as there is time."""
    end = time.monotonic() + seconds
    number = time.time_ns() % 2**32
    while time.monotonic() < end:
        yield number
        number += 1
