"""How names, numbers and words of the registry are read: the only place that says which are taken."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from zoneinfo import ZoneInfo

MOST_DAYS_OR_CLAIMS = 1_000_000
MOST_MONTHS = 600
MOST_MINOR = 10**12

# What boards and inventories answer where nobody wrote a serial: as a key it would join strangers.
NO_SERIALS = frozenset(
    {
        "0123456789",
        "9876543210",
        "[REMOVED]",
        "DEFAULTSTRING",
        "INVALID",
        "N/A",
        "NA",
        "NIL",
        "NODIMM",
        "NONE",
        "NOTAPPLICABLE",
        "NOTAVAILABLE",
        "NOTSPECIFIED",
        "NULL",
        "OEM",
        "SERIAL",
        "SERIALNUMBER",
        "SYSTEMSERIALNUMBER",
        "TBD",
        "TOBEFILLEDBYO.E.M.",
        "UNKNOWN",
    }
)
_NOTHING_BUT_FILLER = re.compile(r"[0X?.*#_-]+")
# A spreadsheet's short form of a long number, whose last digits are gone for good. No real serial has the plus sign.
_RUINED = re.compile(r"\d+([.,]\d+)?[eE]\+\d+")
_CURRENCY = re.compile(r"[A-Z]{3}")


class Invalid(Exception):
    """One fact cannot be taken as it is. ``field`` is its name in the public contract; the message says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class InUse(Invalid):
    """A fact would be right of itself, but other records rest on what it is now; the message says what to do instead."""


def serial_key(serial_number: str) -> str:
    """A serial as it is searched: upper case, no blanks, nor the invisible characters that come with copied text."""
    if serial_number.isascii():
        return "".join(serial_number.split()).upper()
    text = unicodedata.normalize("NFKC", serial_number)
    return "".join(sign for sign in text if not sign.isspace() and unicodedata.category(sign) != "Cf").upper()


def manufacturer_key(manufacturer: str) -> str:
    """A manufacturer's name as it is matched: lower case, letters and digits only."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", manufacturer).casefold() if sign.isalnum())


def checked_text(field: str, text: str, limit: int, *, needed: bool = False) -> str:
    """One line of text, blanks tidied.

    Raises:
        Invalid: longer than ``limit`` characters, with control characters, or empty where it is needed.
    """
    tidy = " ".join(text.split())
    if not tidy.isprintable():
        strange = [sign for sign in tidy if unicodedata.category(sign) in {"Cc", "Cs"}]
        if strange:
            raise Invalid(field, f"{field} holds a control character ({strange[0]!a}); type it anew.")
    if len(tidy) > limit:
        raise Invalid(field, f"{field} is longer than {limit} characters.")
    if needed and not tidy:
        raise Invalid(field, f"{field} is empty.")
    return tidy


def checked_number(field: str, text: str, limit: int) -> str:
    """A part number, tag or model: text that a spreadsheet may have taken for a number.

    Raises:
        Invalid: as ``checked_text``, or it was ruined.
    """
    tidy = checked_text(field, text, limit)
    if is_ruined(tidy):
        raise Invalid(field, f"{field} {tidy} was ruined by a spreadsheet: make the column text, and export again.")
    return tidy


def is_ruined(text: str) -> bool:
    """Whether a spreadsheet has turned a long number into its short form."""
    return _RUINED.fullmatch(text) is not None


def checked_serial(text: str) -> tuple[str, str]:
    """A serial number and its key.

    Raises:
        Invalid: none, a placeholder, a formula, ruined, or too long.
    """
    serial = checked_number("serial_number", text, 64)
    key = serial_key(serial)
    if not key:
        raise Invalid("serial_number", "There is no serial number.")
    if key in NO_SERIALS or _NOTHING_BUT_FILLER.fullmatch(key):
        raise Invalid("serial_number", f"{serial} is a placeholder, not a serial number: read it from the unit.")
    if key.startswith("="):
        raise Invalid("serial_number", f"{serial} is a formula: paste the values and export again.")
    if len(key) > 64:
        raise Invalid("serial_number", "serial_number is longer than 64 characters.")
    return serial, key


def checked_zone(name: str) -> str:
    """The name of a time zone.

    Raises:
        Invalid: the IANA list has none of that name.
    """
    if not _is_zone(name):
        raise Invalid("time_zone", f"There is no time zone {name!r}: write it as in Europe/Amsterdam.")
    return name


@lru_cache(maxsize=1024)
def _is_zone(name: str) -> bool:
    # Beside the places, a machine's zone folder holds its own setting and copies that count leap seconds.
    if name.startswith(("localtime", "posix", "right/")) or len(name) > 64:
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def checked_whole(field: str, number: int | None, most: int = MOST_DAYS_OR_CLAIMS) -> int | None:
    """A count, price or number of days, none of which is negative; null stays null.

    Raises:
        Invalid: below 0 or above ``most``.
    """
    if number is not None and not 0 <= number <= most:
        raise Invalid(field, f"{field} is {number}; it is a whole number from 0 to {most:,}.")
    return number


def checked_currency(code: str) -> str:
    """A currency's code.

    Raises:
        Invalid: it has not the form of one.
    """
    if not _CURRENCY.fullmatch(code):
        raise Invalid("currency", f"{code!r} is no currency: write three capital letters, like EUR.")
    return code
