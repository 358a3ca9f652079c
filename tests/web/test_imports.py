"""The pages of imports: a file becomes a draft, its columns are corrected, it is checked, goes in, and is undone."""

from __future__ import annotations

import io
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, update

from tests.importing import work_off
from tests.web.conftest import World, watching
from tests.web.visitor import Visitor, visit, words
from warranty import db
from warranty.domain.terms import Role
from warranty.models import Asset, AuditRow, ImportPiece, ImportRun
from warranty.models.imports import ImportStatus
from warranty.services import erasure, imports
from warranty.web.api.imports import BIGGEST

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

SAMPLES = Path(os.environ.get("WARRANTY_SAMPLE_DATA") or "/nonexistent")
ROWS = "Tag no,Maker,Type,Remark\n{0}-1,Acme,M1,=1+1\n{0}-2,Acme,M1,\nn/a,Acme,M1,\n"
MEANT = {"serial_number": "tagno", "manufacturer": "maker", "product": "type"}


def manager(world: World) -> Visitor:
    """A service manager before the list of imports."""
    visitor = visit(world.app, world.users[Role.SERVICE_MANAGER])
    assert visitor.get("/imports").status_code == 200
    return visitor


def drop(world: World, visitor: Visitor, text: str | bytes, name: str = "units.csv", **form: str) -> TestResponse:
    """Send a file for our client, by default of units, and follow to its page."""
    content = text.encode() if isinstance(text, str) else text
    given: dict[str, Any] = {
        "kind": "assets",
        "client": str(world.ours.id),
        **form,
        "file": (io.BytesIO(content), name),
    }
    visitor.get("/imports")
    answer = visitor.send("/imports", **given)
    return visitor.get(answer.location) if answer.status_code == 303 else answer


def press(world: World, visitor: Visitor, what: str, **typed: str) -> TestResponse:
    """Send one of the forms of an import's page, have the workers do what it orders, and look again."""
    path = path_of(visitor)
    answer = visitor.send(f"{path}/{what}", **typed)
    assert answer.status_code == 303, words(answer.text)
    work_off(world.runtime)
    return visitor.get(path)


def path_of(visitor: Visitor) -> str:
    found = re.search(r'action="(/imports/[0-9a-f-]{36})/', visitor.page)
    assert found, words(visitor.page)
    return found[1]


