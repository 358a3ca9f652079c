"""Dell (TechDirect): warranty look-up (REST, API v5) and parts dispatch (SOAP, v3).

Source: vendor-apis.md, section 3, as of 2026-11.

How entitlements are read:

- ``INITIAL`` is the warranty that came with the machine, so ``manufacturer_warranty``; everything else was bought on
  top, so ``vendor_contract``. Both are claimed in the same way and paid by the vendor: the difference only ranks lines.
- They cover ``parts`` and never ``labour``: an engineer on site exchanges the part, but does not do the MSP's own work
  of making the unit what it was. On site is a delivery.
- Only codes that were seen to be hardware cover have a service level. An unknown code, or none, leaves the level
  ``unknown``, so that a person looks; four codes are known to be no hardware cover and are left out.
- Accidental damage is an entitlement of its own, so the causes that have nothing to do with the hardware failing by
  itself are excluded from all others.

Dispatches: parts for one service tag, at most four, the defective ones returned. There is no exchange of a whole unit, so
``unit`` goes to a person. Two layers of credentials: the token of the API key, and a TechDirect user in every body.

Class C. Nothing dedupes a ``CreateDispatch``, and no operation searches for a ``ReferencePONumber``. What came of one:

- It exists where the answer names a ``DispatchCode``, whatever else it says; ``Notes`` beside it are information.
- It does not exist where the answer has ``Notes`` and nothing that a dispatch would have, where a fault blames the caller
  or has one of the two known sentences, and where the gateway refuses the call (4xx but 408, 409, 425, 429).
- Anything else may have arrived: no answer, one that cannot be read, a 5xx, and every other fault. Servers say "internal
  error" also where the work was done and only the answer failed.

Nothing of that kind is sent again. ``candidates`` lists what was created since just before the attempt; its answer has no
service tag and no reference, so a person compares. For the same reason there is no ``list_cases``.

UNCERTAIN there, and what was chosen here:

- Days until a defective part is due back: the programme's own rule, so the option ``return_days``; none without it.
- How long a given-up request may still arrive: ``SETTLE_S``, a guess on the long side.
- The answer for a dispatch code that does not exist: a result without a status, and a fault about one code among others
  that were answered, mean "unknown".
- The form of a dispatch code (9 or 10 digits were seen, and ``WO`` for ``SR``): any letters and digits.
- Where ``Inactive`` and ``Locked`` stand: they are read where they are there.
- What ``CAD-Deferred`` and ``FED`` ask of anybody: they move nothing, a person looks.
- The zone names of ``TimeZone``: those of the United States in the one form seen, none elsewhere.
- Lines of the address: street first, then its second line, then the name of the place, which has no field.
- How much a dispatch takes in files, and of which kinds: ``MAX_ATTACHED_BYTES``, a guess on the low side; what it refuses
  beyond that a person reads in its ``Notes``. A dispatch that is submitted again has no place for files.
- A key for look-ups may be another than that for dispatches: then they are two accounts, and that of the dispatches says
  so by ``look_up``.
"""

import base64
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from vendors import soap
from vendors.contract import (
    AccountField,
    AdapterForm,
    Answer,
    ByHand,
    Calls,
    Capabilities,
    Contact,
    Duty,
    Entitlement,
    FieldKind,
    Gate,
    Listed,
    Need,
    NotListed,
    NotListedWhy,
    Promise,
    ReturnRule,
    ReturnStart,
    RmaRequest,
    ShipTo,
    TokenStore,
    Unit,
    VendorAdapter,
    VendorCase,
    VendorFile,
    VendorPart,
    VendorStatus,
)
from vendors.errors import Trouble, VendorError
from vendors.http import ClientCredentials, Http, Kind
from vendors.options import Options
from vendors.scrub import people_of
from vendors.zones import local_zone

HOST = "https://apigtwb2c.us.dell.com"
TOKEN_URL = f"{HOST}/auth/oauth/v2/token"
ENTITLEMENTS_URL = f"{HOST}/PROD/sbil/eapi/v5/asset-entitlements"
DISPATCH_URL = f"{HOST}/PROD/support/dispatch/v3/service"
SANDBOX_HOST = "apigtwb2cnp.us.dell.com"  # as base URL of an account; it has dispatches only, under another path
SANDBOX_DISPATCH_URL = f"https://{SANDBOX_HOST}/Sandbox/support/dispatch/v3/service"
NAMESPACE = "http://api.dell.com"
BATCH_SIZE = 100

# No throttle numbers are published; the longest-lived client takes both for "too busy" and waits this long.
OVERLOAD_S = {401: 30.0, 404: 30.0}
NO_SUCH_TAG = "0000000"
MAX_EXTRA_CALLS = 16

NOT_HARDWARE = frozenset({"D", "DL", "PJ", "PR"})
SERVICES = {  # code: (service level, delivery)
    "CB": ("best_effort", "depot"),  # collect and return
    "ND": ("best_effort", "on_site"),  # on site after remote diagnosis: no speed is promised
    "NU": ("next_business_day", "advance_exchange"),  # ProSupport: parts shipped first, the defective one returned
}
EXCLUDED_CAUSES = ("accidental_damage", "liquid", "surge", "misuse", "theft", "wear")

