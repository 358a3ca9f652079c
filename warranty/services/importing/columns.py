"""What a table handed to us may say: its columns, under the names other systems give them, and the values of cells.

Adding a dialect is adding a line to ``DIALECTS``. Source: interface.md, section 2 (``warranty import``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from warranty.services.estate import ADDRESS_LINES, Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Word = TypeVar("Word", bound=StrEnum)


class Unusable(Exception):
    """A file cannot be read at all. The message says why and what to do; nothing was written."""


class Kind(StrEnum):
    """What the rows of a table are."""

    ASSETS = "assets"
    CONTRACTS = "contracts"
    COVERAGES = "coverages"  # another word for contracts: a row of either is one promise of one paper
    PRODUCTS = "products"
    CLIENTS = "clients"
    SITES = "sites"


COLUMNS: dict[Kind, tuple[str, ...]] = {
    Kind.ASSETS: (
        "serial_number",
        "manufacturer",
        "product",
        "part_number",
        "client",
        "site",
        "name",
        "asset_tag",
        "ownership",
        "state",
        "purchased_on",
    ),
    Kind.CONTRACTS: (
        "contract_number",
        "name",
        "kind",
        "fulfilment",
        "serial_number",
        "manufacturer",
        "product",
        "site",
        "client",
        "starts_on",
        "ends_on",
        "time_zone",
        "state",
        "covers",
        "excluded_causes",
        "excluded_components",
        "sites",
        "service_level",
        "delivery",
        "grace_days",
        "grace_is_covered",
        "waiting_days",
        "claims_after_end_days",
        "claims_limit",
        "claims_used",
        "price_minor",
        "currency",
        "evidence_source",
        "vendor_says",
        "checked_at",
        "error",
    ),
    Kind.PRODUCTS: ("manufacturer", "model", "part_number", "base_term_months", "list_price_minor", "currency"),
    Kind.CLIENTS: ("name",),
    Kind.SITES: (
        "name",
        "client",
        "time_zone",
        *ADDRESS_LINES,
        "access_hours",
        "contact_name",
        "contact_phone",
        "contact_email",
        "contact_language",
    ),
}
COLUMNS[Kind.COVERAGES] = COLUMNS[Kind.CONTRACTS]

NEEDED: dict[Kind, tuple[str, ...]] = {
    Kind.ASSETS: ("serial_number",),
    Kind.CONTRACTS: ("contract_number", "kind", "starts_on"),
    Kind.PRODUCTS: ("manufacturer", "model"),
    Kind.CLIENTS: ("name",),
    Kind.SITES: ("name",),
}
NEEDED[Kind.COVERAGES] = NEEDED[Kind.CONTRACTS]

MOST_COLUMNS = 1_000


# --- Columns --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dialect:
    """One system's names. ``signs``: the headers that give it away, any of the sets; ``names``: our column, their keys.

    Our own name of a column always counts too, and first.
    """

    name: str
    signs: tuple[frozenset[str], ...] = ()
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _signs(*alternatives: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(keys.split()) for keys in alternatives)


TRACKER = "tracker"

DIALECTS: dict[Kind, tuple[Dialect, ...]] = {  # the first whose signs are there; the last, our own, has none
    Kind.ASSETS: (
        Dialect(
            "netbox-inventory",
            _signs("hardwarekind modelname"),
            {
                "serial_number": ("serial",),
                "product": ("modelname",),
                "client": ("tenant", "owningtenant"),
                "site": ("storagesite",),
                "purchased_on": ("purchasedate",),
            },
        ),
        Dialect(
            "netbox",
            _signs("devicetype role", "type role rack", "moduletype modulebay"),
            {
                "serial_number": ("serial",),
                "product": ("devicetype", "moduletype", "type"),
                "client": ("tenant",),
            },
        ),
        Dialect(
            "snipe-it",
            _signs("itemname modelname", "assetname modelno", "company assettag model"),
            {
                "serial_number": ("serial",),
                "product": ("modelname", "model"),
                "part_number": ("modelnumber", "modelno"),
                "client": ("company",),
                "site": ("location",),
                "name": ("itemname", "assetname"),
                "purchased_on": ("purchasedate", "purchased"),
            },
        ),
        Dialect(
            "itflow",
            _signs("make serial os"),
            {
                "serial_number": ("serial",),
                "manufacturer": ("make",),
                "product": ("model",),
                "site": ("location",),
                "purchased_on": ("purchasedate",),
            },
        ),
        Dialect(
            "ralph",
            _signs("sn barcode", "sn serviceenv"),
            {
                "serial_number": ("sn",),
                "product": ("modelstr", "model"),
                "name": ("hostname",),
                "asset_tag": ("barcode",),
                "purchased_on": ("invoicedate",),
            },
        ),
        Dialect(
            TRACKER,
            names={
                "serial_number": ("serial", "serialno", "servicetag"),
                "product": ("model",),
                "client": ("customer",),
                "purchased_on": ("purchasedate",),
            },
        ),
    ),
    Kind.CONTRACTS: (
        Dialect(
            TRACKER,
            names={
                "contract_number": ("contract",),
                "serial_number": ("serial",),
                "product": ("model",),
                "evidence_source": ("evidence",),
                "vendor_says": ("evidencevendorsays",),
                "checked_at": ("evidencecheckedat",),
                "error": ("evidenceerror",),
            },
        ),
    ),
    Kind.PRODUCTS: (
        Dialect(
            "snipe-it",
            _signs("name modelnumber manufacturer"),
            {"model": ("name",), "part_number": ("modelnumber",)},
        ),
        Dialect(TRACKER, names={"model": ("product",)}),
    ),
    Kind.CLIENTS: (
        Dialect("netbox", _signs("name slug"), {}),
        Dialect("itflow", _signs("clientname"), {"name": ("clientname",)}),
        Dialect(TRACKER, names={"name": ("client", "customer", "company", "tenant")}),
    ),
    Kind.SITES: (
        Dialect(
            "netbox",
            _signs("name slug", "name status tenant"),
            {"client": ("tenant",), "address_line1": ("physicaladdress",)},
        ),
        Dialect(
            "snipe-it",
            _signs("name address zip", "name address2 zip"),
            {
                "client": ("company",),
                "address_line1": ("address",),
                "address_line2": ("address2",),
                "postal_code": ("zip",),
            },
        ),
        Dialect(
            "itflow",
            _signs("name address postalcode hours"),
            {"address_line1": ("address",), "contact_phone": ("phone",), "access_hours": ("hours",)},
        ),
        Dialect(
            TRACKER,
            names={
                "name": ("site", "location"),
                "client": ("customer", "company", "tenant"),
                "address_line1": ("address",),
                "postal_code": ("zip",),
            },
        ),
    ),
}
DIALECTS[Kind.COVERAGES] = DIALECTS[Kind.CONTRACTS]

DIALECT_NAMES = tuple(dict.fromkeys(dialect.name for dialects in DIALECTS.values() for dialect in dialects))

# Headers that only lists of something else have: a licence key in the register would be reported as a broken unit.
_NOT_UNITS = {"seats": "licences", "reassignable": "licences"}


@dataclass(frozen=True, slots=True)
class Heading:
    """What headers mean: where each of our columns stands (twice: the cells must agree), and the rest."""

    dialect: str
    places: Mapping[str, tuple[int, ...]]
    unused: tuple[str, ...]
    doubled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the caller wants a table to be read: whose names it has, and what single columns mean whatever their names.

    ``dialect`` is one of ``DIALECT_NAMES`` or ``auto``; ``columns`` pairs a header with a column of ours, or with nothing where
    it is not to be read.
    """

    dialect: str = "auto"
    columns: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, kind: Kind, dialect: str = "auto", columns: Mapping[str, str] | None = None) -> Wanted:
        """Check what the caller says.

        Raises:
            Unusable: there is no such column of ours, or two headers shall be one column.
        """
        pairs = tuple((header_key(header), column.strip()) for header, column in (columns or {}).items())
        for _, column in pairs:
            if column and column not in COLUMNS[kind]:
                raise Unusable(f"There is no column {column} of {kind}; there are {', '.join(COLUMNS[kind])}.")
        named = [column for _, column in pairs if column]
        if len(set(named)) < len(named):
            raise Unusable("Two headers are mapped to one column: choose one of them.")
        return cls(dialect, pairs)

    def among(self, headers: Iterable[str]) -> Wanted:
        """The same without what it says of headers that are not there."""
        keys = {header_key(header) for header in headers}
        return replace(self, columns=tuple(pair for pair in self.columns if pair[0] in keys))


