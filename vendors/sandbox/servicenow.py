"""One ServiceNow instance, pretended: Table API, attachments, tokens. Source: vendor-apis.md, section 13.

Its incident states are the platform's own (1 new ... 8 cancelled) and some that this instance has added; ``STATE_MAP``
is what an account must be told of them. Its column for RMA numbers is ``u_rma_number``.

Like the platform it does not look at an ``Idempotency-Key``: the same claim sent twice makes two records.
"""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request

from vendors.contract import VendorStatus
from vendors.sandbox._stage import Stage

NEW, APPROVED = "1", "20"
STATE_MAP = {
    NEW: VendorStatus.RECEIVED,
    "2": VendorStatus.UNDER_REVIEW,
    "3": VendorStatus.INFO_REQUIRED,
    "6": VendorStatus.CLOSED,
    "7": VendorStatus.CLOSED,
    "8": VendorStatus.CANCELLED,
    APPROVED: VendorStatus.APPROVED,
    "21": VendorStatus.SHIPPED,
    "22": VendorStatus.DELIVERED,
    "23": VendorStatus.RETURN_RECEIVED,
    "24": VendorStatus.DENIED,
    "25": VendorStatus.ON_HOLD,
}
RMA_NUMBER_FIELD = "u_rma_number"

MAY_BE_SENT = frozenset(
    {
        "short_description",
        "description",
        "caller_id",
        "assignment_group",
        "impact",
        "urgency",
        "correlation_id",
        "correlation_display",
    }
)
COLUMNS = MAY_BE_SENT | {
    "sys_id",
    "number",
    "state",
    "sys_created_on",
    "sys_updated_on",
    "comments",
    "close_notes",
    RMA_NUMBER_FIELD,
}
_CONDITION = re.compile(r"([a-z_]+)(>=|=)(.*)")


def error(status: int, text: str) -> Response:
    """Give an error as the platform words it."""
    response = jsonify({"error": {"message": text, "detail": "sandbox"}, "status": "failure"})
    response.status_code = status
    return response


