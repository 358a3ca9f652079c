"""The files that a person chose go along with a claim, once; what was not chosen, or cannot go, never does."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, update

from tests import factories
from tests.desk import Desk, by_mail
from vendors.sandbox import Twin, dell
from warranty import db, tasks
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import RmaState
from warranty.models import AccountMaker, File, Rma
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import files, moves, preparing, rmas
from warranty.services.estate import Invalid
from warranty.services.faults import ContactFacts, ShipToFacts
from warranty.services.files import Upload
from warranty.services.moves import Because
from warranty.services.preparing import Given

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warranty.runtime import Runtime

LATER_S = 600.0
PHOTO, LOG = b"%PDF-1.7 amber led %%EOF", b"PSU 2: no power\n"
BY_MAIL = {"to": "rma@vendor.example", "reply_to": "rma@msp.example"}
ADDRESS = {"address_line1": "Keizersgracht 1", "city": "Amsterdam", "postal_code": "1015 CN", "country": "NL"}
BRANCH, CUSTOMER, TRACK = dell.RELATIONSHIPS[0]


@contextmanager
def refused_by_mail(runtime: Runtime, **options: str) -> Iterator[Desk]:
    """A claim that the vendor's mail server did not take, so that a person has it."""
    with Twin("email") as twin:
        desk = Desk(by_mail(runtime, twin), twin, vendor="email", options=BY_MAIL | options)
        twin.behave(next_opens=["refuse"])
        desk.report()
        desk.perform(OrderKind.SEND_RMA)
        assert desk.rma().state is RmaState.SUBMIT_FAILED
        yield desk


@contextmanager
def drafted_at_dell(runtime: Runtime) -> Iterator[Desk]:
    """A claim for parts that lacks a diagnosis."""
    with Twin("dell") as twin:
        desk = Desk(runtime, twin, vendor=None)
        twin.register({desk.serial: {}})
        secrets = {
            "client_id": "us",
            "client_secret": "them",
            "technician_login": "t@msp.example",
            "technician_password": "x",
        }
        with desk.session() as session:
            desk.account_id = factories.make_account(
                session,
                runtime,
                "dell",
                manufacturers=[desk.maker],
                base_url=twin.url,
                secrets=secrets,
                options={"branch": BRANCH, "customer": CUSTOMER, "track": TRACK},
                duties=["open", "track"],
            ).id
        desk.report(
            component="psu",
            contact=ContactFacts("Els Jansen", phone="+31 6 1234 5678", email="els@client.example"),
            ship_to=ShipToFacts("Example Client BV", ADDRESS),
        )
        desk.perform(OrderKind.PREPARE_RMA)
        assert desk.rma().state is RmaState.DRAFT
        yield desk


def upload(desk: Desk, content: bytes = PHOTO, name: str = "led.pdf") -> File:
    """A file of the report."""
    with desk.session() as session:
        now = db.now(session)
    return files.take(desk.runtime, OPERATOR, desk.fault(), Upload(content, name), now=now)


def give(desk: Desk, *chosen: File, **given: Any) -> None:
    with desk.session() as session:
        rma, ids = session.get_one(Rma, desk.rma().id), [one.public_id for one in chosen]
        preparing.give(session, desk.runtime, OPERATOR, rma, Given(files=ids, **given), now=db.now(session))


def move(desk: Desk, to: RmaState, **facts: Any) -> None:
    with desk.session() as session:
        rma, now = session.get_one(Rma, desk.rma().id), db.now(session)
        rmas.transition(session, desk.runtime, OPERATOR, rma, to, reason="by hand", now=now, **facts)


def send(desk: Desk) -> None:
    """Do the newest order to send, as a worker would."""
    tasks.perform(desk.runtime, desk.orders(OrderKind.SEND_RMA)[-1].id)


def remove(desk: Desk, file: File) -> None:
    with desk.session() as session:
        files.remove(session, session.get_one(File, file.id), Because("user:1", "wrong photo", db.now(session)))