def heading(page: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    return words(found[1]) if found else ""


def units(world: World, start: str) -> int:
    with world.runtime.database.read(db.EVERYBODY) as session:
        return session.scalar(select(func.count()).select_from(Asset).where(Asset.serial_key.startswith(start))) or 0


def test_a_file_goes_in_step_by_step_and_nothing_is_written_before_the_last(world: World) -> None:
    visitor = manager(world)

    looked = drop(world, visitor, ROWS.format("STEP"))
    assert heading(looked.text) == "Which column is which?"
    assert "Tag no: STEP-1, STEP-2, n/a" in words(looked.text)
    assert re.search(r'<option value="maker"[^>]*>', looked.text)

    checked = press(world, visitor, "columns", **MEANT)
    assert heading(checked.text) == "2 of 3 rows can go in"
    assert "n/a is a placeholder, not a serial number" in words(checked.text)
    assert "1 column is not read Remark" in words(checked.text)
    assert units(world, "STEP") == 0

    there = press(world, visitor, "go")
    assert heading(there.text) == "2 rows are in, 1 were refused"
    assert units(world, "STEP") == 2

    rejected = visitor.get(f"{path_of(visitor)}/rejected")
    assert rejected.headers["Content-Disposition"] == "attachment; filename=rejected.csv"
    assert rejected.get_data().decode("utf-8-sig").splitlines()[0] == "Tag no,Maker,Type,Remark,reason"
    rejected.close()

    undone = press(world, visitor, "undo", undo_reason="The wrong client")
    assert heading(undone.text) == "Undone: the registry is as it was before"
    assert "The wrong client" in words(undone.text)
    assert units(world, "STEP") == 0
    with world.runtime.database.read(db.EVERYBODY) as session:
        reasons = session.scalars(select(AuditRow.reason).where(AuditRow.action == "undo").distinct()).all()
    assert reasons == ["The wrong client"]


def test_columns_are_guessed_and_a_guess_can_be_taken_back(world: World) -> None:
    visitor = manager(world)
    looked = drop(world, visitor, "Serial,Manufacturer,Model,State\nBACK-1,Acme,M1,Bavaria\n")
    guessed = {"serial_number": "serial", "manufacturer": "manufacturer", "product": "model", "state": "state"}
    for ours, theirs in guessed.items():
        assert re.search(rf'name="{ours}".*?<option value="{theirs}" selected>', looked.text, re.DOTALL)

    wrong = press(world, visitor, "columns", **guessed)
    assert heading(wrong.text) == "No row can go in as it is"

    right = press(world, visitor, "columns", **guessed | {"state": ""})
    assert heading(right.text) == "The one row can go in"


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({}, "serial_number", "Say which column this is: without it no row can be taken."),
        ({"serial_number": "nothing"}, "serial_number", "The file has no such column."),
        ({"serial_number": "tagno", "name": "tagno"}, "name", "This column is chosen twice."),
    ],
)
def test_what_is_wrong_with_the_columns_stands_beside_them(
    world: World, typed: dict[str, str], field: str, said: str
) -> None:
    visitor = manager(world)
    drop(world, visitor, ROWS.format("WRONG"))

    answer = visitor.send(f"{path_of(visitor)}/columns", **typed | {"product": "type"})

    assert answer.status_code == 422
    assert visitor.error(field) == said
    assert re.search(r'name="product".*?<option value="type" selected>', answer.text, re.DOTALL)
    assert "<title>Error:" in answer.text


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"\0" * 1000, "units.csv", "it holds zero bytes"),
        (b"", "units.csv", "is empty"),
        (b"%PDF-1.7 ...", "units.pdf", "This is a PDF"),
        (b"PK\x03\x04 but no workbook", "units.xlsx", "cannot be read"),
        (b"\xd0\xcf\x11\xe0 old", "units.xls", "save the sheet as CSV UTF-8"),
        (b"[1, 2]\n", "units.json", "one object a line"),
        (",".join(f"c{n}" for n in range(1001)).encode() + b"\n", "wide.csv", "of no table are there more than 1,000"),
    ],
)
def test_a_file_that_is_no_table_says_what_to_do_and_nothing_is_written(
    world: World, content: bytes, name: str, said: str
) -> None:
    looked = drop(world, manager(world), content, name)

    assert heading(looked.text) == "This file cannot be read"
    assert said in words(looked.text)
    assert "Nothing was written." in words(looked.text)
    assert "Send another file" in words(looked.text)


def test_files_of_every_look_show_their_columns(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "PIECE_BYTES", 4096)  # of a longer file only the first piece is looked at
    visitor = manager(world)
    wide = ",".join(["Serial", *(f"Field {n}" for n in range(300))]) + "\nW1" + ",x" * 300 + "\n"
    for content, sample in (
        ("Serial;Name\nÄ1;Büro\n".encode("cp1252"), "Name: Büro"),
        ("Serial\tName\nÄ1\tBüro\n".encode("utf-16"), "Name: Büro"),
        (wide.encode(), "Field 299: x"),
        (b'{"serial": "J1", "name": "srv"}\n', "name: srv"),
        (("Serial,Name\n" + "".join(f"L{n},Ö\n" for n in range(2_000))).encode(), "Name: Ö"),
    ):
        assert sample in words(drop(world, visitor, content).text)
    big = drop(world, visitor, ('{"serial": "J1", "name": "srv"}\n' * 500).encode(), "units.jsonl")
    assert "name: srv" in words(big.text)


def test_a_file_without_a_header_says_so_and_can_be_dropped(world: World) -> None:
    visitor = manager(world)
    drop(world, visitor, "QX7T2K9,Dell,R750\nQX7T2K8,Dell,R750\n")
    answer = visitor.send(f"{path_of(visitor)}/columns")
    assert visitor.error("serial_number") == "Say which column this is: without it no row can be taken."
    assert "The first line was taken for the names of the columns." in words(answer.text)

    dropped = press(world, visitor, "cancel")

    assert heading(dropped.text) == "Stopped: nothing was written"
    with world.runtime.database.read(db.EVERYBODY) as session:
        assert session.scalars(select(ImportPiece.id)).all() == []


def test_what_is_missing_in_the_first_form_is_said_and_the_rest_stays(world: World) -> None:
    visitor = manager(world)

    answer = visitor.send("/imports", kind="sites", client=str(world.ours.id))

    assert answer.status_code == 422
    assert visitor.error("file") == "Choose a file, or drop one here."
    assert 'value="sites" checked' in answer.text
    assert f'value="{world.ours.id}" selected' in answer.text


