"""Stored verdicts: byte for byte what was decided, superseded and never edited, and the same when decided again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from tests.app import owner_of
from tests.desk import Desk
from vendors.contract import VendorCase, VendorStatus
from warranty import db
from warranty.domain.case import Case
from warranty.domain.case_document import read_case
from warranty.domain.coverage import Verdict, decide
from warranty.domain.terms import Ownership, Party, Route, VerdictWord
from warranty.models import Asset, Coverage, Fault, Rma, StoredVerdict, VendorAccount
from warranty.services import hearing, verdicts

if TYPE_CHECKING:
    from warranty.runtime import Runtime


def replay(desk: Desk) -> tuple[int, list[str]]:
    """How many stored verdicts there are to replay, and which of this desk's differ."""
    mine = {str(verdict.public_id) for verdict in desk.verdicts()}
    with desk.runtime.database.read(db.EVERYBODY) as session:
        count, differences = verdicts.replay(session)
    return count, [difference["verdict"] for difference in differences if difference["verdict"] in mine]


def deny(desk: Desk) -> None:
    with desk.session() as session:
        rma = session.get_one(Rma, desk.rma().id)
        account = session.get_one(VendorAccount, desk.account_id)
        denied = VendorCase("C-1", VendorStatus.DENIED, vendor_status="no", reason="Not ours.")
        hearing.hear(session, desk.runtime, rma, denied, account=account, now=db.now(session))


def change(desk: Desk, **columns: str) -> StoredVerdict:
    """Change the only stored verdict behind the product's back."""
    (stored,) = desk.verdicts()
    with owner_of(desk.runtime.database).begin() as connection:
        connection.execute(update(StoredVerdict).where(StoredVerdict.id == stored.id).values(**columns))
    return stored


def test_the_stored_case_gives_the_stored_verdict_byte_for_byte(shared_runtime: Runtime) -> None:
    for ownership in (Ownership.CLIENT, Ownership.LEASED, Ownership.MSP):
        desk = Desk(shared_runtime)
        with desk.session() as session:
            session.get_one(Asset, desk.asset_key()).ownership = ownership
        desk.report()

        (stored,) = desk.verdicts()
        case = read_case(stored.case_document)
        assert isinstance(case, Case)
        assert decide(case).to_json() == stored.verdict_document
        assert replay(desk)[1] == []


def test_a_later_change_of_the_register_changes_no_stored_verdict(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    desk.report()
    (before,) = desk.verdicts()

    with desk.session() as session:
        session.get_one(Coverage, desk.coverages()[0].id).contract_number = "renamed"

    (after,) = desk.verdicts()
    assert (after.case_document, after.verdict_document) == (before.case_document, before.verdict_document)
    assert replay(desk)[1] == []


@pytest.mark.parametrize("part", ["verdict", "route", "awards", "code", "text"])
def test_a_verdict_that_today_would_be_another_is_listed(shared_runtime: Runtime, part: str) -> None:
    desk = Desk(shared_runtime)
    desk.report()
    document = json.loads(desk.verdicts()[0].verdict_document)
    match part:
        case "verdict":
            document["verdict"] = VerdictWord.NOT_COVERED
        case "route":
            document["route"] = Route.AD_HOC
        case "awards":
            document["awards"]["labour"] = None
        case "code":
            document["reasons"][0]["code"] = "outranked"
        case "text":  # the same engine must find the same words
            document["reasons"][0]["text"] = "Because."
    stored = change(desk, verdict_document=json.dumps(document))

    assert replay(desk)[1] == [str(stored.public_id)]


def test_another_engine_may_find_other_words_for_the_same_answer(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    desk.report()
    document = json.loads(desk.verdicts()[0].verdict_document)
    document["reasons"][0]["text"], document["engine_version"] = "Because.", "0.1"
    change(desk, verdict_document=json.dumps(document))

    assert replay(desk)[1] == []


def test_a_case_that_cannot_be_read_any_more_is_listed_too(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    desk.report()
    stored = change(desk, case_document='{"now": "yesterday"}')

    assert replay(desk)[1] == [str(stored.public_id)]


def test_a_replay_may_begin_at_an_instant(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    desk.report()
    with shared_runtime.database.read(db.EVERYBODY) as session:
        (stored,) = desk.verdicts()
        assert verdicts.replay(session, since=db.now(session)) == (0, [])
        count, _ = verdicts.replay(session, since=stored.decided_at)
    assert count == 1


def test_a_denial_supersedes_the_verdict_and_is_not_replayed_since_no_engine_took_it(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    desk.report()
    count, _ = replay(desk)

    deny(desk)

    first, second = (Verdict.from_json(stored.verdict_document) for stored in desk.verdicts())
    assert (second.verdict, second.route) == (VerdictWord.NOT_COVERED, Route.AD_HOC)
    assert (second.awards.parts, second.awards.labour) == (None, first.awards.labour)
    assert (second.pays.parts, second.pays.labour) == (Party.CLIENT, Party.MSP)
    assert second.reasons == first.reasons
    assert replay(desk) == (count, [])
    with desk.session() as session:
        newest = verdicts.newest(session, session.get_one(Fault, desk.fault().id).id)
        assert newest is not None
        assert newest.id == desk.verdicts()[1].id


def test_what_the_vendor_would_have_done_itself_falls_to_the_owner(shared_runtime: Runtime) -> None:
    for ownership, payer in ((Ownership.CLIENT, Party.CLIENT), (Ownership.LOANER, Party.MSP)):
        desk = Desk(shared_runtime)
        with desk.session() as session:
            session.get_one(Asset, desk.asset_key()).ownership = ownership
            parts, labour = (session.get_one(Coverage, coverage.id) for coverage in desk.coverages())
            parts.covers = ["parts", "labour"]
            session.delete(labour)
        desk.report()

        deny(desk)

        fallen = Verdict.from_json(desk.verdicts()[1].verdict_document)
        assert (fallen.awards.parts, fallen.awards.labour) == (None, None)
        assert (fallen.pays.parts, fallen.pays.labour) == (payer, payer)


def test_claims_given_back_never_go_below_none(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    fault = desk.report().fault

    for _ in range(2):
        with desk.session() as session:
            verdicts.release_claims_of(session, session.get_one(Fault, fault.id))

    assert [coverage.claims_reserved for coverage in desk.coverages()] == [0, 0]