SETTLE_S = 300.0
MAX_DENIALS = 3
MAX_PARTS = 4
MAX_ATTACHED_BYTES = 5_000_000
"""Of all files together, before base64 makes them a third larger."""

BOOLEANS = {True: "true", False: "false"}
NOTE_CHARS = 1000
MAX_WORD_CHARS = 200
CLOCK_SKEW = timedelta(minutes=5)  # "just before the attempt", by a clock that is not ours
ASKED_ONE_BY_ONE = 10  # candidates that are worth a call each
ACCIDENTS = frozenset(
    {"accidental_damage", "liquid", "surge"}
)  # what its accidental damage service ("Complete Care") is for
RETURN_TO_DEPOT = VendorPart("RTD", "Return to Depot")  # documented, and missing from every answer

REQUESTS = {"GetPartsbyServiceTag": "GetPartsbyServiceTag"}  # the element inside the operation; else "...Request"
RESULTS = {
    "CheckLogin": ("LoginResult",),
    "GetPartsbyServiceTag": ("PartsbyTagResult",),
    "CreateDispatch": ("DispatchCreateResult",),
    "ResubmitDispatch": ("DispatchCreateResult",),
    "GetDispatchStatus": ("DispatchStatusResult",),
    "BulkDispatchesInquiry": (),
}
KNOWN_SENTENCES = {"Invalid Login/Password": Trouble.UNAUTHORISED, "Missing parameters": Trouble.REFUSED}
SOAP = soap.dialect(KNOWN_SENTENCES)

STATUSES = {
    word.casefold(): status
    for status, words in {
        VendorStatus.RECEIVED: ("Request Submitted", "Request Resubmitted"),
        VendorStatus.UNDER_REVIEW: (
            "2H SBD",
            "APJ Queue",
            "BIL ERROR",
            "CAR",
            "Complete Care",
            "L2 Review",
            "L2 DISPATCH",
            "NBD",
            "NON LATIN 1",
            "NPO",
            "Parts Review",
            "PND",
            "Returned to Depot",
            "SBD",
            "SBD4",
            "TAG/CUSTOMER MISMATCH",
        ),
        VendorStatus.ON_HOLD: ("HOLD", "Pending Supervisor"),
        VendorStatus.INFO_REQUIRED: (
            "Pending Request",
            "Pending 2",
            "START",
        ),  # not sent: somebody has to, at TechDirect
        VendorStatus.APPROVED: ("Issued", "DSP", "ORD", "QUE"),
        VendorStatus.SHIPPED: ("Shipped Parts",),
        VendorStatus.DENIED: ("Dispatch Denied",),
        VendorStatus.RETURN_RECEIVED: ("Defective Part Received",),
        VendorStatus.CLOSED: ("Moved_to_Claims_Process", "Claim Submitted", "Parts Returned/Claim Submitted"),
        VendorStatus.UNKNOWN: ("CAD-Deferred", "FED"),  # after the shipment; what they ask for is nowhere said
    }.items()
    for word in words
}

# What a description of the vendor's parts list must name, for each component; whole words, in any case. A component that
# is not here has no words that would tell it from its surroundings: a person chooses.
PART_WORDS = {
    "mainboard": ("motherboard", "mainboard", "system board", "planar"),
    "cpu": ("processor", "cpu"),
    "memory": ("memory", "dimm"),
    "disk": ("hard drive", "solid state drive", "hdd", "ssd"),
    "psu": ("power supply", "power supply unit", "psu"),
    "fan": ("fan",),
    "battery": ("battery",),
    "screen": ("lcd", "screen", "display panel", "monitor"),
    "keyboard": ("keyboard",),
    "nic": ("network card", "network adapter", "nic", "ethernet"),
    "optic": ("transceiver", "sfp", "optic"),
    "controller": ("controller", "raid", "perc"),
}
ACCESSORIES = ("cable", "cord", "bracket", "bezel", "cover", "hinge", "screw")  # "Cable, LCD" is no screen

TIME_ZONES = {
    "America/New_York": "US/Eastern",
    "America/Detroit": "US/Eastern",
    "America/Indiana/Indianapolis": "US/Eastern",
    "America/Kentucky/Louisville": "US/Eastern",
    "America/Chicago": "US/Central",
    "America/Denver": "US/Mountain",
    "America/Boise": "US/Mountain",
    "America/Phoenix": "US/Arizona",
    "America/Los_Angeles": "US/Pacific",
    "America/Anchorage": "US/Alaska",
    "Pacific/Honolulu": "US/Hawaii",
}