def test_a_file_that_is_too_large_is_refused_before_it_is_read_and_a_stranger_sends_none(world: World) -> None:
    visitor = manager(world)
    length = {"CONTENT_LENGTH": str(BIGGEST + 1)}

    large = visitor.browser.post("/imports", data={"kind": "assets"}, environ_overrides=length)
    stranger = visit(world.app).browser.post("/imports", data={"kind": "assets"}, environ_overrides=length)

    assert large.status_code == 413
    assert "Split it into several" in words(large.text)
    assert stranger.status_code == 401


def test_progress_is_told_and_asked_for_only_while_it_moves(world: World) -> None:
    visitor = manager(world)
    drop(world, visitor, ROWS.format("MOVE"))
    path = path_of(visitor)
    visitor.send(f"{path}/columns", **MEANT)

    moving = visitor.get(path)
    assert heading(moving.text) == "Is being checked"
    assert "You may leave this page" in words(moving.text)
    tag = re.search(r'data-etag="([^"]*)"', moving.text.replace("&#34;", "'"))
    assert tag
    live = visitor.browser.get(f"{path}/live")
    assert live.status_code == 200
    assert visitor.browser.get(f"{path}/live", headers={"If-None-Match": live.headers["ETag"]}).status_code == 304

    work_off(world.runtime)
    over = visitor.browser.get(f"{path}/live", headers={"If-None-Match": live.headers["ETag"]})
    assert over.status_code == 200
    assert "data-poll-seconds" not in over.text