def header_key(header: str) -> str:
    """A header as it is matched: case, blanks and punctuation do not matter."""
    return "".join(sign for sign in header.casefold() if sign.isalnum())


@lru_cache(maxsize=256)
def recognise(kind: Kind, headers: tuple[str, ...], wanted: Wanted, *, is_strict: bool = True) -> Heading:
    """Find our columns among the headers of a table.

    Args:
        kind: what the rows are.
        headers: as they stand in the file, in order; two may be equal.
        wanted: what the caller says of them. With the dialect ``auto`` it is the first whose signs are there.
        is_strict: whether what is not there is an error; else it is left out.

    Raises:
        Unusable: a needed column is not there, or one that the caller named; or the dialect has no such table.
    """
    if len(headers) > MOST_COLUMNS:
        raise Unusable(f"The header has {len(headers):,} columns: of no table are there more than {MOST_COLUMNS:,}.")
    keys = [header_key(header) for header in headers]
    dialect = _dialect(kind, frozenset(keys), wanted.dialect)
    said = {column: key for key, column in wanted.columns if column}
    taken = frozenset(key for key, _ in wanted.columns)
    places: dict[str, tuple[int, ...]] = {}
    for column in COLUMNS[kind]:
        names = (said[column],) if column in said else _names_of(kind, dialect, column, taken, keys)
        found = next((key for key in names if key in keys), None)
        if found is not None:
            places[column] = tuple(place for place, key in enumerate(keys) if key == found)
        elif column in said and is_strict:
            raise Unusable(f"No column is named {said[column]}, which is mapped to {column}: {_read_as(headers)}.")
    missing = [column for column in NEEDED[kind] if column not in places]
    if missing and is_strict:
        raise Unusable(
            f"The header lacks {', '.join(missing)}; {_read_as(headers)}. "
            f"The columns of {kind} are {', '.join(COLUMNS[kind])}."
        )
    if kind is Kind.ASSETS and is_strict:
        for key, what in _NOT_UNITS.items():
            if key in keys:
                raise Unusable(f"This is a list of {what}, not of units: it has a column {headers[keys.index(key)]}.")
    used = {place for standing in places.values() for place in standing}
    return Heading(
        dialect=dialect.name,
        places=places,
        unused=tuple(header for place, header in enumerate(headers) if place not in used and header.strip()),
        doubled=tuple(headers[standing[0]] for standing in places.values() if len(standing) > 1),
    )


