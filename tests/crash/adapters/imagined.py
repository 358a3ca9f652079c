"""A vendor that exists in the memory of one test alone: see `tests.model.vendor`."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Self

from tests.model.vendor import WORLDS, Said, World
from tests.model.worker import stop
from vendors.contract import AccountField, AdapterForm, Capabilities, Duty, Promise, VendorAdapter, VendorCase
from vendors.errors import Trouble, VendorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vendors.contract import Calls, Gate, RmaRequest, TokenStore

DUTIES = frozenset({Duty.OPEN, Duty.TRACK})


class Imagined(VendorAdapter):
    """The line to one world."""

    name: ClassVar[str] = "imagined"
    form: ClassVar[AdapterForm] = AdapterForm(
        vendor="imagined",
        title="Imagined",
        duties=DUTIES,
        fields=(AccountField("world", "which one"),),
        promise=Promise.B,
    )

    def __init__(self, world: World, gate: Gate) -> None:
        """Take the world as it is."""
        self._world = world
        self._gate = gate

    @classmethod
    def from_options(
        cls, options: Mapping[str, str], *, base_url: str | None, tokens: TokenStore, gate: Gate, calls: Calls
    ) -> Self:
        """Find the world."""
        del base_url, tokens, calls
        return cls(WORLDS[options["world"]], gate)

    @property
    def capabilities(self) -> Capabilities:
        """What the world promises."""
        return Capabilities(
            duties=DUTIES,
            promise=self._world.promise,
            settle_s=self._world.settle_s,
            key_lifetime_s=self._world.key_lifetime_s,
            webhooks=True,
        )

    def check(self) -> None:
        """Ask whether anybody is there."""
        self._gate.enter()
        self._answer(self._world.trouble_of_read())

    def find_case(self, request: RmaRequest) -> VendorCase | None:
        """Search; what is found is found now, and the answer may be read much later."""
        self._gate.enter()
        trouble = self._world.trouble_of_read()
        found = [] if trouble else self._world.search(request.client_reference)
        stop("a search")
        self._answer(trouble)
        if not found:
            return None
        return _case(found[0], duplicates=tuple(said.number for said in found[1:]))

    def open_case(self, request: RmaRequest) -> VendorCase:
        """Send; the request reaches the vendor now, and the answer may be read much later."""
        answer = self._world.receive(request.client_reference)
        stop("an open")
        if isinstance(answer, Said):
            self._answer(None)
            return _case(answer)
        self._answer(answer)
        raise AssertionError(answer)

    def read_cases(self, vendor_case_numbers: Sequence[str]) -> Iterator[VendorCase]:
        """Read them as they stand now."""
        self._gate.enter()
        trouble = self._world.trouble_of_read()
        said = [] if trouble else [self._world.say(number) for number in vendor_case_numbers]
        stop("a reading")
        self._answer(trouble)
        yield from map(_case, said)

    def parse_webhook(self, body: bytes) -> Sequence[VendorCase]:
        """Read what the world said by itself."""
        given = json.loads(body)
        return [_case(Said(**given | {"changed_at": datetime.fromisoformat(given["changed_at"])}))]

    def _answer(self, trouble: Trouble | None) -> None:
        self._gate.heard(trouble)
        if trouble is not None:
            raise VendorError(self.name, trouble)


def _case(said: Said, *, duplicates: tuple[str, ...] = ()) -> VendorCase:
    return VendorCase(
        said.number,
        said.status,
        vendor_status=str(said.status),
        rma_number=said.rma_number,
        client_reference=said.reference,
        changed_at=said.changed_at,
        duplicates=duplicates,
    )
