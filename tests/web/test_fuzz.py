"""Random calls at the whole API, as several who may do different things. ``make fuzz`` makes many more of them.

What `make test` makes of them takes some half a minute of one processor, all tests together: three examples of every
operation, right and wrong, each by one of the callers and on one of the engines, and two walks along the links by each.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests import factories
from tests.fuzz import Caller, Fuzzer, until
from warranty import db
from warranty.domain.access import TokenScope
from warranty.domain.terms import Role

if TYPE_CHECKING:
    from tests.web.conftest import World

SEED = 20260302  # `make test` makes the same calls every day; what another day's would find is for `make fuzz`
EXAMPLES = 3
WALKS = 2
NARROWED = "a manager's token for one client"
ASKING = (Role.ADMIN, Role.TECHNICIAN, Role.BILLING, Role.CLIENT_VIEWER, NARROWED)
ENGINES = 2

# A large form lies in a file of the client's, which is closed only when the garbage is collected.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")

MINUTES = float(os.environ.get("FUZZ_MINUTES", "0"))


def seconds() -> float:
    """Each test's share of the time that was asked for."""
    at_once = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return MINUTES * 60 * at_once / (ENGINES * len(ASKING))


def part_of(world: World, who: str) -> tuple[int, int]:
    """All of them together make every kind of call: each alone would take too long for a suite that runs at every change."""
    first = 0 if world.runtime.database.is_sqlite else len(ASKING)
    return first + ASKING.index(who), ENGINES * len(ASKING)


def caller_of(world: World, who: str) -> Caller:
    if who == Role.CLIENT_VIEWER:
        return Caller(world.ours.tokens[Role.CLIENT_VIEWER], hidden=(world.theirs.canary,))
    if who == NARROWED:
        with world.runtime.database.begin(db.EVERYBODY) as session:
            ours = factories.find_client(session, world.ours.name)
            token = factories.make_token(session, world.users[Role.SERVICE_MANAGER], tuple(TokenScope), client=ours)
        return Caller(token, hidden=(world.theirs.canary,))
    return Caller(world.tokens[Role(who)])


def fuzzer_of(world: World) -> Fuzzer:
    """What there is to name: the other client's records, and some that belong to nobody; never who asks, or their tokens."""
    theirs = world.theirs
    covered = world.report(serial_number=theirs.covered_serial, symptom=theirs.canary)
    unknown = world.report(serial_number=f"{theirs.canary}-unknown", client=str(theirs.id))
    account = world.get("/vendor-accounts").json["items"][0]["id"]
    with world.runtime.database.begin(db.EVERYBODY) as session:
        user = factories.make_user(session, Role.AUDITOR)
        factories.make_token(session, user, [TokenScope.READ])
    named = {
        "asset": str(theirs.covered),
        "client": str(theirs.id),
        "contract": str(theirs.contract),
        "coverage": str(theirs.coverage),
        "fault": covered["id"],
        "job": covered["job_id"],
        "product": str(theirs.product),
        "review-item": unknown["review_item_id"],
        "rma": covered["rma_id"],
        "site": str(theirs.site),
        "user": str(user.public_id),
        "vendor-account": account,
    }
    ids = {name: [id_] for name, id_ in named.items()} | {f"{name}s": [id_] for name, id_ in named.items()}
    return Fuzzer(world.app, ids | {"asset_id": [named["asset"]], "account": [account]})


@pytest.mark.parametrize("who", ASKING)
def test_no_call_breaks_the_api_or_the_word_of_its_description(world: World, who: str) -> None:
    fuzzer, caller = fuzzer_of(world), caller_of(world, who)

    made = fuzzer.calls(caller, examples=EXAMPLES, number=SEED, part=part_of(world, who))
    made += fuzzer.walks(caller, walks=WALKS, number=SEED)

    assert made > 50
    for number in until(seconds()):
        fuzzer.calls(caller, examples=5, number=number)
        fuzzer.walks(caller, walks=20, number=number)
