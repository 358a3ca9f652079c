"""Dell, pretended: token endpoint, asset entitlements, and the SOAP service of dispatches.

Source: vendor-apis.md, section 3. The service is strict: both layers of credentials, elements in their order and spelling,
the limits; and asynchronous: a dispatch is submitted first, and somebody approves or denies it later.

Any technician is accepted whose password is not ``wrong``; one whose login begins with ``inactive``, ``locked`` or
``expired`` is just that. Branch, customer and track must be one of ``RELATIONSHIPS``. A tag must be registered.
"""

import base64
import binascii
import time as clock
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from flask import Blueprint, Response, jsonify, request

from vendors.sandbox._stage import Stage

MAX_TAGS = 100
DESCRIPTIONS = {
    "CB": "Collect and Return Support",
    "ND": "Onsite Service After Remote Diagnosis",
    "NU": "ProSupport with Next Business Day Service",
}

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACE = "http://api.dell.com"
ACTION = f"{NAMESPACE}/IDispatchService/"
SERVICES = ("/PROD/support/dispatch/v3/service", "/Sandbox/support/dispatch/v3/service")
RELATIONSHIPS = (
    ("Utrecht Depot", "Some Client BV", "Tier 1"),
    ("Utrecht Depot", "Other Client BV", "Tier 2"),
)
PARTS = (  # of a tag that was registered without a list of its own: type, code, description
    ("Motherboards", "MBD", "Motherboard, Planar"),
    ("Processors", "CPU", "Processor, Intel Xeon"),
    ("Memory", "MEM", "Memory, DIMM, 16 GB"),
    ("Hard Drives, Accessories", "HRD", "Storage, Hard Drive"),
    ("Power", "PWS", "Power Supply, 800W"),
    ("Cables", "CBL", "Cable, Power Supply"),
    ("Fans", "FAN", "Fan, Chassis"),
    ("Batteries", "BAT", "Battery, Primary"),
    ("Displays", "LCD", "LCD, 14 inch"),
    ("Keyboards", "KBD", "Keyboard, US"),
)
DEPOT = "RTD"  # documented, and missing from every list
MAX_PARTS, MAX_DENIALS, NOTE_CHARS = 4, 3, 1000

SUBMITTED, RESUBMITTED, DENIED = "Request Submitted", "Request Resubmitted", "Dispatch Denied"
APPROVED = frozenset({"Issued", "DSP", "ORD", "QUE", "Shipped Parts"})
WORDS = {  # one word of the vendor's for each of ours
    "received": SUBMITTED,
    "under_review": "Parts Review",
    "info_required": "Pending Request",
    "on_hold": "HOLD",
    "approved": "DSP",
    "shipped": "Shipped Parts",
    "denied": DENIED,
    "return_received": "Defective Part Received",
    "closed": "Claim Submitted",
}

