"""One ServiceNow instance, pretended: Table API, journal, attachments, tokens, pushes. Source: vendor-apis.md, section 13.

Its incident states are the platform's own (1 new ... 8 cancelled) and some that this instance has added; ``STATE_MAP``
is what an account must be told of them. Its column for RMA numbers is ``u_rma_number``.

A comment is a journal entry: the column itself reads empty, and ``sys_journal_field`` has who wrote what when. It pushes a
record, with its comments, only when it is told to, as an instance does whose owner has set up an outbound message.

Like the platform it does not look at an ``Idempotency-Key``: the same claim sent twice makes two records.
"""

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from operator import itemgetter
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
JOURNAL = "sys_journal_field"
MAX_FILE_BYTES = 18 * 1024 * 1024
AGENT = "vendor.agent"

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
JOURNAL_COLUMNS = {"sys_id", "name", "element", "element_id", "value", "sys_created_by", "sys_created_on"}
FILE_COLUMNS = {"sys_id", "table_name", "table_sys_id", "file_name", "content_type", "size_bytes", "sys_created_on"}
PARAMETERS = {"sysparm_query", "sysparm_limit", "sysparm_offset", "sysparm_fields"}
_CONDITION = re.compile(r"([a-z_]+)(>=|=)(.*)")
_ORDER = re.compile(r"ORDERBY(DESC)?([a-z_]+)")


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
        self._journal: list[dict[str, Any]] = []
        self._files: list[dict[str, Any]] = []
        for entry in stage.kept():
            match entry["event"]:
                case "opened":
                    self._records[entry["number"]] = dict(entry["record"])
                    self._accepted_at[entry["number"]] = entry["at"]
                case "moved":
                    self._records[entry["number"]].update(entry["changes"])
                case "noted":
                    self._journal.append(entry["entry"])
                case "attached":
                    self._files.append(entry["file"])
        self.blueprint = Blueprint("servicenow", __name__)
        table_url = f"/api/now/table/{table}"
        self.blueprint.post("/oauth_token.do")(self.token)
        self.blueprint.post(table_url)(self.insert)
        self.blueprint.get(table_url)(self.query)
        self.blueprint.get(f"{table_url}/<sys_id>")(self.one)
        self.blueprint.patch(f"{table_url}/<sys_id>")(self.note)
        self.blueprint.get(f"/api/now/table/{JOURNAL}")(self.journal)
        self.blueprint.post("/api/now/attachment/file")(self.attach)
        self.blueprint.get("/api/now/attachment")(self.files)

    def move(self, number: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Move a case, as somebody at the vendor would; gives the record.

        Args:
            number: of the case.
            changes: columns to new values; ``state`` is a value of this instance, or our word for one. Approval without
                an RMA number issues one. ``comments`` adds what somebody there writes.

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
        if said := changes.pop("comments", ""):
            self._write(record, str(said), AGENT)
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

    def pushed(self, number: str) -> bytes:
        """Give a case as this instance pushes it: the record, and its comments.

        Raises:
            KeyError: there is no such case.
        """
        with self._stage.lock:
            record = self._records[number]
            comments = [entry for entry in self._journal if entry["element_id"] == record["sys_id"]]
            return json.dumps({"result": {**record, JOURNAL: comments}}).encode()

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
        return self._authorised(lambda: self._stage.write(lambda: self._note(sys_id)))

    def journal(self) -> Response:
        """Search the comments."""
        return self._authorised(lambda: self._stage.read(lambda: self._found(self._journal, JOURNAL_COLUMNS)))

    def attach(self) -> Response:
        """Take a file."""
        return self._authorised(lambda: self._stage.write(self._attach))

    def files(self) -> Response:
        """Search the files."""
        return self._authorised(lambda: self._stage.read(lambda: self._found(self._files, FILE_COLUMNS)))

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
            "sys_id": self._new_id(),
            "state": NEW,
            "sys_created_on": now,
            "sys_updated_on": now,
        }
        self._stage.keep("opened", number=number, reference=record["correlation_id"], record=dict(record))
        self._accepted_at[number] = time.time()
        self._records[number] = record
        return record

    def _query(self) -> Response:
        visible_until = time.time() - self._stage.behaviour.lookup_lag
        with self._stage.lock:
            for number in self._records:
                self._progress(number)
            records = [one for number, one in self._records.items() if self._accepted_at[number] <= visible_until]
        return self._found(records, COLUMNS)

    def _found(self, rows: list[dict[str, Any]], columns: set[str] | frozenset[str]) -> Response:
        """Answer a search of a table, oldest first unless it asks for another order."""
        if unknown := set(request.args) - PARAMETERS:
            return error(400, f"unknown parameter {', '.join(sorted(unknown))}")
        limit, offset = request.args.get("sysparm_limit", ""), request.args.get("sysparm_offset", "0")
        if not (limit.isdigit() and offset.isdigit()):
            return error(400, "sysparm_limit and sysparm_offset are numbers")
        rows, orders = list(rows), []
        for part in filter(None, request.args.get("sysparm_query", "").split("^")):
            condition, order = _CONDITION.fullmatch(part), _ORDER.fullmatch(part)
            column = condition[1] if condition else order[2] if order else ""
            if column not in columns:
                return error(400, f"invalid query {part}")
            if order:
                orders.append((column, bool(order[1])))
            elif condition and condition[2] == "=":
                rows = [one for one in rows if one[column] == condition[3]]
            elif condition:
                rows = [one for one in rows if one[column] >= condition[3]]
        if orders and orders[0][1]:
            rows.reverse()  # of those that are alike the newest comes first too
        for column, is_descending in reversed(orders):  # the first one counts most
            rows.sort(key=itemgetter(column), reverse=is_descending)
        wanted = [name for name in request.args.get("sysparm_fields", "").split(",") if name]
        page = rows[int(offset) : int(offset) + int(limit)]
        return _answer([{name: one[name] for name in wanted} for one in page] if wanted else page)

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
        if not isinstance(body, dict) or set(body) != {"comments"} or not isinstance(body["comments"], str):
            return error(400, "only comments can be changed")
        if not body["comments"].strip():
            return error(400, "a comment says something")
        with self._stage.lock:
            record = self._records[number]
            self._write(record, body["comments"], _caller())
            record["sys_updated_on"] = _now()
            return _answer(dict(record))

    def _write(self, record: dict[str, Any], text: str, author: str) -> None:
        """Add a comment to the journal."""
        entry = {
            "sys_id": self._new_id(),
            "name": self._table,
            "element": "comments",
            "element_id": record["sys_id"],
            "value": text,
            "sys_created_by": author,
            "sys_created_on": _now(),
        }
        self._stage.keep("noted", number=record["number"], entry=entry)
        self._journal.append(entry)

    def _attach(self) -> Response:
        args = request.args
        if set(args) != {"table_name", "table_sys_id", "file_name"} or not args["file_name"]:
            return error(400, "table_name, table_sys_id and file_name are needed")
        number = self._number(args["table_sys_id"])
        if args["table_name"] != self._table or number is None:
            return error(404, "No Record found")
        if not request.mimetype or "/" in args["file_name"]:
            return error(400, "a file has a Content-Type, and a name without a folder")
        size = len(request.get_data())
        if not 0 < size <= MAX_FILE_BYTES:
            return error(413, f"the file has {size} bytes; at most {MAX_FILE_BYTES} are taken")
        file = {
            "sys_id": self._new_id(),
            "table_name": self._table,
            "table_sys_id": args["table_sys_id"],
            "file_name": args["file_name"],
            "content_type": request.mimetype,
            "size_bytes": str(size),
            "sys_created_on": _now(),
        }
        with self._stage.lock:
            self._stage.keep("attached", number=number, file=file)
            self._files.append(file)
        return _answer(file, 201)

    def _new_id(self) -> str:
        return f"{self._stage.random.getrandbits(128):032x}"

    def _number(self, sys_id: str) -> str | None:
        with self._stage.lock:
            return next((number for number, one in self._records.items() if one["sys_id"] == sys_id), None)

    def _progress(self, number: str) -> None:
        """Approve a case that has waited long enough."""
        wait_s = self._stage.behaviour.auto_approve_s
        if wait_s >= 0 and self._records[number]["state"] == NEW and time.time() >= self._accepted_at[number] + wait_s:
            self.move(number, {"state": APPROVED})


def _caller() -> str:
    """Give the user behind a call; a token stands for one of its own."""
    return (request.authorization.username if request.authorization else None) or "integration"


def _answer(result: Any, status: int = 200) -> Response:
    """Give a result in its envelope."""
    response = jsonify({"result": result})
    response.status_code = status
    return response


def _now() -> str:
    """Give the time as the platform writes it."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