# The host's components; a whole unit is no part.
DISPATCHED = frozenset(
    {
        "mainboard",
        "cpu",
        "memory",
        "disk",
        "psu",
        "fan",
        "battery",
        "screen",
        "keyboard",
        "nic",
        "port",
        "optic",
        "controller",
        "toner",
        "drum",
        "lamp",
        "other",
    }
)
WHOLE_UNIT = ByHand(
    portal_url="https://techdirect.dell.com",
    instructions=(
        "Open a support case at TechDirect: Dell exchanges a whole unit by a support case, its dispatch API sends parts only."
    ),
)

_DISPATCHES = frozenset({Duty.OPEN, Duty.TRACK})
_OPENS = frozenset({Duty.OPEN})
_CODE = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class _Technician:
    """The TechDirect user in whose name parts are ordered, and for whom; the triple is empty where it only tracks."""

    login: str
    password: str
    branch: str
    customer: str
    track: str
    address_book_name: str

    @property
    def triple(self) -> tuple[str, str, str]:
        """Branch, customer and track, which only mean something together."""
        return self.branch, self.customer, self.track


class Dell(VendorAdapter):
    """Look-ups and parts dispatches at Dell for one TechDirect account."""

    name: ClassVar[str] = "dell"
    form: ClassVar[AdapterForm] = AdapterForm(
        vendor="dell",
        title="Dell",
        settle_s=SETTLE_S,
        duties=frozenset(Duty),
        fields=(
            AccountField("client_id", "API key of TechDirect", secret=True, required_for=frozenset(Duty)),
            AccountField("client_secret", "its secret", secret=True, required_for=frozenset(Duty)),
            AccountField("technician_login", "TechDirect user who dispatches", secret=True, required_for=_DISPATCHES),
            AccountField("technician_password", "password of that user", secret=True, required_for=_DISPATCHES),
            AccountField("branch", "branch of that user", required_for=_OPENS),
            AccountField("customer", "customer name of that branch", required_for=_OPENS),
            AccountField("track", "track of that branch", required_for=_OPENS),
            AccountField("address_book_name", "TechDirect address in place of each case's own"),
            AccountField(
                "look_up",
                "whether the key is for look-ups too; false where it is for dispatches alone",
                kind=FieldKind.BOOLEAN,
                default="true",
            ),
            AccountField(
                "return_days", "days after shipment until the defective part is due back", kind=FieldKind.NUMBER
            ),
        ),
        promise=Promise.C,
        checked_against="a recorded production answer of the look-up, two independent clients, and its twin; never Dell itself",
        uncertain=(
            "the full list of service levels: an unknown code goes to review",
            "the limit of calls: 401 and 404 are also read as too busy",
            "how long a request that was given up may still arrive: a person compares what was created meanwhile",
            "the days until a defective part is due back: an option of the account",
            "whether one key serves look-ups and dispatches: an option of the account",
            "how much a dispatch takes in files: 5 MB",
            "the answer for a dispatch that does not exist, and what some statuses ask for: a person looks",
        ),
    )

    def __init__(
        self,
        http: Http,
        technician: _Technician | None,
        *,
        looks_up: bool,
        dispatch_url: str,
        settle_s: float,
        return_days: int,
    ) -> None:
        """Take the calls of one account; without a technician it only looks up."""
        self._http = http
        self._technician = technician
        self._looks_up = looks_up
        self._dispatch_url = dispatch_url
        self._settle_s = settle_s
        self._return_days = return_days

    @classmethod
    def from_options(
        cls, options: Mapping[str, str], *, base_url: str | None, tokens: TokenStore, gate: Gate, calls: Calls
    ) -> Self:
        """Build the adapter; needs ``client_id`` and ``client_secret``, and all of a technician or nothing."""
        read = Options(cls.name, options)
        auth = ClientCredentials(TOKEN_URL, read.need("client_id"), read.need("client_secret"), tokens)
        http = Http(
            cls.name,
            base_url=base_url,
            auth=auth,
            gate=gate,
            calls=calls,
            timeout_s=read.timeout_s(calls),
            secrets=read.secrets(cls.form),
            explain=_explain,
        )
        is_sandbox = bool(base_url) and urlsplit(str(base_url)).hostname == SANDBOX_HOST
        return cls(
            http,
            _technician(read),
            looks_up=read.boolean("look_up", default=True),
            dispatch_url=SANDBOX_DISPATCH_URL if is_sandbox else DISPATCH_URL,
            settle_s=read.settle_s(SETTLE_S, calls),
            return_days=int(read.number("return_days", 0)),
        )

    @property
    def capabilities(self) -> Capabilities:
        """Look-ups, a hundred tags a call, no quota is published; and what the technician of the account may do."""
        who, duties = self._technician, {Duty.LOOKUP} if self._looks_up else set()
        if who is not None:
            duties |= {Duty.TRACK, Duty.OPEN} if who.branch else {Duty.TRACK}
        if who is None or not who.branch:
            return Capabilities(duties=frozenset(duties), batch_size=BATCH_SIZE)
        needs = {Need.CONTACT, Need.DIAGNOSIS, Need.PARTS} | (set() if who.address_book_name else {Need.SHIP_TO})
        return Capabilities(
            duties=frozenset(duties),
            promise=self.form.promise,
            settle_s=self._settle_s,
            batch_size=BATCH_SIZE,
            requires=frozenset(needs),
            return_rule=ReturnRule(self._return_days, ReturnStart.SHIPMENT) if self._return_days else None,
            components=DISPATCHED,
            otherwise=WHOLE_UNIT,
            max_denials=MAX_DENIALS,
            max_request_bytes=MAX_ATTACHED_BYTES,
            parts_list=True,
            proposes=True,
        )

    # -----------------------------------------------------------------------------------------------------------------
    # Look-up

    def check(self) -> None:
        """Ask for one tag that no machine has: proves the key, the token and the right to this API; then log in."""
        if self._looks_up:
            self._ask([NO_SUCH_TAG])
        if self._technician is not None:
            self._check_login(self._say("CheckLogin", ()), self._technician)

    def _check_login(self, said: Any, who: _Technician) -> None:
        """Say what keeps the technician from dispatching."""
        expires = soap.text(said, "PasswordExpirationDate")
        for is_so, detail in (
            (_is_true(soap.text(said, "Inactive")), "is inactive: activate it at TechDirect"),
            (_is_true(soap.text(said, "Locked")), "is locked: unlock it at TechDirect"),
            (_is_past(expires), f"has a password that expired on {expires[:10]}: set a new one at TechDirect"),
        ):
            if is_so:
                raise VendorError(
                    self.name,
                    Trouble.UNAUTHORISED,
                    vendor_code="technician",
                    detail=f"the technician of this account {detail}",
                )
        known = [
            tuple(soap.text(one, name) for name in ("BranchName", "CustomerName", "Track"))
            for one in soap.inside(said, "Relationships", "RelationshipInfo")
        ]
        if who.branch and who.triple not in known:
            ours, theirs = " / ".join(who.triple), "; ".join(" / ".join(one) for one in known) or "none"
            raise self._refused(
                "relationship",
                f"branch, customer and track ({ours}) are none of those of the technician, which are: {theirs}",
            )

    def look_up(self, units: Sequence[Unit], *, handle: str | None = None) -> Iterator[Answer]:
        """Ask for units, a hundred tags a call. Dell answers at once, so there is never a ``handle``."""
        del handle
        of_tag: dict[str, list[Unit]] = {}
        for unit in units:
            of_tag.setdefault(unit.serial_number.strip().upper(), []).append(unit)
        sendable = [tag for tag in of_tag if _is_tag(tag)]
        for start in range(0, len(sendable), BATCH_SIZE):
            batch = sendable[start : start + BATCH_SIZE]
            said = self._ask_around_refusals(batch)
            for tag in batch:
                for unit in of_tag.pop(tag):
                    yield self._answer(unit, said.get(tag, "the vendor left this tag out of its answer"))
        detail = "not a service tag: letters and digits only; it was not sent"
        for left in of_tag.values():
            for unit in left:
                yield NotListed(unit, NotListedWhy.UNKNOWN, detail)

    def _ask_around_refusals(self, tags: list[str]) -> dict[str, dict[str, Any] | str]:
        """Ask for tags; where Dell refuses a call, halve it until the tag at fault stands alone.

        Returns:
            Tag to its record, or to the sentence by which Dell refused that tag.
        """
        said: dict[str, dict[str, Any] | str] = {}
        waiting, calls_left = [tags], 1 + MAX_EXTRA_CALLS
        while waiting:
            some = waiting.pop()
            calls_left -= 1
            try:
                said.update(self._ask(some))
            except VendorError as err:
                if err.trouble is not Trouble.REFUSED or err.vendor_code == "blocked_address" or not calls_left:
                    raise
                if len(some) == 1:
                    said[some[0]] = f"the vendor refuses this tag: {err.detail}"
                else:
                    waiting += [some[: len(some) // 2], some[len(some) // 2 :]]
        return said

    def _ask(self, tags: list[str]) -> dict[str, dict[str, Any]]:
        """Make one call: upper-case tag to the vendor's record of it."""
        document = self._http.call(
            Kind.READ, "GET", ENTITLEMENTS_URL, query={"servicetags": ",".join(tags)}, overload_s=OVERLOAD_S
        )
        if not isinstance(document, list) or not all(isinstance(record, dict) for record in document):
            raise self._http.malformed("the look-up answer is not a list of records")
        return {str(record.get("serviceTag", "")).strip().upper(): record for record in document}

    def _answer(self, unit: Unit, record: dict[str, Any] | str) -> Answer:
        """Read one record, or the sentence that stands in its place."""
        if isinstance(record, str):
            return NotListed(unit, NotListedWhy.NOT_PROCESSED, record)
        raw = self._http.kept(record)
        if _is_true(record.get("invalid")):
            return NotListed(unit, NotListedWhy.UNKNOWN, "the vendor does not know this tag", raw)
        if _is_true(record.get("duplicated")):
            return NotListed(unit, NotListedWhy.NOT_PROCESSED, "the vendor knows several machines by this tag", raw)
        country = _text(record.get("countryCode")) or unit.country
        try:
            lines, left_out = _lines(record.get("entitlements"), country, unit.time_zone)
            shipped = _text(record.get("shipDate"))
            shipped_on = _local_day(shipped, country, unit.time_zone)[0] if shipped else None
        except (ValueError, OverflowError) as err:  # OverflowError: a year that no zone can shift
            # A line that cannot be read may be the one that covers the fault: nothing of this answer is used.
            return NotListed(unit, NotListedWhy.NOT_PROCESSED, f"the answer cannot be read: {err}", raw)
        product = _text(record.get("systemDescription")) or _text(record.get("productLineDescription"))
        return Listed(unit, _named(lines), left_out, product, shipped_on, raw)

    # -----------------------------------------------------------------------------------------------------------------
    # Parts

    def parts_for(self, unit: Unit) -> Sequence[VendorPart]:
        """List what can be ordered for a tag, the return to the depot among it. The vendor asks to be asked once a tag."""
        said = self._say("GetPartsbyServiceTag", (("ServiceTag", self._tag(unit)),))
        found = [
            VendorPart(soap.text(one, "PartNumber"), soap.text(one, "PartDescription"))
            for one in soap.inside(said, "Parts", "PartInformation")
        ]
        parts = (*(part for part in found if part.code and part.code != RETURN_TO_DEPOT.code), RETURN_TO_DEPOT)
        return tuple(dict.fromkeys(parts))

    def parts_of(self, component: str, parts: Sequence[VendorPart]) -> Sequence[VendorPart]:
        """Give the parts whose description names the component, and nothing that only belongs to it."""
        words = PART_WORDS.get(component, ())
        return tuple(one for one in parts if _names(one, words) and not _names(one, ACCESSORIES))

    # -----------------------------------------------------------------------------------------------------------------
    # Dispatches

    def open_case(self, request: RmaRequest) -> VendorCase:
        """Create one dispatch, or submit a denied one again. What may have arrived is said at the top of the module."""
        who, people, number = self._logged_in(), people_of(request), request.vendor_case_number
        if not who.branch:
            raise self._refused("option", "branch is missing: this account does not open dispatches")
        if not 1 <= len(request.parts) <= MAX_PARTS:
            asked = ", ".join(request.parts) or "none"
            raise self._refused("parts", f"a dispatch takes one to {MAX_PARTS} parts; asked for: {asked}")
        content: Callable[[Callable[[VendorFile], str]], soap.Fields]
        if number is None:
            operation, content = "CreateDispatch", lambda data: self._dispatch(request, who, data)
        else:
            operation, content = "ResubmitDispatch", lambda _data: _resubmission(request, number)
        sent, shown = (("Dispatch", content(_base64)),), (("Dispatch", content(_measured)),)
        said = self._say(operation, sent, kind=Kind.OPEN, shown=shown, people=people)
        if notes := _refusal(said):
            trouble = soap.known_as(KNOWN_SENTENCES, notes) or Trouble.REFUSED
            detail = self._http.scrubber.text(notes, people)
            raise VendorError(self.name, trouble, vendor_code="notes", detail=detail)
        code = soap.text(said, "DispatchCode")
        if not _CODE.fullmatch(code) or (number is not None and code.upper() != number.upper()):
            raise self._http.malformed("the answer does not name the dispatch")
        # That it exists is a fact, whatever word they have for it; a poll looks at the word itself.
        return self._case(said, number or code, people, at_least=VendorStatus.RECEIVED)

    def read_cases(self, vendor_case_numbers: Sequence[str]) -> Iterator[VendorCase]:
        """Read dispatches by their code, a call each; what goes wrong with one of them does not hide the others."""
        trouble, is_answered = None, False
        for number in filter(_CODE.fullmatch, vendor_case_numbers):
            try:
                case = self._status(number)
            except VendorError as err:
                if not _is_about_one(err):
                    raise
                trouble = trouble or err
                continue
            is_answered = True
            if case is not None:
                yield case
        if trouble is not None and not is_answered:
            raise trouble

    def candidates(self, request: RmaRequest) -> Sequence[VendorCase]:
        """List what was created since just before a request was first sent."""
        if request.first_sent_at is None:
            return ()
        since = (request.first_sent_at - CLOCK_SKEW).astimezone(UTC)
        said = self._say(
            "BulkDispatchesInquiry",
            (("CreatedFromDate", since.isoformat(timespec="seconds")), ("InStatuses", ""), ("Scope", "All")),
        )
        rows = {
            soap.text(row, "Code"): row for row in soap.inside(said, "DispatchInquiryResult", "DispatchInquiryResult")
        }
        if not all(map(_CODE.fullmatch, rows)):
            raise self._http.malformed("the list has a dispatch without a code")
        found = {code: self._case(row, code, {}) for code, row in rows.items()}
        if len(found) <= ASKED_ONE_BY_ONE:
            with suppress(VendorError):  # it adds the reason of a denial, and no more
                found.update((str(case.vendor_case_number), case) for case in self.read_cases(list(found)))
        return tuple(replace(case, is_proposal=True) for case in found.values())

    def _dispatch(self, request: RmaRequest, who: _Technician, data: Callable[[VendorFile], str]) -> soap.Fields:
        """Give the elements of a dispatch; ``data`` turns a file into text."""
        contact = request.contact
        if contact is None or not all(map(str.strip, (contact.name, contact.phone, contact.email))):
            raise self._refused("info_missing", "a dispatch needs a contact with a name, a phone number and an e-mail")
        if who.address_book_name:
            address: soap.Fields = (("AddressBookName", who.address_book_name),)
        elif request.ship_to is not None:
            address = _address(request.ship_to, request.unit.time_zone)
        else:
            raise self._refused("info_missing", "a dispatch needs an address to ship to")
        fields: list[tuple[str, str | soap.Fields]] = [
            ("TechEmail", who.login),
            ("Branch", who.branch),
            ("Customer", who.customer),
            ("Track", who.track),
            ("ServiceTag", self._tag(request.unit)),
            ("PrimaryContactName", _family_name_first(contact)),
            ("PrimaryContactPhone", contact.phone),
            ("PrimaryContactEmail", contact.email),
            ("ShipToAddress", address),
            ("ReferencePONumber", request.client_reference),
            ("RequestCompleteCare", BOOLEANS[request.cause in ACCIDENTS]),
            ("RequestReturnToDepot", BOOLEANS[RETURN_TO_DEPOT.code in request.parts]),
            ("RequestOnSiteTechnician", BOOLEANS[False]),  # the technician of this account does the work
            ("TroubleshootingNote", _note(request)),
            ("Parts", _parts(request.parts)),
        ]
        if sum(len(file.content) for file in request.files) > MAX_ATTACHED_BYTES:
            raise self._refused("too_large", f"a dispatch takes {MAX_ATTACHED_BYTES / 1e6:.0f} MB of files")
        if request.files:
            fields.append(("Attachments", tuple(("AttachmentInfo", _attachment(one, data)) for one in request.files)))
        return fields

    def _status(self, number: str) -> VendorCase | None:
        """Read one dispatch; None where the vendor does not know it."""
        said = self._say("GetDispatchStatus", (("DispatchCode", number),))
        if not soap.text(said, "Status"):
            return None
        answered = soap.text(said, "DispatchCode")
        if answered and answered.upper() != number.upper():
            raise self._http.malformed(f"asked for {number}, answered with {answered}")
        return self._case(said, number, {})

    def _case(
        self, said: Any, number: str, people: Mapping[str, str], *, at_least: VendorStatus = VendorStatus.UNKNOWN
    ) -> VendorCase:
        """Read one dispatch. Our reference is not in any answer."""
        word, ordered = soap.text(said, "Status"), soap.text(said, "DPSNumber") or soap.text(said, "DellDispatchNumber")
        if ordered and not _CODE.fullmatch(ordered):
            raise self._http.malformed("the dispatch has a DPS number that is none")
        status = STATUSES.get(word.casefold(), VendorStatus.UNKNOWN)
        return VendorCase(
            vendor_case_number=number,
            status=at_least if status is VendorStatus.UNKNOWN else status,
            vendor_status=word[:MAX_WORD_CHARS],
            rma_number=ordered or None,
            reason=self._http.scrubber.text(soap.text(said, "OrderDeniedReason"), people)[:500],
            raw=self._http.kept(said, people),
        )

    def _say(
        self,
        operation: str,
        fields: soap.Fields,
        *,
        kind: Kind = Kind.READ,
        shown: soap.Fields | None = None,
        people: Mapping[str, str] | None = None,
    ) -> Any:
        """Make one call of the dispatch service, and give its one result.

        Args:
            operation: one of ``RESULTS``.
            fields: what follows login and password.
            kind, people: as for ``Http.call``.
            shown: what may be kept in place of ``fields``.
        """
        who = self._logged_in()

        def message(login: str, password: str, content: soap.Fields) -> str:
            inner = (("Login", login), ("Password", password), *content)
            return soap.envelope(NAMESPACE, ((operation, ((REQUESTS.get(operation, f"{operation}Request"), inner),)),))

        document = self._http.call(
            kind,
            "POST",
            self._dispatch_url,
            headers={
                "Content-Type": f"{soap.MEDIA_TYPE}; charset=utf-8",
                "SOAPAction": f"{NAMESPACE}/IDispatchService/{operation}",
            },
            raw=message(who.login, who.password, fields).encode(),
            shown=message("***", "***", shown or fields),
            dialect=SOAP,
            people=people,
        )
        results = soap.inside(document, f"{operation}Response", f"{operation}Result", *RESULTS[operation])
        if len(results) != 1:
            raise self._http.malformed(f"the answer has no result of {operation}")
        return results[0]

    def _logged_in(self) -> _Technician:
        """Give the technician of the account."""
        if self._technician is None:
            raise self._refused("option", "technician_login is missing: this account only looks up")
        return self._technician

    def _tag(self, unit: Unit) -> str:
        """Give the service tag of a unit as the vendor writes it."""
        tag = unit.serial_number.strip().upper()
        if not _is_tag(tag):
            raise self._refused("tag", f"{tag or 'nothing'} is not a service tag: letters and digits only")
        return tag

    def _refused(self, code: str, detail: str) -> VendorError:
        """Say no before anything is sent."""
        return VendorError(self.name, Trouble.REFUSED, vendor_code=code, detail=detail)


def _technician(read: Options) -> _Technician | None:
    """Read the technician: login and password go together, and so do branch, customer and track."""
    if not read.text("technician_login") and not read.text("technician_password"):
        return None
    opens = any(read.text(name) for name in ("branch", "customer", "track"))
    need = read.need if opens else read.text
    return _Technician(
        login=read.need("technician_login"),
        password=read.need("technician_password"),
        branch=need("branch"),
        customer=need("customer"),
        track=need("track"),
        address_book_name=read.text("address_book_name"),
    )


def _resubmission(request: RmaRequest, number: str) -> soap.Fields:
    """Give the elements by which a denied dispatch is submitted again."""
    return (("DispatchCode", number), ("TroubleshootingNote", _note(request)), ("Parts", _parts(request.parts)))


def _refusal(said: Any) -> str:
    """Give the notes of a result that is a refusal; empty where it is none, or where anything hints at a dispatch."""
    hints = [hint for name in ("DispatchID", "DispatchCode", "Status") for hint in soap.inside(said, name)]
    if any(hints) or soap.text(said, "Result").casefold() == "success":
        return ""
    return " ".join(note for note in soap.inside(said, "Notes", "string") if isinstance(note, str))


def _address(to: ShipTo, time_zone: str) -> soap.Fields:
    """Give an address; lines that are empty, and a zone without a known name, are left out."""
    lines = [line.strip() for line in (to.address_line1, to.address_line2, to.name) if line.strip()]
    fields = (
        ("CountryISOCode", to.country.strip().upper()),
        ("City", to.city),
        ("State", to.state),
        ("ZipPostalCode", to.postal_code),
        *((f"AddressLine{number}", line) for number, line in enumerate(lines, start=1)),
        ("TimeZone", TIME_ZONES.get(time_zone, time_zone if time_zone.startswith("US/") else "")),
    )
    return tuple((name, value) for name, value in fields if value.strip())


def _parts(codes: Iterable[str]) -> soap.Fields:
    """Give the parts; a code that stands twice is ordered twice. ``Quanitity`` is the vendor's own spelling."""
    return tuple(
        ("PartInfo", (("PartNumber", code), ("PPID", ""), ("Quanitity", str(count))))
        for code, count in Counter(codes).items()
    )


def _attachment(file: VendorFile, data: Callable[[VendorFile], str]) -> soap.Fields:
    """Give one file."""
    return (
        ("Description", file.name),
        ("FileName", file.name),
        ("MIMEType", file.content_type),
        ("Data", data(file)),
    )


def _base64(file: VendorFile) -> str:
    """Give a file as it travels."""
    return base64.b64encode(file.content).decode()


def _measured(file: VendorFile) -> str:
    """Give a file as it may be kept."""
    return f"({len(file.content)} bytes)"


def _note(request: RmaRequest) -> str:
    """Give the troubleshooting note, what decides first; the vendor counts UTF-16, as .NET does."""
    rows = (
        ("Fault", request.symptom),
        ("Diagnostic code", request.diagnostic_code),
        ("Component", " ".join(filter(None, (request.component, request.component_ref)))),
        ("Troubleshooting", request.troubleshooting),
    )
    note = "\n".join(f"{key}: {value.strip()}" for key, value in rows if value.strip())
    units = note.encode("utf-16-le", "replace")
    if len(units) <= 2 * NOTE_CHARS:
        return note
    return units[: 2 * (NOTE_CHARS - 3)].decode("utf-16-le", "ignore") + "..."


def _family_name_first(contact: Contact) -> str:
    """Give a name as ``Jansen,Els``; one that has a comma, or a single word, stays as it is."""
    *first, last = contact.name.split()
    return f"{last},{' '.join(first)}" if first and "," not in contact.name else contact.name.strip()


def _names(part: VendorPart, words: Sequence[str]) -> bool:
    """Whether a description names one of these things, also in the plural."""
    found = "|".join(map(re.escape, words))
    return bool(words) and re.search(rf"\b(?:{found})s?\b", part.description, re.IGNORECASE) is not None


def _is_tag(tag: str) -> bool:
    """Whether a text can be a service tag: one bad tag may fail a whole call, and a comma in it would ask for two."""
    return tag.isascii() and tag.isalnum()


def _is_about_one(err: VendorError) -> bool:
    """Whether an error may be about one dispatch: the vendor answered, and said no or what makes no sense."""
    if err.trouble in {Trouble.REFUSED, Trouble.UNREACHABLE}:
        return err.vendor_code.startswith(soap.FAULT)
    return err.trouble is Trouble.MALFORMED


def _is_past(text: str) -> bool:
    """Whether an instant has passed; one that is missing, cannot be read or is the year 1 (.NET's "never") has not."""
    try:
        at = _instant(text)
    except ValueError:
        return False
    return at.year > 1 and at < datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Line:
    """One row of hardware cover, its days read."""

    item: str
    type: str
    code: str
    description: str
    starts_on: date
    ends_on: date
    zone: str
    starts_raw: str
    ends_raw: str


def _lines(rows: Any, country: str, site_zone: str) -> tuple[list[_Line], tuple[str, ...]]:
    """Read the rows of one machine: the lines of hardware cover, and what was left out and why.

    Raises:
        ValueError: a row, or a date in it, that cannot be read.
    """
    if rows is None:
        rows = []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("entitlements is not a list of rows")
    lines, left_out = [], []
    for row in rows:
        code, name = _text(row.get("serviceLevelCode")).upper(), _text(row.get("serviceLevelDescription"))
        label = " ".join(filter(None, (_text(row.get("itemNumber")), code, name))) or "a row without a name"
        starts_raw, ends_raw = _text(row.get("startDate")), _text(row.get("endDate"))
        if code in NOT_HARDWARE:
            left_out.append(f"{label}: not hardware cover")
        elif not starts_raw or not ends_raw:
            left_out.append(f"{label}: without a start or an end")
        else:
            starts_on, zone = _local_day(starts_raw, country, site_zone)
            ends_on = _end_day(ends_raw, country, site_zone)
            if ends_on < starts_on:
                raise ValueError(f"{label} ends before it starts")
            item, kind = _text(row.get("itemNumber")), _text(row.get("entitlementType")).upper()
            lines.append(_Line(item, kind, code, name, starts_on, ends_on, zone, starts_raw, ends_raw))
    return lines, tuple(left_out)


def _named(lines: list[_Line]) -> tuple[Entitlement, ...]:
    """Give every line a name that it keeps when it is asked for again.

    The item number where there is one, else service, type and first day; never the end, which a renewal moves, and
    never the time of day, which strays by milliseconds. Twins of one name are numbered in an order that does not depend
    on that of the answer.
    """
    seen: dict[str, int] = {}
    named = []
    for line in sorted(
        lines, key=lambda one: (one.starts_on, one.ends_on, one.starts_raw, one.ends_raw, one.item, one.code)
    ):
        name = line.item or f"{line.code or line.description}/{line.type}/{line.starts_on}"
        seen[name] = seen.get(name, 0) + 1
        level, delivery = SERVICES.get(line.code, ("unknown", "unknown"))
        named.append(
            Entitlement(
                vendor_line=name if seen[name] == 1 else f"{name}#{seen[name]}",
                kind="manufacturer_warranty" if line.type == "INITIAL" else "vendor_contract",
                fulfilment="vendor_rma",
                service_level=level,
                delivery=delivery,
                covers=("parts",),
                starts_on=line.starts_on,
                ends_on=line.ends_on,
                time_zone=line.zone,
                starts_raw=line.starts_raw,
                ends_raw=line.ends_raw,
                name=line.description,
                vendor_code=line.code,
                excluded_causes=EXCLUDED_CAUSES,
            )
        )
    return tuple(named)


def _end_day(text: str, country: str, site_zone: str) -> date:
    """Read an end: 23:59:59Z is how Dell writes "to the end of that day"; anything else is an instant."""
    at = _instant(text)
    if (at.hour, at.minute, at.second) == (23, 59, 59):
        return at.date()
    return _local_day(text, country, site_zone)[0]


def _local_day(text: str, country: str, site_zone: str) -> tuple[date, str]:
    """Read an instant as a day of the country, and name the zone: 23:00Z is local midnight of the next day."""
    at = _instant(text)
    zone = local_zone(country, site_zone, at)
    return at.astimezone(zone).date(), zone.key


def _instant(text: str) -> datetime:
    """Read a timestamp, with or without milliseconds, in UTC."""
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _text(value: Any) -> str:
    """Give a text field; null, and a number where a text belongs, read as the text that they would be."""
    return "" if value is None else str(value).strip()


def _is_true(value: Any) -> bool:
    """Read a flag that comes as null, false, true, or their text."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _explain(document: Any) -> tuple[str, str]:
    """Read an error: the dispatch service has faults, the token endpoint ``error`` and ``error_description``, others differ."""
    fault = soap.fault(document)
    if fault is not None:
        return f"{soap.FAULT} {fault.code}".strip(), fault.text
    if not isinstance(document, dict):
        return "", ""
    return _text(document.get("error")), _text(document.get("error_description") or document.get("message"))