class Play:
    """The twin: its records, and the endpoints of the instance."""

    def __init__(self, stage: Stage, table: str = "incident") -> None:
        """Remember the records of an earlier process."""
        self._stage = stage
        self._table = table
        self._records: dict[str, dict[str, Any]] = {}
        self._accepted_at: dict[str, float] = {}
        for entry in stage.kept():
            if entry["event"] == "opened":
                self._records[entry["number"]] = dict(entry["record"])
                self._accepted_at[entry["number"]] = entry["at"]
            elif entry["event"] == "moved":
                self._records[entry["number"]].update(entry["changes"])
        self.blueprint = Blueprint("servicenow", __name__)
        table_url = f"/api/now/table/{table}"
        self.blueprint.post("/oauth_token.do")(self.token)
        self.blueprint.post(table_url)(self.insert)
        self.blueprint.get(table_url)(self.query)
        self.blueprint.get(f"{table_url}/<sys_id>")(self.one)
        self.blueprint.patch(f"{table_url}/<sys_id>")(self.note)
        self.blueprint.post("/api/now/attachment/file")(self.attach)

    def move(self, number: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Move a case, as somebody at the vendor would; gives the record.

        Args:
            number: of the case.
            changes: columns to new values; ``state`` is a value of this instance, or our word for one. Approval without
                an RMA number issues one.

        Raises:
            KeyError: there is no such case.
            ValueError: an unknown column or state.
        """
        with self._stage.lock:
            return self._moved(self._records[number], number, changes)

    def _moved(self, record: dict[str, Any], number: str, changes: dict[str, Any]) -> dict[str, Any]:
        if unknown := set(changes) - COLUMNS:
            raise ValueError(f"unknown column {', '.join(sorted(unknown))}")
        changes = {**changes, "sys_updated_on": _now()}
        state = changes.get("state", record["state"])
        if state not in STATE_MAP:
            of_word = {str(word): value for value, word in reversed(STATE_MAP.items())}
            if state not in of_word:
                raise ValueError(f"unknown state {state}")
            state = of_word[state]
        changes["state"] = state
        if STATE_MAP[state].is_past_approval and not record[RMA_NUMBER_FIELD]:
            changes.setdefault(RMA_NUMBER_FIELD, f"RMA{number.removeprefix('INC')}")
        self._stage.keep("moved", number=number, changes=changes)
        record.update(changes)
        return dict(record)

    def token(self) -> Response:
        """Answer the token endpoint."""
        if request.form.get("grant_type") != "client_credentials" or not self._stage.login():
            response = jsonify({"error": "invalid_client", "error_description": "access_denied"})
            response.status_code = 401
            return response
        return jsonify(self._stage.new_token())

    def insert(self) -> Response:
        """Insert a record."""
        return self._authorised(lambda: self._stage.open(self._insert))

    def query(self) -> Response:
        """Search the table."""
        return self._authorised(lambda: self._stage.read(self._query))

    def one(self, sys_id: str) -> Response:
        """Read one record."""
        return self._authorised(lambda: self._stage.read(lambda: self._one(sys_id)))

    def note(self, sys_id: str) -> Response:
        """Add a comment to a record."""
        return self._authorised(lambda: self._note(sys_id))

    def attach(self) -> Response:
        """Take a file."""
        return self._authorised(self._attach)

    def _authorised(self, answer: Callable[[], Response]) -> Response:
        if self._stage.has_token() or self._stage.login(form_may_carry_it=False):
            return answer()
        return error(401, "User Not Authenticated")

    def _insert(self) -> Response:
        if request.mimetype != "application/json" or request.args:
            return error(400, "a record is sent as JSON, without parameters")
        body = request.get_json(silent=True)
        if not isinstance(body, dict) or not all(isinstance(value, str) for value in body.values()):
            return error(400, "the body must be an object of texts")
        if unknown := set(body) - MAY_BE_SENT:
            return error(400, f"unknown field {', '.join(sorted(unknown))}")
        if not body.get("short_description") or len(body["short_description"]) > 160:
            return error(400, "short_description is mandatory, at most 160 characters")
        if not {body.get("impact", "3"), body.get("urgency", "3")} <= {"1", "2", "3"}:
            return error(400, "impact and urgency are 1 to 3")
        with self._stage.lock:
            return _answer(self._accepted(body), 201)

    def _accepted(self, body: dict[str, str]) -> dict[str, Any]:
        number, now = f"INC{10001 + len(self._records):07d}", _now()
        record = {
            **dict.fromkeys(sorted(COLUMNS), ""),
            **body,
            "number": number,
            "sys_id": f"{self._stage.random.getrandbits(128):032x}",
            "state": NEW,
            "sys_created_on": now,
            "sys_updated_on": now,
        }
        self._stage.keep("opened", number=number, reference=record["correlation_id"], record=dict(record))
        self._accepted_at[number] = time.time()
        self._records[number] = record
        return record

    def _query(self) -> Response:
        if unknown := set(request.args) - {"sysparm_query", "sysparm_limit", "sysparm_offset"}:
            return error(400, f"unknown parameter {', '.join(sorted(unknown))}")
        limit, offset = request.args.get("sysparm_limit", ""), request.args.get("sysparm_offset", "0")
        if not (limit.isdigit() and offset.isdigit()):
            return error(400, "sysparm_limit and sysparm_offset are numbers")
        visible_until = time.time() - self._stage.behaviour.lookup_lag
        with self._stage.lock:
            for number in self._records:
                self._progress(number)
            records = [one for number, one in self._records.items() if self._accepted_at[number] <= visible_until]
        for part in filter(None, request.args.get("sysparm_query", "").split("^")):
            condition = _CONDITION.fullmatch(part)
            column = part.removeprefix("ORDERBY") if part.startswith("ORDERBY") else condition and condition[1]
            if column not in COLUMNS:
                return error(400, f"invalid query {part}")
            if condition is None:
                records.sort(key=lambda one: one[column])
            elif condition[2] == "=":
                records = [one for one in records if one[column] == condition[3]]
            else:
                records = [one for one in records if one[column] >= condition[3]]
        return _answer(records[int(offset) : int(offset) + int(limit)])

    def _one(self, sys_id: str) -> Response:
        number = self._number(sys_id)
        if number is None:
            return error(404, "No Record found")
        self._progress(number)
        return _answer(self._records[number])

    def _note(self, sys_id: str) -> Response:
        number, body = self._number(sys_id), request.get_json(silent=True)
        if number is None:
            return error(404, "No Record found")
        if not isinstance(body, dict) or set(body) != {"comments"}:
            return error(400, "only comments can be changed")
        return _answer(self.move(number, body))

    def _attach(self) -> Response:
        if set(request.args) != {"table_name", "table_sys_id", "file_name"}:
            return error(400, "table_name, table_sys_id and file_name are needed")
        number = self._number(request.args["table_sys_id"])
        if request.args["table_name"] != self._table or number is None:
            return error(404, "No Record found")
        size = len(request.get_data())
        self._stage.keep("attached", number=number, file_name=request.args["file_name"], size=size)
        return _answer({"file_name": request.args["file_name"], "size_bytes": str(size)}, 201)

    def _number(self, sys_id: str) -> str | None:
        with self._stage.lock:
            return next((number for number, one in self._records.items() if one["sys_id"] == sys_id), None)

    def _progress(self, number: str) -> None:
        """Approve a case that has waited long enough."""
        wait_s = self._stage.behaviour.auto_approve_s
        if wait_s >= 0 and self._records[number]["state"] == NEW and time.time() >= self._accepted_at[number] + wait_s:
            self.move(number, {"state": APPROVED})


def _answer(result: Any, status: int = 200) -> Response:
    """Give a result in its envelope."""
    response = jsonify({"result": result})
    response.status_code = status
    return response


def _now() -> str:
    """Give the time as the platform writes it."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
