"""A swap is verified with a clean certificate alone; two people make an exception of a difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from tests.services.test_swaps import BECAUSE, NOW, SAY, Bench
from warranty.domain import parity as rules
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import SwapState
from warranty.domain.terms import Component
from warranty.models import Asset, ParityCertificate, Snapshot, SnapshotKind
from warranty.services import parity, specifications, swaps
from warranty.services.by_hand import NotYours
from warranty.services.estate import Invalid
from warranty.services.moves import Because, IllegalMove

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from warranty.models import Swap
    from warranty.runtime import Runtime

OLD = {"memory": "16 GiB", "disks": ["960 GB SSD"], "bios": "2.1"}
OTHER = Because("user:2", "looked at it", NOW)


@pytest.fixture
def bench(shared_runtime: Runtime) -> Bench:
    return Bench(shared_runtime, vendor="manual")


def installed(bench: Bench, session: Session, came: dict[str, Any]) -> Swap:
    """The old unit's specification was recorded, the new one's is read before it is installed."""
    specifications.record(session, bench.unit_in(session), OLD, BECAUSE)
    swap = bench.walk(session, serial=f"{bench.serial}-N")
    specifications.record_coming(session, swap, came, None, BECAUSE)
    return bench.walk(session, SwapState.RECEIVED, SwapState.INSTALLED)


def verify(bench: Bench, session: Session, swap: Swap) -> None:
    session.flush()
    swaps.move(session, bench.runtime, OPERATOR, swap, SwapState.VERIFIED, **SAY)


def test_less_memory_is_refused_by_name_until_two_people_make_an_exception(bench: Bench) -> None:
    bench.begin()
    with bench.session() as session:
        swap = installed(bench, session, OLD | {"memory": "8192 MB"})
        with pytest.raises(IllegalMove, match="Memory: 16 GiB before, 8 GiB now"):
            verify(bench, session, swap)

        with pytest.raises(Invalid, match=r"missing: memory\.total"):
            parity.ask(session, swap, swaps.certificate(session, swap), ["disk.drives"], BECAUSE)
        with pytest.raises(IllegalMove, match="Nobody asked"):
            parity.approve(session, swaps.certificate(session, swap), ["memory.total"], OTHER)
        parity.ask(session, swap, swaps.certificate(session, swap), ["memory.total"], BECAUSE)
        with pytest.raises(NotYours):
            parity.approve(session, swaps.certificate(session, swap), ["memory.total"], BECAUSE)
        with pytest.raises(IllegalMove, match="Memory"):
            verify(bench, session, swap)
        parity.approve(session, swaps.certificate(session, swap), ["memory.total"], OTHER)
        verify(bench, session, swap)

        kept = session.scalars(select(ParityCertificate).where(ParityCertificate.swap_id == swap.id)).one()
        [line] = [one for one in kept.document["properties"] if one["property"] == "memory.total"]
        assert (line["status"], line["reason"], line["approved_by"]) == (
            "accepted_difference",
            BECAUSE.reason,
            "user:2",
        )
        assert kept.digest == rules.digest(kept.document)

        new = session.get_one(Asset, swap.new_asset_id)
        specifications.record(session, new, {"memory": "4 GiB"}, BECAUSE)
        assert swaps.certificate(session, swap).digest == kept.digest


def test_what_was_read_before_the_unit_was_here_is_its_own_from_then_on(bench: Bench) -> None:
    bench.begin()
    with bench.session() as session:
        swap = installed(bench, session, OLD | {"memory": "16384 MB", "serial_number": "B2"})
        session.flush()
        new = session.get_one(Asset, swap.new_asset_id)

        assert specifications.newest(session, SnapshotKind.SPECIFICATION, of=new) is not None
        assert session.scalars(select(Snapshot.id).where(Snapshot.asset_id.is_(None))).all() == []
        verify(bench, session, swap)
        assert swap.state is SwapState.VERIFIED


def test_where_nothing_was_ever_recorded_one_line_says_so_and_can_be_accepted(bench: Bench) -> None:
    bench.begin(Component.DISK)
    with bench.session() as session:
        swap = bench.walk(session, SwapState.RECEIVED, SwapState.INSTALLED)
        with pytest.raises(IllegalMove, match="nothing was ever recorded of the old unit"):
            verify(bench, session, swap)
        parity.ask(session, swap, swaps.certificate(session, swap), [rules.SPECIFICATION], BECAUSE)
        parity.approve(session, swaps.certificate(session, swap), [rules.SPECIFICATION], OTHER)
        verify(bench, session, swap)


def test_of_a_part_what_is_read_after_it_was_installed_is_what_it_brought(bench: Bench) -> None:
    bench.begin(Component.DISK)
    with bench.session() as session:
        unit = bench.unit_in(session)
        specifications.record(session, unit, OLD, BECAUSE)
        specifications.record(session, unit, "hostname a\n", BECAUSE, kind=SnapshotKind.CONFIGURATION)
        swap = bench.walk(session, SwapState.RECEIVED, SwapState.INSTALLED)
        specifications.record(session, unit, OLD | {"memory": "8 GiB", "disks": ["480 GB SSD"]}, BECAUSE)
        with pytest.raises(IllegalMove, match="Disks: 960 GB SSD before, 480 GB SSD now") as refused:
            verify(bench, session, swap)
        assert "Memory" not in str(refused.value)
        specifications.record(session, unit, OLD | {"memory": "8 GiB"}, BECAUSE)
        verify(bench, session, swap)