def mailed(desk: Desk) -> list[dict[str, bytes]]:
    """The files of each mail that the vendor has, by name."""
    assert desk.twin is not None
    return [
        {str(part.get_filename()): part.get_payload(decode=True) for part in mail.iter_attachments()}
        for mail in desk.twin.play("email").taken
    ]


# --- what is chosen arrives ---


def test_the_chosen_file_is_in_the_dispatch_and_of_what_is_kept_only_its_size(shared_runtime: Runtime) -> None:
    with drafted_at_dell(shared_runtime) as desk:
        upload(desk, LOG, "log.txt")
        give(desk, upload(desk), troubleshooting="Reseated it.")
        send(desk)

        assert desk.twin is not None
        (opened,) = desk.twin.opened
        assert opened["record"]["Files"] == {"led.pdf": len(PHOTO)}
        kept = next(call.request for call in desk.calls() if "CreateDispatch" in call.request)
        assert f"<api:Data>({len(PHOTO)} bytes)</api:Data>" in kept


@pytest.mark.parametrize("fate", ["ok", "drop_before", "throttle", "drop_after_accept"])
def test_the_chosen_file_is_in_the_mail_which_leaves_once(shared_runtime: Runtime, fate: str) -> None:
    with refused_by_mail(shared_runtime) as desk:
        upload(desk)
        give(desk, upload(desk, LOG, "log.txt"))
        assert desk.twin is not None
        desk.twin.behave(next_opens=[fate])
        move(desk, RmaState.SUBMITTED)
        for _ in range(3):
            send(desk)
            desk.let_pass(LATER_S)

        assert mailed(desk) == [{"log.txt": LOG}]
        assert desk.rma().state is RmaState.MANUAL_HANDLING


def test_what_nobody_chose_stays_here(shared_runtime: Runtime) -> None:
    with refused_by_mail(shared_runtime) as desk:
        upload(desk)
        move(desk, RmaState.SUBMITTED)
        send(desk)

        assert mailed(desk) == [{}]


def test_a_denied_claim_takes_files_again_only_where_the_vendor_does(shared_runtime: Runtime) -> None:
    with refused_by_mail(shared_runtime) as desk:
        first, second = upload(desk), upload(desk, LOG, "log.txt")
        give(desk, first)
        move(desk, RmaState.SUBMITTED)
        send(desk)
        move(desk, RmaState.DENIED, vendor_case_number="00451")
        give(desk, second)
        move(desk, RmaState.SUBMITTED)
        send(desk)
        assert mailed(desk) == [{"led.pdf": PHOTO}, {"log.txt": LOG}]

    with drafted_at_dell(shared_runtime) as desk:
        file = upload(desk)
        give(desk, file, troubleshooting="Reseated it.")
        send(desk)
        assert desk.twin is not None
        desk.twin.move(desk.rma().vendor_case_number, state="denied")
        move(desk, RmaState.DENIED)
        with pytest.raises(Invalid, match="takes no files with this claim"):
            give(desk, file)
        remove(desk, file)  # it is there already: nobody needs it any more
        move(desk, RmaState.SUBMITTED)
        send(desk)
        assert [entry["event"] for entry in desk.twin.ledger[-3:]] == ["opened", "moved", "resubmitted"]


# --- what cannot go ---


