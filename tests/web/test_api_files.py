"""Files of records over REST: who may see which, what a browser may do with one, and what a hostile sender gets."""

from __future__ import annotations

import io
import socket
import threading
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import select
from werkzeug.serving import make_server

from tests.services.test_files import HTML, PDF, bomb, picture
from tests.web.conftest import NOBODYS_ID, World
from warranty import db
from warranty.domain.terms import Role
from warranty.models import File
from warranty.services import files

if TYPE_CHECKING:
    from werkzeug.test import TestResponse


def upload(
    world: World,
    record: str,
    content: bytes,
    token: str | None = None,
    *,
    query: str = "name=label.jpg",
    **options: Any,
) -> TestResponse:
    token = world.tokens[Role.TECHNICIAN] if token is None else token
    return world.call("POST", f"/{record}/files?{query}", token, data=content, **options)


def taken(world: World, record: str, content: bytes = PDF, token: str | None = None, query: str = "name=a.pdf") -> Any:
    answer = upload(world, record, content, token, query=query)
    assert answer.status_code == 201, answer.json
    return answer.json


@pytest.fixture
def fault(world: World) -> str:
    return "faults/" + str(world.report(serial_number=world.ours.covered_serial)["id"])


def ids(answer: TestResponse) -> list[str]:
    return [item["id"] for item in answer.json["items"]]


def test_a_file_is_added_listed_and_downloaded(world: World, fault: str) -> None:
    content = picture()
    made = taken(world, fault, content, query="name=label.jpg")

    assert (made["record"], made["record_id"]) == ("fault", fault.removeprefix("faults/"))
    assert (made["name"], made["media_type"], made["size"]) == ("label.jpg", "image/jpeg", len(content))
    assert (made["has_thumbnail"], made["for_client"]) == (True, False)
    assert world.get(f"/{fault}/files").json["items"] == [made]
    assert world.get(f"/files/{made['id']}").data == content


@pytest.mark.parametrize("kind", ["faults", "rmas", "jobs", "assets", "coverages", "contracts"])
def test_every_kind_of_record_has_files(world: World, kind: str) -> None:
    made = world.report(serial_number=world.ours.covered_serial)
    record = {
        "faults": made["id"],
        "rmas": made["rma_id"],
        "jobs": made["job_id"],
        "assets": world.ours.covered,
        "coverages": world.ours.coverage,
        "contracts": world.ours.contract,
    }[kind]

    file = taken(world, f"{kind}/{record}", token=world.tokens[Role.ADMIN])

    assert f"{file['record']}s" == kind
    assert file["record_id"] == str(record)
    assert ids(world.get(f"/{kind}/{record}/files")) == [file["id"]]


def test_a_download_is_never_shown_nor_run_by_a_browser(world: World, fault: str) -> None:
    file = taken(world, fault, picture() + HTML, query='name=Bücher";x=.html')

    answer = world.get(f"/files/{file['id']}")
    small = world.get(f"/files/{file['id']}/thumbnail")

    assert answer.headers["Content-Type"] == "image/jpeg"
    said = "attachment; filename=file.jpg; filename*=UTF-8''B%C3%BCcher%3Bx%3D.html.jpg"
    assert answer.headers["Content-Disposition"] == said
    assert answer.headers["Content-Length"] == str(file["size"])
    for one in (answer, small):
        assert one.headers["X-Content-Type-Options"] == "nosniff"
        assert one.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert "no-store" in one.headers["Cache-Control"]


def test_a_thumbnail_is_a_small_picture_and_only_images_have_one(world: World, fault: str) -> None:
    photo, quote = taken(world, fault, picture()), taken(world, fault)

    answer = world.get(f"/files/{photo['id']}/thumbnail")

    assert answer.headers["Content-Type"] == "image/webp"
    with Image.open(io.BytesIO(answer.data)) as shown:
        assert shown.size == (320, 240)
    assert world.get(f"/files/{quote['id']}/thumbnail").status_code == 404


# --- who sees what ---


def test_a_clients_people_see_what_is_meant_for_them_and_what_they_uploaded(world: World, fault: str) -> None:
    viewer, approver = (world.ours.tokens[role] for role in (Role.CLIENT_VIEWER, Role.CLIENT_APPROVER))
    hidden = taken(world, fault, b"our margin")
    meant = taken(world, fault, b"your quote", query="for_client=true")
    theirs = taken(world, fault, picture(), viewer)

    for token in (viewer, approver):
        assert ids(world.call("GET", f"/{fault}/files", token)) == [theirs["id"], meant["id"]]
        assert world.call("GET", f"/files/{hidden['id']}", token).status_code == 404
        assert world.call("GET", f"/files/{meant['id']}", token).data == b"your quote"
        assert world.call("GET", f"/files/{theirs['id']}/thumbnail", token).status_code == 200
    assert len(ids(world.get(f"/{fault}/files"))) == 3