# Elements in their order: name, whether it must be there with a value, and what is inside. A star: it may repeat.
_Shape = tuple[tuple[str, bool, Any], ...]
_LOGIN: _Shape = (("Login", True, None), ("Password", True, None))
_PARTS: _Shape = (("PartInfo*", True, (("PartNumber", True, None), ("PPID", False, None), ("Quanitity", True, None))),)
_FILES: _Shape = (
    (
        "AttachmentInfo*",
        False,
        (("Description", False, None), ("FileName", True, None), ("MIMEType", False, None), ("Data", True, None)),
    ),
)
_DETAILS = (
    "CountryISOCode",
    "City",
    "State",
    "ZipPostalCode",
    "AddressLine1",
    "AddressLine2",
    "AddressLine3",
    "TimeZone",
)
_FLAGS = ("RequestCompleteCare", "RequestReturnToDepot", "RequestOnSiteTechnician")
_DISPATCH: _Shape = (
    *((name, True, None) for name in ("TechEmail", "Branch", "Customer", "Track", "ServiceTag")),
    *((f"PrimaryContact{name}", True, None) for name in ("Name", "Phone", "Email")),
    *((f"AlternativeContact{name}", False, None) for name in ("Name", "Phone")),
    ("ShipToAddress", True, tuple((name, False, None) for name in ("AddressBookName", *_DETAILS))),
    ("ReferencePONumber", False, None),
    *((name, True, None) for name in _FLAGS),
    ("TroubleshootingNote", True, None),
    ("OverrideDPSType", False, None),
    ("Parts", True, _PARTS),
    ("Attachments", False, _FILES),
)
_AGAIN: _Shape = (("DispatchCode", True, None), ("TroubleshootingNote", True, None), ("Parts", True, _PARTS))
_REQUESTS: dict[str, tuple[str, _Shape]] = {
    "CheckLogin": ("CheckLoginRequest", _LOGIN),
    "GetPartsbyServiceTag": ("GetPartsbyServiceTag", (*_LOGIN, ("ServiceTag", True, None))),
    "CreateDispatch": ("CreateDispatchRequest", (*_LOGIN, ("Dispatch", True, _DISPATCH))),
    "ResubmitDispatch": ("ResubmitDispatchRequest", (*_LOGIN, ("Dispatch", True, _AGAIN))),
    "GetDispatchStatus": ("GetDispatchStatusRequest", (*_LOGIN, ("DispatchCode", True, None))),
    "BulkDispatchesInquiry": (
        "BulkDispatchesInquiryRequest",
        (*_LOGIN, ("CreatedFromDate", True, None), ("InStatuses", False, None), ("Scope", True, None)),
    ),
}
_OPENS = frozenset({"CreateDispatch", "ResubmitDispatch"})


class _Refused(Exception):
    """A business rule says no; the messages are its ``Notes``."""


class _Fault(Exception):
    """The service says no: who is to blame, and the sentence."""


def error(status: int, text: str) -> Response:
    """Give an error as this vendor words it."""
    if request.path in SERVICES:
        return _fault(status, "Server", text)
    response = jsonify({"error": f"E{status}", "error_description": text})
    response.status_code = status
    return response