def _read_as(headers: Iterable[str]) -> str:
    names = ", ".join(header for header in headers if header.strip())
    return f"it reads: {names[:300] or 'nothing'}"


def _names_of(kind: Kind, dialect: Dialect, column: str, taken: frozenset[str], keys: Sequence[str]) -> tuple[str, ...]:
    """The headers under which a column is looked for, our own name first; those that the caller has taken are not."""
    if kind is Kind.ASSETS and column == "state" and "city" in keys:
        return ()  # beside a city it is a part of an address
    return tuple(key for key in (header_key(column), *dialect.names.get(column, ())) if key not in taken)


def _dialect(kind: Kind, keys: frozenset[str], wanted: str) -> Dialect:
    dialects = DIALECTS[kind]
    if wanted == "auto":
        return next((dialect for dialect in dialects if any(sign <= keys for sign in dialect.signs)), dialects[-1])
    for dialect in dialects:
        if dialect.name == wanted:
            return dialect
    names = ", ".join(dialect.name for dialect in dialects)
    raise Unusable(f"There is no format {wanted} for {kind}; there are auto, {names}.")


# --- Cells ----------------------------------------------------------------------------------------------------------

_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ]\d{1,2}:\d{2}\S*)?")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})")
_NAMED = re.compile(r"(?:(\d{1,2})[ -]([A-Za-z]{3,9})|([A-Za-z]{3,9}) (\d{1,2})),?[ -](\d{4}|\d{2})")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YES_OR_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@lru_cache(maxsize=4096)
def read_day(column: str, text: str) -> date:
    """A calendar day: ISO, or any form that can mean one day only.

    Raises:
        Invalid: no day, or one where day and month may be the other way round.
    """
    year, month, day = _parts(column, text)
    if len(year) == 2:
        year = f"{19 if int(year) >= 70 else 20}{year}"  # as C libraries read it; hardware of before 1970 is in museums
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise _no_day(column, text) from None


