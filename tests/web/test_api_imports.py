"""Imports over REST: a file is sent as a form, done as background work, asked about, given back where refused, undone."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from tests import factories
from tests.importing import work_off
from warranty import db
from warranty.domain.access import TokenScope
from warranty.domain.terms import CLIENT_ROLES, Role
from warranty.models import Asset, ImportPiece, ImportRun
from warranty.web.api import imports as api

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.web.conftest import World

UNITS = "serial_number,manufacturer,product,state\n{0}-1,Acme,M1,in_service\n{0}-2,Acme,M1,\nn/a,Acme,M1,\n"


def send(world: World, text: str | bytes, role: Role = Role.SERVICE_MANAGER, **form: Any) -> TestResponse:
    """Send a file for our client, by default of units."""
    content = text.encode() if isinstance(text, str) else text
    name, headers = form.pop("name", "units.csv"), form.pop("headers", {})
    given = {"kind": "assets", "client": str(world.ours.id), **form, "file": (io.BytesIO(content), name)}
    return world.call("POST", "/imports", world.tokens[role], data=given, headers=headers)


def done(world: World, text: str | bytes, **form: Any) -> Any:
    """Send a file and have the workers do it; the import as it then stands."""
    sent = send(world, text, **form)
    assert sent.status_code == 202, sent.json
    work_off(world.runtime)
    return world.get(f"/imports/{sent.json['id']}").json


def units(world: World, start: str) -> int:
    with world.runtime.database.read(db.EVERYBODY) as session:
        count = session.scalar(select(func.count()).select_from(Asset).where(Asset.serial_key.startswith(start)))
    return count or 0


def test_a_file_is_imported_in_the_background(world: World) -> None:
    sent = send(world, UNITS.format("BG"))

    assert (sent.status_code, sent.json["state"], sent.json["rows"]) == (202, "waiting", None)
    assert units(world, "BG") == 0

    work_off(world.runtime)
    made = world.get(f"/imports/{sent.json['id']}").json

    assert (made["state"], made["rows"], made["rows_done"]) == ("done", 3, 3)
    assert (made["new"], made["refused"], made["new_products"]) == (2, 1, 1)
    assert made["preview"][0]["serial_number"] == "BG-1"
    assert made["faults"] == [
        {
            "line": 4,
            "file": "",
            "field": "serial_number",
            "message": "n/a is a placeholder, not a serial number: read it from the unit.",
        }
    ]
    assert units(world, "BG") == 2


def test_the_file_is_gone_once_the_import_is_over(world: World) -> None:
    made = done(world, UNITS.format("GONE"))

    with world.runtime.database.read(db.EVERYBODY) as session:
        run = session.scalars(select(ImportRun).where(ImportRun.public_id == UUID(made["id"]))).one()
        assert session.scalars(select(ImportPiece).where(ImportPiece.run_id == run.id)).all() == []


def test_a_dry_run_writes_nothing_and_says_what_would_happen(world: World) -> None:
    made = done(world, UNITS.format("DRY"), dry_run="true")

    assert (made["dry_run"], made["new"], made["refused"]) == (True, 2, 1)
    assert units(world, "DRY") == 0


def test_columns_are_mapped_as_the_sender_says(world: World) -> None:
    made = done(world, "Tag,Host\nMAP-1,web-1\n", mapping=json.dumps({"tag": "serial_number", "Host": "name"}))

    assert (made["new"], made["mapping"]) == (1, {"tag": "serial_number", "host": "name"})
    assert units(world, "MAP") == 1


def test_refused_rows_come_back_as_a_file(world: World) -> None:
    made = done(world, UNITS.format("BACK"))

    answer = world.get(f"/imports/{made['id']}/rejected")

    assert answer.headers["Content-Disposition"] == "attachment; filename=rejected.csv"
    assert answer.get_data().decode("utf-8-sig").splitlines()[0] == "serial_number,manufacturer,product,state,reason"
    assert answer.get_data(as_text=True).count("n/a") == 2
    answer.close()


def test_a_file_that_is_no_table_fails_with_a_sentence(world: World) -> None:
    made = done(world, b"\0" * 1000)

    assert made["state"] == "failed"
    assert "zero bytes" in made["error"]


def test_an_import_is_cancelled_before_it_begins(world: World) -> None:
    sent = send(world, UNITS.format("STOP"))

    cancelled = world.post(f"/imports/{sent.json['id']}/cancel", {})
    work_off(world.runtime)

    assert (cancelled.status_code, cancelled.json["state"]) == (200, "cancelled")
    assert units(world, "STOP") == 0
    assert world.post(f"/imports/{sent.json['id']}/cancel", {}).status_code == 409


def test_an_import_is_undone(world: World) -> None:
    made = done(world, UNITS.format("UNDO"))

    undone = world.post(f"/imports/{made['id']}/undo", {})
    work_off(world.runtime)

    assert (undone.status_code, undone.json["state"]) == (202, "undoing")
    assert world.get(f"/imports/{made['id']}").json["state"] == "undone"
    assert units(world, "UNDO") == 0


def test_an_import_on_which_something_depends_is_not_undone(world: World) -> None:
    made = done(world, UNITS.format("KEEP"))
    world.report(serial_number="KEEP-1")

    refused = world.post(f"/imports/{made['id']}/undo", {})

    assert refused.status_code == 409
    assert "asset KEEP-1: named by a row of fault." in refused.json["errors"]["obstacles"]
    assert units(world, "KEEP") == 2


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"kind": "people"}, "kind"),
        ({"client": "nobody"}, "client"),
        ({"client": "00000000-0000-4000-8000-000000000000"}, "client"),
        ({"format": "excel"}, "format"),
        ({"mapping": "["}, "mapping"),
        ({"mapping": '{"a": 1}'}, "mapping"),
        ({"mapping": '{"a": "colour"}'}, "mapping"),
        ({"colour": "red"}, "colour"),
        ({"dry_run": "perhaps"}, "dry_run"),
    ],
)
def test_what_is_sent_wrongly_is_named(world: World, form: dict[str, str], field: str) -> None:
    answer = send(world, UNITS.format("WRONG"), **form)

    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_a_body_without_a_file_is_refused(world: World) -> None:
    for options in ({"json": {"kind": "assets"}}, {"data": {"kind": "assets"}}, {"data": b"serial_number\nA1\n"}):
        answer = world.call("POST", "/imports", world.tokens[Role.SERVICE_MANAGER], **options)
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["file"])


def test_a_file_that_is_too_large_is_refused_before_it_is_read(world: World) -> None:
    token = world.tokens[Role.SERVICE_MANAGER]
    length = {"CONTENT_LENGTH": str(api.BIGGEST + 1)}

    answer = world.call("POST", "/imports", token, data={"kind": "assets"}, environ_overrides=length)

    assert answer.status_code == 413


def test_the_same_request_twice_is_one_import(world: World) -> None:
    first = send(world, UNITS.format("TWICE"), headers={"Idempotency-Key": "import-twice"})
    second = send(world, UNITS.format("TWICE"), headers={"Idempotency-Key": "import-twice"})

    assert first.json["id"] == second.json["id"]


def test_only_who_may_register_imports_and_a_client_never_does(world: World) -> None:
    made = done(world, UNITS.format("ROLE"))
    path = f"/imports/{made['id']}"

    statuses = {role: send(world, UNITS.format("NO"), role).status_code for role in world.tokens}
    assert statuses == {role: 202 if role in {Role.ADMIN, Role.SERVICE_MANAGER} else 403 for role in world.tokens}
    assert world.post(f"{path}/undo", {}, Role.TECHNICIAN).status_code == 403
    assert world.get(path, Role.AUDITOR).status_code == 200
    for role in CLIENT_ROLES:
        for method, way in (("GET", path), ("GET", f"{path}/rejected"), ("POST", f"{path}/undo"), ("GET", "/imports")):
            answer = world.call(method, way, world.ours.tokens[role], json={} if method == "POST" else None)
            assert answer.status_code == 403
            assert "ROLE" not in answer.get_data(as_text=True)


def test_a_token_that_only_reads_imports_nothing(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        manager = world.users[Role.SERVICE_MANAGER]
        token = factories.make_token(session, manager, [TokenScope.READ])

    data = {"kind": "assets", "file": (io.BytesIO(b"serial_number\nX\n"), "x.csv")}
    assert world.call("POST", "/imports", token, data=data).status_code == 403


def test_imports_are_listed_the_newest_first(world: World) -> None:
    first, second = send(world, UNITS.format("L1")).json["id"], send(world, UNITS.format("L2")).json["id"]

    listed = world.get(f"/imports?client={world.ours.id}&limit=2").json["items"]

    assert [item["id"] for item in listed] == [second, first]