def test_a_file_that_cannot_go_along_is_refused_with_a_sentence(shared_runtime: Runtime, twin: Twin) -> None:
    with refused_by_mail(shared_runtime) as desk:
        other = Desk(desk.runtime, vendor="email", options=BY_MAIL)
        other.report()
        foreign, gone, small, large = (
            upload(other),
            upload(desk),
            upload(desk, LOG, "log.txt"),
            upload(desk, b"x", "x.txt"),
        )
        remove(desk, gone)
        with desk.session() as session:
            session.execute(update(File).where(File.id == large.id).values(size=13_999_990))
        for chosen, says in (
            ([foreign], "Of the case there is no file"),
            ([small, gone], "or it was taken away"),
            ([small, large], "14.0 MB together; .* takes 14 MB in all"),
        ):
            with pytest.raises(Invalid, match=says):
                give(desk, *chosen)
        give(desk, large)
        assert desk.rma().files == [str(large.public_id)]

    takes_none = Desk(shared_runtime, twin, covered=True)
    takes_none.report()
    with takes_none.session() as session:
        rma = session.get_one(Rma, takes_none.rma().id)
        because = Because("test", "as if it were refused", db.now(session))
        moves.move(session, rma, RmaState.SUBMIT_FAILED, because)
    with pytest.raises(Invalid, match="takes no files with this claim"):
        give(takes_none, upload(takes_none))


@pytest.mark.parametrize("how", ["removed", "lost"])
def test_a_file_that_is_gone_by_then_is_a_persons_and_nothing_leaves(shared_runtime: Runtime, how: str) -> None:
    with refused_by_mail(shared_runtime) as desk:
        file = upload(desk)
        give(desk, file)
        if how == "removed":
            remove(desk, file)
        else:
            desk.runtime.store.delete(file.key)
        move(desk, RmaState.SUBMITTED)
        send(desk)

        order = desk.orders(OrderKind.SEND_RMA)[-1]
        assert (desk.rma().state, order.status, order.last_send) == (RmaState.SUBMIT_FAILED, OrderStatus.PARKED, None)
        why = desk.open_tasks()[TaskKind.SUBMIT_FAILED]
        assert why.startswith("The ")
        assert "led.pdf" in why
        assert "Choose anew what goes along" in why
        assert mailed(desk) == []

        give(desk)
        move(desk, RmaState.SUBMITTED)
        send(desk)
        assert mailed(desk) == [{}]


def test_a_store_that_is_away_is_tried_again(shared_runtime: Runtime, tmp_path: Path) -> None:
    with refused_by_mail(shared_runtime) as desk:
        give(desk, upload(desk))
        move(desk, RmaState.SUBMITTED)
        here, in_the_way = desk.runtime, tmp_path / "file"
        in_the_way.write_text("no folder")
        desk.runtime = replace(here, store=replace(here.store, folder=in_the_way))
        send(desk)
        order = desk.orders(OrderKind.SEND_RMA)[-1]
        assert (desk.rma().state, order.status, order.last_send) == (RmaState.SUBMITTED, OrderStatus.PENDING, None)
        assert TaskKind.SUBMIT_FAILED not in desk.open_tasks()

        desk.runtime = here
        desk.let_pass(LATER_S)
        send(desk)
        assert mailed(desk) == [{"led.pdf": PHOTO}]


def test_a_claim_that_may_have_arrived_is_not_sent_again_without_its_file(shared_runtime: Runtime) -> None:
    with refused_by_mail(shared_runtime, recognises_repeats="true") as desk:
        file = upload(desk)
        give(desk, file)
        assert desk.twin is not None
        desk.twin.behave(next_opens=["drop_after_accept"])
        move(desk, RmaState.SUBMITTED)
        send(desk)
        remove(desk, file)
        desk.let_pass(LATER_S)
        send(desk)

        assert mailed(desk) == [{"led.pdf": PHOTO}]
        assert "cannot be sent a second time as it was" in desk.open_tasks()[TaskKind.MANUAL_HANDLING]


def test_a_claim_that_goes_to_another_account_takes_no_file_along(shared_runtime: Runtime) -> None:
    with drafted_at_dell(shared_runtime) as desk:
        give(desk, upload(desk))
        assert desk.rma().state is RmaState.DRAFT
        with desk.session() as session:
            session.execute(delete(AccountMaker).where(AccountMaker.account_id == desk.account_id))
            preparing.take_up(
                session, desk.runtime, session.get_one(Rma, desk.rma().id), Because("test", "x", db.now(session))
            )
        assert desk.rma().files == []