class Play:
    """The twin: what it knows of each tag, its dispatches, and its endpoints."""

    def __init__(self, stage: Stage) -> None:
        """Remember the tags and dispatches of an earlier process."""
        self._stage = stage
        self._tags: dict[str, dict[str, Any]] = {}
        self._parts: dict[str, list[list[str]]] = {}
        self._dispatches: dict[str, dict[str, Any]] = {}
        self._created_at: dict[str, float] = {}
        self._submitted_at: dict[str, float] = {}
        for entry in stage.kept():
            self._take_in(entry)
        self.blueprint = Blueprint("dell", __name__)
        self.blueprint.post("/auth/oauth/v2/token")(self.token)
        self.blueprint.get("/PROD/sbil/eapi/v5/asset-entitlements")(self.entitlements)
        for path in SERVICES:
            self.blueprint.post(path)(self.dispatch)

    def _take_in(self, entry: dict[str, Any]) -> None:
        """Let an entry of the ledger be so."""
        match entry["event"]:
            case "registered":
                tag = entry["record"]["serviceTag"]
                self._tags[tag], self._parts[tag] = entry["record"], entry["parts"]
            case "opened":
                number = entry["number"]
                self._dispatches[number] = dict(entry["record"])
                self._created_at[number] = self._submitted_at[number] = entry["at"]
            case _:  # it was moved, or submitted again
                self._dispatches[entry["number"]].update(entry["changes"])
                if entry["event"] == "resubmitted":
                    self._submitted_at[entry["number"]] = entry["at"]

    def _keep(self, event: str, **entry: Any) -> None:
        """Write down what happened, and let it be so."""
        self._stage.keep(event, **entry)
        self._take_in({"event": event, "at": clock.time(), **entry})

    def register(self, tag: str, record: dict[str, Any]) -> None:
        """Make a tag known.

        Args:
            tag: the service tag.
            record: the vendor's record of it; every field may be missing. A row of ``entitlements`` is the vendor's
                own, or the short form ``{"code", "type", "starts_on", "ends_on"}`` with days in the record's
                ``time_zone`` (UTC where missing), which is written as the vendor writes it. ``parts`` is its parts list:
                rows of type, code and description; ``PARTS`` where missing.

        Raises:
            ValueError: a day that is none.
        """
        record = dict(record)
        zone = ZoneInfo(record.pop("time_zone", "UTC"))
        rows = [_row(row, zone, number) for number, row in enumerate(record.pop("entitlements", []), start=1)]
        parts = [list(row) for row in record.pop("parts", PARTS)]
        known = {
            "id": len(self._tags) + 1,
            "serviceTag": tag.strip().upper(),
            "orderBuid": "707",
            "shipDate": rows[0]["startDate"] if rows else None,
            "productId": None,
            "productLineDescription": None,
            "systemDescription": None,
            "localChannel": "ENTP",
            "countryCode": None,
            "duplicated": None,
            "invalid": None,
            **record,
            "entitlements": rows,
        }
        self._keep("registered", record=known, parts=parts)

    def move(self, number: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Move a dispatch, as somebody at the vendor would; gives the record.

        Args:
            number: its code.
            changes: ``status`` (or ``state``), a word of the vendor's or ours for one; ``DPSNumber``, which approval
                issues where it is not given; ``OrderDeniedReason``.

        Raises:
            KeyError: there is no such dispatch.
            ValueError: an unknown column or status.
        """
        with self._stage.lock:
            record = self._dispatches[number]
            changes = dict(changes)
            if unknown := set(changes) - {"status", "state", "DPSNumber", "OrderDeniedReason"}:
                raise ValueError(f"unknown column {', '.join(sorted(unknown))}")
            word = changes.pop("state", None) or record["Status"]
            word = changes.pop("status", word)
            status = WORDS.get(word, word)
            if status not in {*WORDS.values(), *APPROVED, RESUBMITTED}:
                raise ValueError(f"unknown status {word}")
            changes["Status"] = status
            if status in APPROVED and not record["DPSNumber"]:
                changes.setdefault("DPSNumber", f"42{number.removeprefix('SR')[-7:]}")
            if status == DENIED and record["Status"] != DENIED:
                changes["denials"] = record["denials"] + 1
                changes.setdefault("OrderDeniedReason", "Not enough troubleshooting")
            self._keep("moved", number=number, changes=changes)
            return dict(record)

    # -- look-up

    def token(self) -> Response:
        """Answer the token endpoint."""
        if request.mimetype != "application/x-www-form-urlencoded":
            return error(400, "the body must be a form")
        if unknown := set(request.form) - {"grant_type", "client_id", "client_secret", "scope"}:
            return error(400, f"unknown field {', '.join(sorted(unknown))}")
        if request.form.get("grant_type") != "client_credentials":
            return error(400, "unsupported grant type")
        if not self._stage.login():
            return error(401, "Invalid client credentials")
        return jsonify(self._stage.new_token())

    def entitlements(self) -> Response:
        """Answer the look-up."""
        return self._stage.read(self._entitlements)

    def _entitlements(self) -> Response:
        if not self._stage.has_token():
            return error(401, "Access token is missing, unknown or expired")
        if set(request.args) != {"servicetags"} or len(request.args.getlist("servicetags")) != 1:
            return error(400, "exactly one parameter is taken: servicetags")
        tags = request.args["servicetags"].upper().split(",")
        if len(tags) > MAX_TAGS:
            return error(400, f"at most {MAX_TAGS} service tags")
        if not all(tag.isascii() and tag.isalnum() for tag in tags):
            return error(400, "not a service tag")
        nothing: dict[str, Any] = {"invalid": True, "entitlements": []}
        records = [self._tags.get(tag, {"serviceTag": tag, **nothing}) for tag in dict.fromkeys(tags)]
        self._stage.random.shuffle(records)  # no order is promised
        return jsonify(records)

    # -- dispatches

    def dispatch(self) -> Response:
        """Answer the dispatch service: the operation is that of the ``SOAPAction``."""
        operation = request.headers.get("SOAPAction", "").removeprefix(ACTION)
        play = self._stage.open if operation in _OPENS else self._stage.read
        return play(lambda: self._said(operation))

    def _said(self, operation: str) -> Response:
        if not self._stage.has_token():
            return error(401, "Access token is missing, unknown or expired")
        try:
            result = self._result(operation)
        except _Fault as no:
            return _fault(500, *no.args)
        except _Refused as no:
            notes = [("string", note) for note in no.args]
            result = [("DispatchCreateResult", [("Result", "ValidationError"), ("DispatchCode", ""), ("Notes", notes)])]
        body = _xml([(f"{operation}Response", [(f"{operation}Result", result)])], f' xmlns="{NAMESPACE}"')
        return _envelope(200, body)

    def _result(self, operation: str) -> Any:
        answers: dict[str, Callable[[dict[str, Any]], Any]] = {
            "CheckLogin": self._check_login,
            "GetPartsbyServiceTag": self._parts_of,
            "CreateDispatch": self._create,
            "ResubmitDispatch": self._resubmit,
            "GetDispatchStatus": self._status,
            "BulkDispatchesInquiry": self._bulk,
        }
        if request.mimetype != "text/xml" or operation not in answers:
            raise _Fault("Client", "a known SOAPAction and a body of text/xml are needed")
        asked = _asked(operation, request.get_data())
        if asked["Password"] == "wrong":  # noqa: S105 -- the one that is refused
            raise _Fault("Server", "Server was unable to process request. ---> Invalid Login/Password")
        with self._stage.lock:
            for number in self._dispatches:
                self._progress(number)
            return answers[operation](asked)

    def _check_login(self, asked: dict[str, Any]) -> Any:
        kind = asked["Login"].partition("@")[0].partition(".")[0]
        expires = datetime.now(UTC) + timedelta(days=-1 if kind == "expired" else 90)
        names = ("BranchName", "CustomerName", "Track")
        known = [("RelationshipInfo", list(zip(names, row, strict=True))) for row in RELATIONSHIPS]
        return [
            (
                "LoginResult",
                [
                    ("FullName", "One, Technician"),
                    ("Role", "Technician"),
                    ("PasswordExpirationDate", expires.isoformat(timespec="seconds")),
                    ("Inactive", _text(kind == "inactive")),
                    ("Locked", _text(kind == "locked")),
                    ("HomeBranch", RELATIONSHIPS[0][0]),
                    ("Relationships", known),
                    (
                        "Certificates",
                        [("CertificateInfo", [("Certificate", "Certified"), ("ExpirationDate", "2999-01-24")])],
                    ),
                    ("DSP", "false"),
                ],
            )
        ]

    def _parts_of(self, asked: dict[str, Any]) -> Any:
        tag = asked["ServiceTag"].upper()
        if tag not in self._tags:
            raise _Fault("Client", f"{tag} is not a valid service tag")
        names = ("PartTypeCode", "PartNumber", "PartDescription")
        rows = [("PartInformation", list(zip(names, row, strict=True))) for row in self._parts[tag]]
        model = self._tags[tag]["systemDescription"] or ""
        return [
            ("PartsbyTagResult", [("Model", model), ("ModelDescription", model), ("Parts", rows), ("ServiceTag", tag)])
        ]

    def _create(self, asked: dict[str, Any]) -> Any:
        wanted = asked["Dispatch"]
        tag, address = wanted["ServiceTag"].upper(), wanted["ShipToAddress"]
        if (wanted["Branch"], wanted["Customer"], wanted["Track"]) not in RELATIONSHIPS:
            raise _Refused("The customer is not valid for this branch and track.")
        if tag not in self._tags:
            raise _Refused(f"{tag} is not a valid service tag.")
        if any(wanted[name] not in {"true", "false"} for name in _FLAGS):
            raise _Fault("Client", "a flag is true or false")
        if address.get("AddressBookName") and len(address) > 1:
            raise _Refused("The detailed address is not allowed beside an address book name.")
        if not address.get("AddressBookName") and not all(map(address.get, ("CountryISOCode", "City", "AddressLine1"))):
            raise _Fault("Server", "Missing parameters: CountryISOCode, City or AddressLine1")
        sizes = {}
        for file in wanted.get("Attachments", {}).get("AttachmentInfo", ()):
            try:
                sizes[file["FileName"]] = len(base64.b64decode(file["Data"], validate=True))
            except binascii.Error:
                raise _Fault("Client", "Data is not base64") from None
        codes = self._ordered(tag, wanted)
        number = f"SR{900000001 + len(self._dispatches)}"
        record = {
            "DispatchID": f"{self._stage.random.getrandbits(128):032X}",
            "DispatchCode": number,
            "Status": SUBMITTED,
            "DPSNumber": "",
            "OrderDeniedReason": "",
            "ServiceTag": tag,
            "Parts": codes,
            "TroubleshootingNote": wanted["TroubleshootingNote"],
            "Files": sizes,
            "denials": 0,
        }
        self._keep("opened", number=number, reference=wanted.get("ReferencePONumber", ""), record=record)
        return self._created(record)

    def _resubmit(self, asked: dict[str, Any]) -> Any:
        wanted = asked["Dispatch"]
        record = self._dispatches.get(wanted["DispatchCode"])
        if record is None or record["Status"] != DENIED:
            raise _Refused(f"{wanted['DispatchCode']} is not a denied request.")
        if record["denials"] >= MAX_DENIALS:
            raise _Refused("The request was denied three times and is no longer valid. Submit a new one.")
        changes = {
            "Status": RESUBMITTED,
            "OrderDeniedReason": "",
            "Parts": self._ordered(record["ServiceTag"], wanted),
            "TroubleshootingNote": wanted["TroubleshootingNote"],
        }
        self._keep("resubmitted", number=record["DispatchCode"], changes=changes)
        return self._created(record)

    def _ordered(self, tag: str, wanted: dict[str, Any]) -> dict[str, int]:
        """Read the parts that are ordered; the rules of the note are the same everywhere, so they are here too."""
        if len(wanted["TroubleshootingNote"].encode("utf-16-le")) > 2 * NOTE_CHARS:
            raise _Refused(f"The troubleshooting note is limited to {NOTE_CHARS} characters.")
        parts = wanted["Parts"]["PartInfo"]
        if not all(part["Quanitity"].isdigit() for part in parts):
            raise _Fault("Client", "Quanitity is a number")
        codes = {part["PartNumber"]: int(part["Quanitity"]) for part in parts}
        if len(codes) < len(parts) or not 1 <= sum(codes.values()) <= MAX_PARTS:
            raise _Refused(f"A dispatch is limited to {MAX_PARTS} parts, each listed once.")
        if unknown := set(codes) - {row[1] for row in self._parts[tag]} - {DEPOT}:
            raise _Refused(f"{', '.join(sorted(unknown))} is not a valid part for {tag}.")
        return codes

    def _created(self, record: dict[str, Any]) -> Any:
        names = ("DispatchID", "DispatchCode", "Status")
        rows = [("Result", "Success"), *((name, record[name]) for name in names), ("Notes", "")]
        return [("DispatchCreateResult", rows)]

    def _status(self, asked: dict[str, Any]) -> Any:
        record = self._dispatches.get(asked["DispatchCode"])
        if record is None or not self._is_visible(asked["DispatchCode"]):
            rows = [("Result", "NotFound"), ("Status", "")]
        else:
            names = ("Status", "DPSNumber", "DispatchCode", "OrderDeniedReason")
            rows = [("Result", "Success"), *((name, record[name]) for name in names)]
        return [("DispatchStatusResult", rows)]

    def _bulk(self, asked: dict[str, Any]) -> Any:
        try:
            since = datetime.fromisoformat(asked["CreatedFromDate"])
        except ValueError:
            raise _Fault("Client", "CreatedFromDate looks like 2011-07-01T00:00:00-05:00") from None
        if since.tzinfo is None or asked["Scope"] != "All" or asked.get("InStatuses"):
            raise _Fault("Client", "CreatedFromDate has an offset, Scope is All, and this twin filters by no status")
        rows = [
            (
                "DispatchInquiryResult",
                [("Code", number), ("DellDispatchNumber", record["DPSNumber"]), ("Status", record["Status"])],
            )
            for number, record in self._dispatches.items()
            if self._created_at[number] >= since.timestamp() and self._is_visible(number)
        ]
        return [("DispatchInquiryResult", rows)]

    def _is_visible(self, number: str) -> bool:
        return self._created_at[number] <= clock.time() - self._stage.behaviour.lookup_lag

    def _progress(self, number: str) -> None:
        """Approve a dispatch that has waited long enough."""
        wait_s, record = self._stage.behaviour.auto_approve_s, self._dispatches[number]
        is_waiting = wait_s >= 0 and record["Status"] in {SUBMITTED, RESUBMITTED}
        if is_waiting and clock.time() >= self._submitted_at[number] + wait_s:
            self.move(number, {"status": "DSP"})


# ---------------------------------------------------------------------------------------------------------------------
# XML


def _asked(operation: str, body: bytes) -> dict[str, Any]:
    """Read a request, strictly.

    Raises:
        _Fault: it is not as the page has it, or something is missing.
    """
    name, shape = _REQUESTS[operation]
    try:
        envelope = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as err:
        raise _Fault("Client", f"the body cannot be read: {err}") from None
    inner = envelope
    for path in (f"{{{SOAP}}}Body", f"{{{NAMESPACE}}}{operation}", f"{{{NAMESPACE}}}{name}"):
        found = inner.find(path)
        if envelope.tag != f"{{{SOAP}}}Envelope" or found is None:
            raise _Fault("Client", f"the request has no {path}")
        inner = found
    read: dict[str, Any] = _read(inner, shape)
    return read


def _read(element: Element, shape: _Shape | None) -> Any:
    """Read an element: a text, or a mapping of those inside that are not empty.

    Raises:
        _Fault: an element that is unknown, not where it belongs, or missing.
    """
    if shape is None:
        if len(element):
            raise _Fault("Client", f"{element.tag} holds a text")
        return (element.text or "").strip()
    order = [name.rstrip("*") for name, _, _ in shape]
    place, read = 0, dict[str, Any]()
    for one in element:
        namespace, _, name = one.tag.rpartition("}")
        if namespace != f"{{{NAMESPACE}" or name not in order:
            raise _Fault("Client", f"unknown element {one.tag}")
        repeats = shape[order.index(name)][0].endswith("*")
        if order.index(name) < place or (name in read and not repeats):
            raise _Fault("Client", f"{name} is not where it belongs")
        place = order.index(name)
        value = _read(one, shape[place][2])
        if repeats:
            read.setdefault(name, []).append(value)
        elif value:
            read[name] = value
    if missing := [name for name, is_needed, _ in shape if is_needed and not read.get(name.rstrip("*"))]:
        raise _Fault("Server", f"Missing parameters: {', '.join(missing)}")
    return read


def _xml(fields: Any, attributes: str = "") -> str:
    """Write elements: pairs of a name and a text, or of a name and more elements."""
    return "".join(
        f"<{name}{attributes}>{escape(value) if isinstance(value, str) else _xml(value)}</{name}>"
        for name, value in fields
    )


def _envelope(status: int, content: str) -> Response:
    """Give an answer."""
    envelope = f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body>{content}</soap:Body></soap:Envelope>'
    return Response(f'<?xml version="1.0" encoding="utf-8"?>{envelope}', status, content_type="text/xml; charset=utf-8")


def _fault(status: int, code: str, text: str) -> Response:
    """Give a fault."""
    inner = _xml([("faultcode", f"soap:{code}"), ("faultstring", text)])
    return _envelope(status, f"<soap:Fault>{inner}</soap:Fault>")


def _text(flag: object) -> str:
    """Give a flag as the vendor writes it."""
    return str(bool(flag)).lower()


def _row(row: dict[str, Any], zone: ZoneInfo, number: int) -> dict[str, Any]:
    """Give one entitlement as the vendor writes it."""
    if "starts_on" not in row:
        return row
    code = row.get("code")
    starts = datetime.combine(date.fromisoformat(row["starts_on"]), time(), zone).astimezone(UTC)
    after = datetime.combine(date.fromisoformat(row["ends_on"]) + timedelta(days=1), time(), zone).astimezone(UTC)
    return {
        "itemNumber": row.get("item", f"997-{11000 + number}"),
        "startDate": f"{starts:%Y-%m-%dT%H:%M:%SZ}",
        "endDate": f"{after - timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}.{number:03d}Z",
        "entitlementType": row.get("type", "INITIAL"),
        "serviceLevelCode": code,
        "serviceLevelDescription": row.get("description", DESCRIPTIONS.get(str(code))),
        "serviceLevelGroup": "5",
    }