def test_another_clients_files_are_not_there(world: World, fault: str) -> None:
    file = taken(world, fault, picture(), query="for_client=true")
    stranger = world.theirs.tokens[Role.CLIENT_VIEWER]

    asked = [
        world.call("GET", f"/{fault}/files", stranger),
        world.call("GET", f"/files/{file['id']}", stranger),
        world.call("GET", f"/files/{file['id']}/thumbnail", stranger),
        upload(world, fault, PDF, stranger),
        world.get(f"/files/{NOBODYS_ID}"),
    ]

    assert [answer.status_code for answer in asked] == [404] * 5


@pytest.mark.parametrize("role", [Role.BILLING, Role.AUDITOR])
def test_who_may_not_report_adds_no_file_to_a_fault(world: World, fault: str, role: Role) -> None:
    answer = upload(world, fault, PDF, world.tokens[role])

    assert (answer.status_code, answer.json["type"]) == (403, "forbidden")
    assert ids(world.get(f"/{fault}/files")) == []


def test_a_file_is_shown_to_the_client_and_hidden_again(world: World, fault: str) -> None:
    file = taken(world, fault)
    viewer = world.ours.tokens[Role.CLIENT_VIEWER]
    path = f"/files/{file['id']}"

    def show(for_client: Any) -> Any:
        return world.call("PATCH", path, world.tokens[Role.TECHNICIAN], json={"for_client": for_client})

    assert show(True).json["for_client"]
    assert world.call("GET", path, viewer).status_code == 200
    assert not show(False).json["for_client"]
    assert world.call("GET", path, viewer).status_code == 404


def test_a_removed_file_is_not_there_any_more(world: World, fault: str) -> None:
    file = taken(world, fault, picture(), query="for_client=true")

    answer = world.post(f"/files/{file['id']}/removal", {"reason": "It shows a face."})

    assert answer.status_code == 200, answer.json
    assert ids(world.get(f"/{fault}/files")) == []
    for path in (f"/files/{file['id']}", f"/files/{file['id']}/thumbnail"):
        assert world.get(path).status_code == 404
    again = world.post(f"/files/{file['id']}/removal", {"reason": "It shows a face."})
    assert again.status_code == 404


# --- what is sent ---


@pytest.mark.parametrize(
    ("content", "said"),
    [(HTML, "none of them"), (bomb(10_000, 10_000), "10000 by 10000"), (b"", "is empty"), (PDF[:-8], "broken off")],
    ids=["HTML", "a bomb", "nothing", "a part"],
)
def test_what_is_refused_is_said(world: World, fault: str, content: bytes, said: str) -> None:
    answer = upload(world, fault, content)

    assert (answer.status_code, answer.json["type"]) == (422, "invalid")
    assert said in answer.json["errors"]["file"][0]
    assert ids(world.get(f"/{fault}/files")) == []


def test_a_file_as_large_as_a_file_may_be_is_taken_and_nothing_larger(world: World, fault: str) -> None:
    line = b"0123456789abcdef" * 64
    whole = line * (files.BIGGEST // len(line))

    assert taken(world, fault, whole)["size"] == files.BIGGEST
    assert upload(world, fault, whole + b"x").status_code == 413


def test_nobody_without_a_token_has_a_large_body_read(world: World, fault: str) -> None:
    answer = world.call("POST", f"/{fault}/files", data=b"x" * 5_000_000)

    assert answer.status_code == 401


def test_other_endpoints_take_no_more_than_before(world: World) -> None:
    assert world.post("/faults", {"symptom": "x" * 2_000_000}).status_code == 413


def test_an_unknown_word_in_the_query_is_refused(world: World, fault: str) -> None:
    answer = upload(world, fault, PDF, query="visible=true")

    assert (answer.status_code, answer.json["type"]) == (422, "invalid")


def test_an_upload_that_breaks_off_leaves_nothing(world: World, fault: str) -> None:
    server = make_server("127.0.0.1", 0, world.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    head = (
        f"POST /api/v1/{fault}/files HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n"
        f"Authorization: Bearer {world.tokens[Role.TECHNICIAN]}\r\n\r\n"
    )
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
            line.sendall(head.encode() + picture()[:2000])
            line.shutdown(socket.SHUT_WR)
            said = line.recv(100)
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()

    assert b" 400 " in said
    assert ids(world.get(f"/{fault}/files")) == []


# --- a store in trouble ---


def test_a_content_that_the_store_has_lost_is_an_error_that_is_said(world: World, fault: str) -> None:
    file = taken(world, fault)
    with world.runtime.database.read(db.EVERYBODY) as session:
        key = session.scalars(select(File.key).where(File.public_id == UUID(file["id"]))).one()
    world.runtime.store.delete(key)

    answer = world.get(f"/files/{file['id']}")

    assert answer.status_code == 500
    assert "missing from the store" in answer.json["detail"]
