"""The board in a client: filters that are shared as a link, pages, what has not changed, and the same for many rows."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, text, update

from tests.app import owner_of
from tests.web.conftest import World, now, watching
from tests.web.visitor import Visitor, visit, words
from warranty import db
from warranty.domain.terms import Role
from warranty.models import Fault, HumanTask, User
from warranty.models.work import TaskKind
from warranty.services import board, bulk, reviews
from warranty.services.moves import Because

if TYPE_CHECKING:
    from collections.abc import Sequence


def somebody(world: World, role: Role = Role.SERVICE_MANAGER, **headers: str) -> Visitor:
    """One of the staff before the board."""
    visitor = visit(world.app, world.users[role], **headers)
    assert visitor.get("/").status_code == 200
    return visitor


def silent(world: World, count: int) -> list[str]:
    """So many claims whose vendor has said nothing for days; their rows."""
    made = [world.report(serial_number=world.ours.covered_serial, component_ref=f"bay {at}") for at in range(count)]
    with world.runtime.database.begin(db.EVERYBODY) as session:
        faults = session.scalars(select(Fault).where(Fault.public_id.in_([UUID(one["id"]) for one in made])))
        since = Because("system:test", "silent", now() - timedelta(days=3))
        tasks = [reviews.ask(session, fault, TaskKind.SILENT, "silent", since) for fault in faults]
        session.flush()
        return [f"silent:{task.public_id}" for task in tasks]


def act(visitor: Visitor, rows: Sequence[str], verb: str, **typed: str) -> str:
    """Do the same to these rows; what the page says then."""
    visitor.get("/")
    return words(visitor.send("/board/actions", verb=verb, row=list(rows), **typed).text)


def test_the_board_says_what_waits_how_late_it_is_and_what_is_at_risk(world: World) -> None:
    silent(world, 3)
    visitor = somebody(world)

    visitor.get("/?kind=silent")

    assert "3 things need a person" in words(visitor.page)
    assert "3 are past their time." in words(visitor.page)
    assert "Past their time 3" in words(visitor.page)
    assert "Later" not in re.findall(r"<h2[^>]*>([^<]+)</h2>", visitor.page)
    assert re.search(r'<a href="/\?kind=silent" aria-current="page">Vendor silent <b>3</b></a>', visitor.page)
    assert "3 Dinge" in words(somebody(world, Accept_Language="de").get("/?kind=silent").text)


def test_a_filtered_board_is_a_link_that_shows_a_colleague_the_same(world: World) -> None:
    [first, _] = silent(world, 2)
    theirs = world.report(serial_number="nobody knows", client=str(world.theirs.id))["review_item_id"]
    visitor, colleague = somebody(world), somebody(world, Role.TECHNICIAN)

    for link, shown, hidden in (
        (f"/?client={world.theirs.id}", theirs, first[7:]),
        (f"/?client={world.ours.id}&kind=silent", first[7:], theirs),
        ("/?owner=nobody", theirs, "owner=nobody&amp;owner"),
    ):
        for reader in (visitor, colleague):
            page = reader.get(link).text
            assert shown in page, link
            assert hidden not in page, link
    assert "Nothing fits these filters" in visitor.get("/?owner=me").text
    for nonsense in ("kind=x", "client=x", "vendor=x", "owner=x", "after=x", "after=2026-01-01~1~x"):
        assert visitor.get(f"/?{nonsense}").status_code == 200


def test_cases_are_filtered_by_the_same_and_kept_so(world: World) -> None:
    ours = world.report(serial_number=world.ours.covered_serial)["id"]
    theirs = world.report(serial_number=world.theirs.covered_serial)["id"]
    visitor = somebody(world)
    account = re.findall(r'<option value="([^"]+)">[^<]*</option>', visitor.page.partition('name="vendor"')[2])[0]

    for query, shown, hidden in (
        (f"client={world.ours.id}", {ours}, {theirs}),
        (f"vendor={account}", {ours, theirs}, set()),
        ("owner=nobody", {ours, theirs}, set()),
        ("owner=me", set(), {ours, theirs}),
    ):
        page = visitor.get(f"/cases?{query}").text
        assert all(f"/cases/{one}" in page for one in shown), query
        assert not any(f"/cases/{one}" in page for one in hidden), query
        assert "Save view" in page


def test_a_long_board_is_read_page_by_page_without_a_gap(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "PAGE", 2)
    rows = set(silent(world, 5))
    visitor = somebody(world)

    seen: list[str] = []
    link = "/?kind=silent"
    for _ in range(3):
        visitor.get(link)
        seen += re.findall(r'name="row" value="([^"]+)"', visitor.page)
        link = next(iter(re.findall(r'href="(/\?[^"]*after=[^"]+)"', visitor.page)), "").replace("&amp;", "&")

    assert (len(seen), set(seen), link) == (5, rows, "")


def test_the_board_is_not_written_anew_while_nothing_changes(world: World) -> None:
    visitor = somebody(world)
    [etag] = re.findall(r'data-etag="&#34;([^"]+)&#34;"', visitor.page)

    same = visitor.get("/board/live", headers={"If-None-Match": f'"{etag}"'})
    silent(world, 1)
    changed = visitor.get("/board/live", headers={"If-None-Match": f'"{etag}"'})

    assert (same.status_code, same.data) == (304, b"")
    assert changed.status_code == 200
    assert "Vendor silent" in changed.text
    assert "<html" not in changed.text


def test_many_rows_are_dealt_with_for_one_reason_and_the_rest_stays(world: World) -> None:
    rows = silent(world, 3)
    visitor = somebody(world)

    asked = act(visitor, rows[:2], "dealt_with")
    assert "2 rows of the board are selected." in asked
    unsaid = visitor.send("/board/actions", verb="dealt_with", row=rows[:2], confirmed="yes", reason=" ")
    assert unsaid.status_code == 422
    assert "Say what became of it" in words(unsaid.text)
    done = act(visitor, rows[:2], "dealt_with", confirmed="yes", reason="Called all of them")

    assert "2 of 2 done" in done
    assert rows[0] not in visitor.get("/").text
    assert rows[2] in visitor.get("/").text
    with world.runtime.database.read(db.EVERYBODY) as session:
        reasons = session.scalars(select(HumanTask.resolution).where(HumanTask.resolution == "Called all of them"))
        assert len(reasons.all()) == 2


def test_a_row_that_is_refused_does_not_stop_the_others_and_is_named(world: World) -> None:
    rows = silent(world, 2)
    review = world.report(serial_number="nobody knows", client=str(world.ours.id))["review_item_id"]
    gone = "silent:00000000-0000-4000-8000-000000000000"
    visitor = somebody(world)

    done = act(visitor, [rows[0], f"review:{review}", gone, rows[1]], "dealt_with", confirmed="yes", reason="Called")

    assert "2 of 4 done" in done
    assert "2 were left as they are" in done
    assert "This is not done to many at once. Open it." in done
    assert "Somebody has done something about it already." in done


def test_reviews_are_decided_again_at_once_by_who_may_decide(world: World) -> None:
    review = world.report(serial_number="nobody knows", client=str(world.ours.id))["review_item_id"]

    refused = act(somebody(world, Role.TECHNICIAN), [f"review:{review}"], "again")
    done = act(somebody(world), [f"review:{review}"], "again")

    assert "0 of 1 done" in refused
    assert "This is a service manager's to do." in refused
    assert "1 of 1 done" in done


def test_cases_are_handed_to_a_colleague_who_finds_them_under_their_name(world: World) -> None:
    rows = silent(world, 2)
    technician = world.users[Role.TECHNICIAN]
    visitor = somebody(world)

    assert "Choose who is to look after them." in act(visitor, rows, "hand", confirmed="yes")
    assert "2 of 2 done" in act(visitor, rows, "hand", confirmed="yes", to=str(technician.public_id))

    page = somebody(world, Role.TECHNICIAN).get("/?owner=me").text
    assert all(row in page for row in rows)
    with world.runtime.database.begin(db.EVERYBODY) as session:
        session.execute(update(User).where(User.id == technician.id).values(name="Tobias"))
    assert "Tobias" in visitor.get("/").text


def test_all_of_a_filter_are_done_some_at_a_time_and_not_what_came_since(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 2)
    silent(world, 5)
    visitor = somebody(world)
    visitor.get("/?kind=silent")
    fields = dict(re.findall(r'name="(query|until|total)" value="([^"]*)"', visitor.page))

    visitor.send("/board/actions", verb="dealt_with", all="yes", confirmed="yes", reason="Called", **fields)
    assert "2 of 5 done" in words(visitor.page)
    for said in ("4 of 5 done", "5 of 5 done"):
        hidden: dict[str, str] = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', visitor.page))
        del hidden["csrf_token"]
        visitor.send("/board/actions", **hidden)
        assert said in words(visitor.page)

    assert "Go on" not in visitor.page
    assert "Nothing was refused." in words(visitor.page)


def test_what_nobody_can_mean_is_refused(world: World) -> None:
    visitor = somebody(world)

    assert visitor.send("/board/actions", verb="explode", row="silent:x").status_code == 400
    visitor.get("/")
    assert visitor.send("/board/actions", verb="again").status_code == 422
    visitor.get("/")
    sent = visitor.send("/board/actions", verb="again", all="yes", until="yesterday")
    assert sent.status_code == 400


MOST = 6


def test_ten_thousand_rows_cost_as_few_statements_as_one(world: World) -> None:
    fault_id = world.report(serial_number=world.ours.covered_serial)["id"]
    with world.runtime.database.begin(db.EVERYBODY) as session:
        like = session.scalars(select(Fault).where(Fault.public_id == UUID(fault_id))).one()
        columns = [column for column in Fault.__table__.columns if column.name not in {"id", "public_id", "reference"}]
        shared = {column.name: getattr(like, column.name) for column in columns}
        session.execute(insert(Fault), [shared | {"reference": f"X-{at}"} for at in range(10_000)])
        ids = session.scalars(select(Fault.id).where(Fault.reference.like("X-%"))).all()
        made = {"client_id": like.client_id, "kind": TaskKind.ATTENTION, "why": "why", "created_at": now()}
        session.execute(insert(HumanTask), [made | {"fault_id": one} for one in ids])
        total = session.scalar(select(func.count()).where(HumanTask.kind == TaskKind.ATTENTION)) or 0
    if world.runtime.database.url.startswith("postgresql"):
        with owner_of(world.runtime.database).begin() as connection:
            connection.execute(text("ANALYZE"))  # as PostgreSQL does by itself after so many rows
    visitor = somebody(world)

    for path in ("/", "/?kind=attention", f"/?client={world.ours.id}&owner=nobody", "/board/live"):
        with watching(world) as seen:
            assert visitor.get(path).status_code == 200
        assert len(seen["statements"]) <= MOST, path
    assert f"{total + 1:,} things" in words(visitor.get("/").text) or f"{total:,} things" in words(
        visitor.get("/").text
    )


def test_whoever_may_not_do_it_is_offered_a_look(world: World) -> None:
    world.report(serial_number="unknown", client=str(world.ours.id))

    offers = {
        role: words(visit(world.app, world.users[role]).get("/").text) for role in (Role.SERVICE_MANAGER, Role.AUDITOR)
    }

    assert " Decide " in offers[Role.SERVICE_MANAGER]
    assert " Decide " not in offers[Role.AUDITOR]
    assert " Look at it " in offers[Role.AUDITOR]
