"""Dell (TechDirect): warranty look-up by service tag, API v5. Source: vendor-apis.md, section 3.1, as of 2026-11.

Look-ups only: opening and tracking dispatches is another API (SOAP) and no part of this adapter; the options that it
takes are known by name, so that an account is set up once.

How entitlements are read:

- ``INITIAL`` is the warranty that came with the machine, so ``manufacturer_warranty``; everything else was bought on
  top, so ``vendor_contract``. Both are claimed in the same way and paid by the vendor: the difference only ranks lines.
- They cover ``parts`` and never ``labour``: an engineer on site exchanges the part, but does not do the MSP's own work
  of making the unit what it was. On site is a delivery.
- Only codes that were seen to be hardware cover have a service level. An unknown code, or none, leaves the level
  ``unknown``, so that a person looks; four codes are known to be no hardware cover and are left out.
- Accidental damage is an entitlement of its own, so the causes that have nothing to do with the hardware failing by
  itself are excluded from all others.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Self

from vendors.contract import (
    AccountField,
    AdapterForm,
    Answer,
    Calls,
    Capabilities,
    Duty,
    Entitlement,
    Gate,
    Listed,
    NotListed,
    NotListedWhy,
    TokenStore,
    Unit,
    VendorAdapter,
)
from vendors.errors import Trouble, VendorError
from vendors.http import ClientCredentials, Http, Kind
from vendors.options import Options
from vendors.zones import local_zone

HOST = "https://apigtwb2c.us.dell.com"
TOKEN_URL = f"{HOST}/auth/oauth/v2/token"
ENTITLEMENTS_URL = f"{HOST}/PROD/sbil/eapi/v5/asset-entitlements"
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

_OPENING = frozenset({Duty.OPEN, Duty.TRACK})


class Dell(VendorAdapter):
    """Warranty look-up at Dell for one TechDirect account."""

    name: ClassVar[str] = "dell"
    form: ClassVar[AdapterForm] = AdapterForm(
        vendor="dell",
        title="Dell",
        duties=frozenset({Duty.LOOKUP}),
        fields=(
            AccountField("client_id", "API key of TechDirect", secret=True, required_for=frozenset(Duty)),
            AccountField("client_secret", "its secret", secret=True, required_for=frozenset(Duty)),
            AccountField("technician_login", "TechDirect user who dispatches", secret=True, required_for=_OPENING),
            AccountField("technician_password", "password of that user", secret=True, required_for=_OPENING),
            AccountField("branch", "branch of that user", required_for=frozenset({Duty.OPEN})),
            AccountField("customer", "customer name of that branch", required_for=frozenset({Duty.OPEN})),
            AccountField("track", "track of that branch", required_for=frozenset({Duty.OPEN})),
            AccountField("address_book_name", "TechDirect address in place of each case's own"),
        ),
    )

    def __init__(self, http: Http) -> None:
        """Take the calls of one account."""
        self._http = http

    @classmethod
    def from_options(
        cls, options: Mapping[str, str], *, base_url: str | None, tokens: TokenStore, gate: Gate, calls: Calls
    ) -> Self:
        """Build the adapter; needs ``client_id`` and ``client_secret``."""
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
        return cls(http)

    @property
    def capabilities(self) -> Capabilities:
        """Look-ups, a hundred tags a call; no quota is published."""
        return Capabilities(duties=self.form.duties, batch_size=BATCH_SIZE)

    def check(self) -> None:
        """Ask for one tag that no machine has: proves the key, the token and the right to this API."""
        self._ask([NO_SUCH_TAG])

    def look_up(self, units: Sequence[Unit], *, handle: str | None = None) -> Iterator[Answer]:
        """Ask for units, a hundred tags a call. Dell answers at once, so there is never a ``handle``."""
        del handle
        of_tag: dict[str, list[Unit]] = {}
        for unit in units:
            of_tag.setdefault(unit.serial_number.strip().upper(), []).append(unit)
        sendable = [tag for tag in of_tag if tag.isascii() and tag.isalnum()]
        for start in range(0, len(sendable), BATCH_SIZE):
            batch = sendable[start : start + BATCH_SIZE]
            said = self._ask_around_refusals(batch)
            for tag in batch:
                for unit in of_tag.pop(tag):
                    yield self._answer(unit, said.get(tag, "the vendor left this tag out of its answer"))
        # One bad tag may fail a whole call, and a comma in it would ask for two machines.
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
    """Read an error: the token endpoint says ``error`` and ``error_description``, others differ."""
    if not isinstance(document, dict):
        return "", ""
    return _text(document.get("error")), _text(document.get("error_description") or document.get("message"))
