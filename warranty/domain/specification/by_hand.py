"""What a person writes down of a unit: an object of properties, or a table of two columns. Units are said, never guessed."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any, Final

from warranty.domain.specification.drafting import Draft, Unreadable, bytes_of, capacity, joined, said, speed
from warranty.domain.specification.names import FIRMWARE, OTHER, PROPERTIES, Measure

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALSO: Final = {
    "manufacturer": "product.manufacturer",
    "vendor": "product.manufacturer",
    "model": "product.model",
    "part_number": "product.part_number",
    "serial_number": "unit.serial_number",
    "asset_tag": "unit.asset_tag",
    "uuid": "unit.uuid",
    "uptime": "unit.uptime",
    "mainboard": "board.model",
    "cpu": "cpu.models",
    "cpus": "cpu.models",
    "processor": "cpu.models",
    "processors": "cpu.models",
    "cores": "cpu.cores",
    "threads": "cpu.threads",
    "memory": "memory.total",
    "ram": "memory.total",
    "memory_modules": "memory.modules",
    "disk": "disk.drives",
    "disks": "disk.drives",
    "volumes": "disk.volumes",
    "nic": "nic.cards",
    "nics": "nic.cards",
    "mac_addresses": "nic.macs",
    "interfaces": "network.interfaces",
    "psu": "psu.units",
    "psus": "psu.units",
    "power_supplies": "psu.units",
    "bios": "firmware.bios",
    "bios_version": "firmware.bios",
    "os": "os.name",
    "operating_system": "os.name",
    "os_version": "os.version",
    "kernel": "os.kernel",
    "host_name": "os.host_name",
    "hostname": "os.host_name",
    "licenses": "licences",
    "license": "licences",
    "licence": "licences",
}
"""Words that people use, and the property that each is."""

_SECRET: Final = re.compile(r"passw|passphrase|secret|private_?key|api_?key|token|credential|community", re.IGNORECASE)
_TIMES: Final = re.compile(r"^([0-9]{1,3})\s*[xX*]\s+(.+)$")
_MEASURED: Final = re.compile(r"^([0-9.,]+\s*[kKmMgGtTpP]i?[bB]?)\b(.*)$")
_NAME: Final = re.compile(r"[^a-z0-9_.]+")


def fits(document: Any) -> bool:
    """Whether it is an object with something in it that a person may have written."""
    return isinstance(document, dict) and any(_plain(name) in _ALSO or _plain(name) in _ROOTS for name in document)


_ROOTS: Final = frozenset({name.split(".")[0] for name in PROPERTIES} | set(PROPERTIES) | {"firmware", "other"})


def _plain(name: object) -> str:
    return _NAME.sub("_", str(name).strip().lower()).strip("_.")[:60]


def read(document: dict[str, Any]) -> Draft:
    """Read an object; objects inside it are names with a dot between.

    Raises:
        Unreadable: an amount without its unit, or something that is secret.
    """
    draft = Draft()
    for name, value in document.items():
        _take(draft, _plain(name), value)
    return draft


def read_table(text: str) -> Draft:
    """Read a table of two columns, a property and its value in each line; a property may have several lines.

    Raises:
        Unreadable: a line has not two columns, or is none of a table.
    """
    first = text.lstrip().splitlines()[0]
    separator = max(";,\t", key=first.count)
    draft = Draft()
    for number, row in enumerate(_rows(text.strip(), separator), 1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and cells[0].lower() in {"property", "name"}):
            continue
        if len(cells) < 2 or any(cells[2:]):
            raise Unreadable(
                f"Line {number} has not two columns: write a property and its value, such as memory;16 GiB."
            )
        _take(draft, _plain(cells[0]), cells[1])
    return draft


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    rows = csv.reader(io.StringIO(text), delimiter=separator)
    try:
        yield from rows
    except csv.Error as problem:
        said = f"Line {rows.line_num} cannot be read as a table ({problem})"
        raise Unreadable(f"{said}: write a property and its value, such as memory;16 GiB.") from None


def _take(draft: Draft, name: str, value: Any) -> None:
    if isinstance(value, dict):
        for inner, one in value.items():
            _take(draft, f"{name}.{_plain(inner)}", one)
        return
    if isinstance(value, list):
        for one in value:
            if isinstance(one, dict | list):
                raise Unreadable(f"“{name}” holds lists in lists: write each of them as one text.")
            _take(draft, name, one)
        return
    _note(draft, name, "yes" if value is True else "no" if value is False else value)


def _note(draft: Draft, name: str, value: Any) -> None:
    if _SECRET.search(name):
        raise Unreadable(
            f"“{name}” sounds like a secret. Leave it out: no password or key belongs into a specification."
        )
    name = _ALSO.get(name, name)
    known = PROPERTIES.get(name)
    if name.startswith(FIRMWARE) and name != "firmware.bios":
        draft.firmware(name.removeprefix(FIRMWARE), value)
    elif known is None:
        draft.add(f"{OTHER}{name.removeprefix(OTHER)}", value)
    elif known.measure is Measure.MIB:
        draft.count(name, _mebibytes(name, value))
    elif known.measure is Measure.COUNT:
        draft.count(name, value)
    elif known.is_list:
        _several(draft, name, said(value))
    else:
        draft.say(name, value)


def _mebibytes(name: str, value: Any) -> int | None:
    if not said(value):
        return None
    amount = bytes_of(value, thousand=1024)
    if amount is None or str(value).strip().isdigit():
        raise Unreadable(f"“{name}” is {str(value)[:40]}: write its unit too, such as 16 GiB.")
    return amount // 2**20


def _several(draft: Draft, name: str, text: str) -> None:
    times = _TIMES.match(text)
    count, one = (int(times[1]), times[2]) if times else (1, text)
    found = _MEASURED.match(one)
    if found and name in {"disk.drives", "disk.volumes"}:
        amount = bytes_of(found[1], thousand=1000) or 0
        one = f"{capacity(amount)} {_kind(found[2])}" if name == "disk.drives" else joined(capacity(amount), found[2])
    for _ in range(count):
        if found and name == "memory.modules":
            amount = bytes_of(found[1], thousand=1024) or 0
            about = re.search(r"\b(?:LP)?DDR[0-9]\w?\b", found[2], re.IGNORECASE)
            draft.module(amount // 2**20, about[0].upper() if about else "", speed(found[2]))
        else:
            draft.add(name, one)


def _kind(words: str) -> str:
    return next((kind for kind in ("NVMe", "SSD") if kind.lower() in words.lower()), "Disk")
