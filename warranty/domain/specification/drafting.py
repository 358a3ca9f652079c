"""A specification while it is read: what says nothing is left out, what is measured is measured alike."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from warranty.domain.specification.names import (
    CAPACITIES_GB,
    INTERFACE_KINDS,
    PLACEHOLDERS,
    VIRTUAL_INTERFACES,
    Properties,
)

LONGEST = 200
MOST_PROPERTIES = 2000
MOST_OF_ONE = 1000


class Unreadable(Exception):
    """What was handed in is no inventory that can be read; the message says why, and what to do."""


_MARK: Final = re.compile(r"\((?:R|TM|C)\)", re.IGNORECASE)
_SAME: Final = re.compile(r"^(.)\1*$")
_GAPS: Final = re.compile(r"\s+")


def said(value: object) -> str:
    """A value as a text of one line; empty where it says nothing."""
    if value is None or isinstance(value, bool | dict | list):
        return ""
    text = unicodedata.normalize("NFC", _MARK.sub("", str(value)))
    text = "".join(sign if sign.isprintable() else " " for sign in text)
    text = _GAPS.sub(" ", text).strip()
    bare = text.lower().replace("-", "").replace(" ", "")
    if text.lower() in PLACEHOLDERS or (len(bare) > 2 and _SAME.match(bare)) or bare in {"00", "0"}:
        return ""
    return text[:LONGEST]


def whole(value: object) -> int | None:
    """A whole number that counts something; null where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = int(float(value))
    except (ValueError, OverflowError):
        return None
    return number if 0 < number < 2**53 else None


_AMOUNT: Final = re.compile(r"^([0-9]{1,15}(?:[.,][0-9]{1,6})?)\s*([kmgtp]?)(i?)(b|byte|bytes)?$", re.IGNORECASE)
_POWER: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def bytes_of(text: object, *, thousand: int) -> int | None:
    """How many bytes a text means: ``16 GiB``, ``16384 MB``, ``1,2 TB``; null where it means none.

    ``thousand`` is what a prefix without an ``i`` stands for: 1024 for memory, 1000 for disks.
    """
    found = _AMOUNT.match(str(text).strip())
    if found is None:
        return None
    number, prefix, binary = float(found[1].replace(",", ".")), found[2].lower(), found[3]
    amount = int(number * (1024 if binary else thousand) ** _POWER[prefix])
    return amount if amount > 0 else None


def capacity(amount: int) -> str:
    """The size of a disk as it is sold: ``960 GB``, ``1.92 TB``."""
    gigabytes = amount / 1e9
    nearest = min(CAPACITIES_GB, key=lambda size: abs(size - gigabytes))
    size = nearest if abs(nearest - gigabytes) <= nearest / 100 else float(f"{gigabytes:.3g}")
    return f"{size / 1000:g} TB" if size >= 1000 else f"{size:g} GB"


def mebibytes(amount: int) -> str:
    """A size of memory: ``16 GiB``, ``512 MiB``."""
    return f"{amount / 1024:g} GiB" if amount >= 1024 else f"{amount} MiB"


def installed(visible: int) -> int:
    """The memory in MiB that a system bears which sees this much: it keeps a few percent for itself.

    Rounded up to the next eighth of the power of two below: 15 951 is 16 384, and 385 000 is 393 216.
    """
    step = max(1, (1 << (visible.bit_length() - 1)) // 8)
    return -(-visible // step) * step


def joined(*parts: object) -> str:
    """What is said of these, in one text; a part that the text has already is not repeated."""
    text = ""
    for part in parts:
        word = said(part)
        if word and word.lower() not in text.lower():
            text = f"{text} {word}".strip()
    return text[:LONGEST]


_SPEED: Final = re.compile(r"([0-9]+)\s*(?:MT/s|MHz|Mhz)", re.IGNORECASE)


def speed(value: object) -> str:
    """How fast a memory module is: ``2666 MT/s``."""
    number = whole(value)
    if number is None and isinstance(value, str):
        found = _SPEED.search(value)
        number = whole(found[1]) if found else None
    return f"{number} MT/s" if number else ""


def port_of(name: str) -> str:
    """What kind of port an interface of this name is; empty for one that is none. So a renamed port is no difference."""
    name = name.strip().lower()
    if not name or name.startswith(VIRTUAL_INTERFACES) or "." in name:
        return ""
    return next((kind for start, kind in INTERFACE_KINDS if name.startswith(start)), "Port")


def firmware_name(text: object) -> str:
    """The last part of the property of a firmware: small letters, digits and hyphens, without addresses of cards."""
    bare = _ADDRESS.sub("", said(text))
    return re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-")[:60]


_ADDRESS: Final = re.compile(r"\b[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5,7}\b")


class Draft:
    """What is known of a unit so far. Of two values for one property the first stays."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._one: dict[str, str | int] = {}
        self._many: dict[str, list[str]] = {}

    def say(self, name: str, value: object) -> None:
        """Note a text."""
        text = said(value)
        if text and name not in self._one:
            self._one[name] = text

    def count(self, name: str, value: object) -> None:
        """Note a number."""
        number = whole(value)
        if number is not None and name not in self._one:
            self._one[name] = number

    def total(self, name: str, value: object) -> None:
        """Add to a number."""
        number = whole(value)
        if number is not None:
            self._one[name] = int(self._one.get(name, 0)) + number

    def add(self, name: str, value: object) -> None:
        """Note one more of several."""
        text = said(value)
        if text:
            self._many.setdefault(name, []).append(text)
            if len(self._many[name]) > MOST_OF_ONE:
                raise Unreadable(
                    f"The inventory names more than {MOST_OF_ONE} of one kind ({name}). Send that of one unit."
                )

    def has(self, name: str) -> bool:
        """Whether something is known of a property."""
        return name in self._one or name in self._many

    def has_firmware(self) -> bool:
        """Whether a version of some firmware is known."""
        return any(name.startswith("firmware.") for name in (*self._one, *self._many))

    def module(self, size_mib: int, *about: object) -> None:
        """Note a memory module, and its share of the whole."""
        self.add("memory.modules", joined(mebibytes(size_mib), *about))
        self.total("memory.total", size_mib)

    def firmware(self, part: object, version: object) -> None:
        """Note the version of a part's firmware; a unit may have several parts of one name."""
        name = firmware_name(part)
        if name:
            self.add(f"firmware.{name}", version)

    def done(self) -> Properties:
        """The specification, in one order.

        Raises:
            Unreadable: nothing was said, or far too much.
        """
        found: Properties = dict(self._one)
        for name, values in self._many.items():
            single = name.startswith(("firmware.", "other.")) and len(values) == 1
            found[name] = values[0] if single else sorted(values)
        if not found:
            raise Unreadable(
                "The inventory says nothing of a unit: no model, no memory, no disk. Send the whole output."
            )
        if len(found) > MOST_PROPERTIES:
            raise Unreadable(f"The inventory has more than {MOST_PROPERTIES} properties. Send that of one unit.")
        return {name: found[name] for name in sorted(found)}