def _parts(column: str, text: str) -> tuple[str, str, str]:
    if found := _YEAR_FIRST.fullmatch(text):
        return found[1], found[3], found[4]
    if found := _NAMED.fullmatch(text):
        name = (found[2] or found[3])[:3].lower()
        if name in _MONTHS:
            return found[5], str(_MONTHS.index(name) + 1), found[1] or found[4]
    if found := _YEAR_LAST.fullmatch(text):
        first, dot, second, year = found.groups()
        # Full stops between day, month and year are written where the day comes first.
        if dot == "." or int(first) > 12 or first.zfill(2) == second.zfill(2):
            return year, second, first
        if int(second) > 12:
            return year, first, second
        raise Invalid(column, f"{column} {text}: the day or the month may come first; write it as 2026-03-31.")
    raise _no_day(column, text)


def _no_day(column: str, text: str) -> Invalid:
    return Invalid(column, f"{column} {text!r} is no day; write it as 2026-03-31.")


def read_time(column: str, text: str) -> datetime:
    """An instant, RFC 3339 with its offset.

    Raises:
        Invalid: no time, or one without an offset.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Invalid(column, f"{column} {text!r} is no time; write it as 2026-03-31T09:00:00+02:00.")
    return at


def read_word(column: str, text: str, words: type[Word]) -> Word:
    """A word of a closed list; case does not matter, and a blank may stand for the underscore.

    Raises:
        Invalid: the list has no such word.
    """
    try:
        return words(text.casefold().replace(" ", "_").replace("-", "_"))
    except ValueError:
        raise Invalid(column, f"{column} {text!r} is none of {', '.join(words)}.") from None


def read_words(column: str, text: str, words: type[Word]) -> tuple[Word, ...]:
    """Words of a closed list, between semicolons.

    Raises:
        Invalid: the list has no such word.
    """
    return tuple(read_word(column, part, words) for part in read_list(text))


def read_list(text: str) -> tuple[str, ...]:
    """The parts of a cell that holds several values, between semicolons."""
    return tuple(part.strip() for part in text.split(";") if part.strip())


def read_count(column: str, text: str) -> int:
    """A whole number that is not negative.

    Raises:
        Invalid: anything else.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise Invalid(column, f"{column} {text!r} is no whole number.")
    return int(text)


def read_flag(column: str, text: str) -> bool:
    """Yes or no.

    Raises:
        Invalid: anything else.
    """
    flag = _YES_OR_NO.get(text.casefold())
    if flag is None:
        raise Invalid(column, f"{column} {text!r} is neither true nor false.")
    return flag
