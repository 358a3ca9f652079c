"""What real processes log: every line is JSON, names its request or its order, and holds nobody's words."""

from __future__ import annotations

import json
import os
import signal
import socket
from typing import TYPE_CHECKING, Any

import requests

from tests import factories
from tests.desk import Desk
from tests.test_processes import children, own_environment, running, wait_for
from vendors.sandbox import Twin
from warranty import config, db, queue, relay
from warranty.domain.access import TokenScope
from warranty.models.work import OrderKind, OrderStatus
from warranty.runtime import Runtime

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-of-a-person"


def lines_of(path: Path) -> list[dict[str, Any]]:
    """What a process has logged; a line that is no JSON fails the test."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def test_every_line_of_the_web_servers_children_names_its_request(tmp_path: Path, sqlite_template: Path) -> None:
    environment = own_environment(tmp_path, sqlite_template, "redis://127.0.0.1:9/0")
    runtime = Runtime.of(config.load(environment))
    with runtime.database.begin(db.EVERYBODY) as session:
        token = factories.make_token(session, factories.make_user(session), tuple(TokenScope))
        serial = factories.make_asset(session, factories.make_client(session)).serial_number
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    written = tmp_path / "web.log"
    base = f"http://127.0.0.1:{port}"
    headers = {"Authorization": f"Bearer {token}"}
    with written.open("w") as said, running(environment, "web", "--port", str(port), said=said) as web:
        wait_for(lambda: answers(f"{base}/health/live"))
        body = {"component": "disk", "cause": "hardware_failure", "symptom": CANARY, "serial_number": serial}
        made = requests.post(f"{base}/api/v1/faults", json=body, headers=headers | {"Idempotency-Key": "1"}, timeout=30)
        asked = requests.get(f"{base}/api/v1/clients?q={CANARY}", headers=headers, timeout=30)
        for child in children(web.pid):
            os.kill(child, signal.SIGKILL)  # the server itself has a word about that
        wait_for(lambda: "gunicorn" in written.read_text(encoding="utf-8"))
    runtime.database.dispose()

    logged = lines_of(written)
    of_requests = {line["request_id"]: line for line in logged if line["event"] == "web.request"}
    assert of_requests[made.headers["X-Request-Id"]]["fault"].startswith("F-")
    assert of_requests[asked.headers["X-Request-Id"]]["route"] == "/api/v1/clients"
    assert all("request_id" in line or line.get("logger", "").startswith("gunicorn") for line in logged)
    assert CANARY not in written.read_text(encoding="utf-8")
    assert token not in written.read_text(encoding="utf-8")


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.RequestException:
        return False


def test_every_line_of_a_workers_child_names_its_order_its_case_and_its_account(
    tmp_path: Path, sqlite_template: Path, redis_url: str
) -> None:
    environment = own_environment(tmp_path, sqlite_template, redis_url)
    runtime = Runtime.of(config.load(environment))
    written = tmp_path / "worker.log"
    with Twin("servicenow") as twin, queue.connect(redis_url) as connection:
        connection.flushdb()
        desk = Desk(runtime, twin)
        desk.report(symptom=CANARY)
        with written.open("w") as said, running(environment, "worker", said=said):
            relay.turn(runtime, connection)
            wait_for(lambda: desk.order(OrderKind.SEND_RMA).status is OrderStatus.DONE)
            wait_for(lambda: '"kind": "send_rma"' in written.read_text(encoding="utf-8"))
    order = desk.order(OrderKind.SEND_RMA)
    (line,) = [one for one in lines_of(written) if (one["event"], one["order_id"]) == ("order.worked", order.id)]
    assert line["kind"] == "send_rma"
    assert (line["fault"], line["claim"]) == (desk.fault().reference, desk.rma().client_reference)
    assert line["account"] == str(desk.account().public_id)
    assert all("order_id" in line for line in lines_of(written))
    assert CANARY not in written.read_text(encoding="utf-8")
    runtime.database.dispose()