def test_problems_come_in_pages_without_a_gap(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH", 40)
    monkeypatch.setattr(imports, "COPIED_BATCH", 40)
    visitor = manager(world)
    drop(world, visitor, "serial,product\n" + "n/a,M1\n" * 130)
    page = press(world, visitor, "columns", serial_number="serial", product="product")

    lines: list[str] = []
    for _ in range(3):
        lines += re.findall(r"Line (\d+)<", page.text)
        onward = re.search(r'href="([^"#]*\?problems=[0-9.]+)#', page.text)
        if onward:
            page = visitor.get(onward[1])

    assert lines == [str(number) for number in range(2, 132)]
    for nonsense in ("x", "1", "1.x", "-1.0", "9" * 30 + ".1"):
        assert visitor.get(f"{path_of(visitor)}?problems={nonsense}").status_code == 200


def test_an_undo_needs_a_reason_and_says_what_stands_in_its_way(world: World) -> None:
    visitor = manager(world)
    drop(world, visitor, ROWS.format("KEEP"))
    press(world, visitor, "columns", **MEANT)
    press(world, visitor, "go")
    world.report(serial_number="KEEP-1")
    path = path_of(visitor)

    empty = visitor.send(f"{path}/undo", undo_reason=" ")
    assert (empty.status_code, visitor.error("undo_reason")) == (
        422,
        "Say why it is undone: it stands in the register.",
    )
    refused = visitor.send(f"{path}/undo", undo_reason="The wrong client")
    assert refused.status_code == 409
    assert "asset KEEP-1: named by a row of fault." in words(refused.text)
    assert visitor.value("undo_reason") == "The wrong client"
    assert units(world, "KEEP") == 2


def test_clients_are_said_to_stay_before_they_go_in(world: World) -> None:
    visitor = manager(world)
    drop(world, visitor, "name\nHarbour\n", kind="clients", client="")

    checked = press(world, visitor, "columns", name="name")
    assert "An import of clients cannot be undone" in words(checked.text)

    there = press(world, visitor, "go")
    assert "An import of clients cannot be undone" in words(there.text)
    assert "undo_reason" not in there.text


def test_a_step_that_was_taken_already_is_not_taken_again(world: World) -> None:
    visitor = manager(world)
    drop(world, visitor, ROWS.format("ONCE"))
    path = path_of(visitor)
    assert visitor.send(f"{path}/go").status_code == 409  # nobody has checked it
    visitor.get(path)
    press(world, visitor, "columns", **MEANT)
    key = {"csrf_token": visitor.hidden("csrf_token"), "idempotency_key": "one press"}
    first, second = visitor.post(f"{path}/go", key), visitor.post(f"{path}/go", key)
    late = visitor.send(f"{path}/columns", **MEANT)
    work_off(world.runtime)

    assert (first.status_code, second.status_code, late.status_code) == (303, 303, 409)
    assert units(world, "ONCE") == 2


def test_an_import_whose_command_is_gone_is_broken_off_and_can_be_stopped(world: World) -> None:
    visitor = manager(world)
    drop(world, visitor, ROWS.format("GONE"))
    press(world, visitor, "columns", **MEANT)
    press(world, visitor, "go")
    path = path_of(visitor)
    with world.runtime.database.begin(db.EVERYBODY) as session:
        gone = {"status": ImportStatus.RUNNING, "held_until": db.now(session) - timedelta(seconds=1)}
        session.execute(update(ImportRun).values(gone))

    page = visitor.get(path)
    assert heading(page.text) == "Broken off behind row 3"
    assert "Give the same command again" in words(page.text)
    assert "Broken off" in words(visitor.get("/imports").text)
    visitor.get(path)
    assert world.get(f"/imports/{path.split('/')[-1]}").json["state"] == "broken_off"
    undone = press(world, visitor, "undo", undo_reason="It was killed")
    assert heading(undone.text) == "Undone: the registry is as it was before"


def test_a_draft_that_nobody_says_a_word_about_is_dropped(world: World) -> None:
    visitor = manager(world)
    drop(world, visitor, ROWS.format("OLD"))
    with world.runtime.database.begin(db.EVERYBODY) as session:
        erasure.forget_old(session)
        assert session.scalar(select(func.count()).select_from(ImportPiece)) == 1
        long_ago = db.now(session) - imports.DRAFT_KEPT - timedelta(hours=1)
        session.execute(update(ImportRun).values(created_at=long_ago))
        session.expire_all()
        erasure.forget_old(session)
        assert session.scalar(select(func.count()).select_from(ImportPiece)) == 0

    assert "the file was dropped" in words(visitor.get(path_of(visitor)).text)


def test_the_list_has_no_gap_and_costs_the_same_few_statements(world: World) -> None:
    visitor = manager(world)

    def cost() -> int:
        with watching(world) as seen:
            assert visitor.get("/imports").status_code == 200
        return len(seen["statements"])

    drop(world, visitor, ROWS.format("L0"))
    few = cost()
    for number in range(1, 28):
        drop(world, visitor, ROWS.format(f"L{number}"))
    assert cost() == few
    assert few <= 6

    shown = re.findall(r'<h3><a [^>]*href="(/imports/[^"]*)"', visitor.page)
    older = re.search(r'href="(/imports\?before=[^"]*)"', visitor.page)
    assert older
    shown += re.findall(r'<h3><a [^>]*href="(/imports/[^"]*)"', visitor.get(older[1]).text)
    assert len(shown) == len(set(shown)) == 28


def test_a_technician_reads_and_sends_nothing(world: World) -> None:
    drop(world, manager(world), ROWS.format("READ"))
    reader = visit(world.app, world.users[Role.TECHNICIAN])

    listed = reader.get("/imports")
    assert listed.status_code == 200
    assert 'type="file"' not in listed.text
    path = re.findall(r'href="(/imports/[0-9a-f-]{36})"', listed.text)[0]
    assert reader.get(path).status_code == 200
    assert reader.send(f"{path}/cancel", csrf_token=reader.hidden("csrf_token")).status_code == 403


if SAMPLES.exists():

    @pytest.mark.parametrize(
        "path",
        sorted(path for folder in ("snipe-it", "netbox", "other-cmdb") for path in (SAMPLES / folder).glob("*.csv")),
        ids=lambda path: path.name,
    )
    def test_a_real_table_shows_its_columns_and_is_checked_or_says_what_it_lacks(world: World, path: Path) -> None:
        visitor = manager(world)
        looked = drop(world, visitor, path.read_bytes(), path.name)
        assert heading(looked.text) == "Which column is which?"
        guessed = dict(
            re.findall(r'<select[^>]* name="(\w+)"[^>]*>(?:(?!</select>).)*?value="(\w+)" selected', looked.text)
        )
        first = re.findall(r'<option value="(\w+)"', looked.text)[0]

        checked = press(world, visitor, "columns", **{"serial_number": first} | guessed)

        said = heading(checked.text)
        assert re.search(r"[Rr]ows? can go in|row can go in|The file has no row", said) or (
            said == "Which column is which?" and "This is a list of licences" in checked.text
        )
