"""What waits at a vendor is fetched once a rhythm and kept before it is gone there; twice, late or half does no harm."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests.desk import Desk, odd_adapters
from warranty import relay, tasks
from warranty.models import VendorDelivery
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import work
from warranty.tasks import pull

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vendors.sandbox import Twin
    from warranty.runtime import Runtime

POLL_S = 1.0  # of the fixture's environment


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """Where the vendor puts its answers; two lie there."""
    folder = tmp_path / "letters"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_text(f"letter {name}")
    return folder


@pytest.fixture
def desk(shared_runtime: Runtime, twin: Twin, letters: Path) -> Iterator[Desk]:
    with odd_adapters():
        yield Desk(shared_runtime, twin, vendor="letterbox", options={"folder": str(letters)})


def order_pull(desk: Desk) -> None:
    """Have the next pull ordered, as the relay does."""
    desk.let_pass(POLL_S)
    with desk.session() as session:
        relay.order_pulls(session, desk.runtime)


def do_pull(desk: Desk) -> OrderStatus:
    """Have it ordered and done; how the newest order stands then."""
    order_pull(desk)
    tasks.perform(desk.runtime, desk.orders(OrderKind.PULL)[-1].id)
    return desk.orders(OrderKind.PULL)[-1].status


def kept(desk: Desk) -> list[bytes]:
    with desk.session() as session:
        ours = select(VendorDelivery.raw).where(VendorDelivery.account_id == desk.account_id)
        return list(session.scalars(ours.order_by(VendorDelivery.id)))


def test_what_waits_is_kept_with_an_order_to_apply_each_and_is_gone_there(desk: Desk, letters: Path) -> None:
    assert do_pull(desk) is OrderStatus.DONE

    assert kept(desk) == [b"letter a", b"letter b"]
    assert len(desk.orders(OrderKind.APPLY_DELIVERY)) == 2
    assert list(letters.iterdir()) == []


def test_it_is_ordered_once_a_rhythm_and_once_at_a_time(desk: Desk) -> None:
    with desk.session() as session:
        relay.order_pulls(session, desk.runtime)
        relay.order_pulls(session, desk.runtime)
    order_pull(desk)

    assert len(desk.orders(OrderKind.PULL)) == 1


def test_a_vendor_that_can_be_read_or_that_nobody_tracks_is_not_pulled(desk: Desk, twin: Twin) -> None:
    read = Desk(desk.runtime, twin)
    desk.change_account(duties=["open"])
    order_pull(desk)

    assert desk.orders(OrderKind.PULL) == read.orders(OrderKind.PULL) == []


def test_a_message_that_comes_again_is_kept_once(desk: Desk, letters: Path) -> None:
    do_pull(desk)
    (letters / "again").write_text("letter a")

    do_pull(desk)

    assert kept(desk) == [b"letter a", b"letter b"]
    assert len(desk.orders(OrderKind.APPLY_DELIVERY)) == 2


def test_what_does_not_fit_into_the_time_of_one_order_stays_there_for_the_next(desk: Desk, letters: Path) -> None:
    order_pull(desk)
    with desk.session() as session:
        order = work.claim(session, desk.order(OrderKind.PULL).id, lease_s=60)
    assert order is not None

    long_ago = time.monotonic() - desk.runtime.settings.job_timeout_s
    pull.run(desk.runtime, replace(order, claimed=long_ago))

    assert kept(desk) == []
    assert len(list(letters.iterdir())) == 2
    assert [one.status for one in desk.orders(OrderKind.PULL)] == [OrderStatus.DONE, OrderStatus.PENDING]


def test_refused_credentials_park_it_and_tell_a_person_until_the_account_is_mended(desk: Desk, letters: Path) -> None:
    desk.report()
    letters.rename(letters.parent / "away")
    assert do_pull(desk) is OrderStatus.PARKED
    assert set(desk.open_tasks()) == {TaskKind.UNREAD}

    (letters.parent / "away").rename(letters)
    with desk.session() as session:
        work.rearm(session, desk.account_id)
    tasks.perform(desk.runtime, desk.order(OrderKind.PULL).id)

    assert desk.open_tasks() == {}
    assert len(kept(desk)) == 2
