"""What ``dmidecode`` prints: blocks of ``name: value`` lines, each under a handle and a type. Source: its manual, SMBIOS 3.

No library that is looked after reads this text; the tables that are of use here are few.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from warranty.domain.specification.drafting import Draft, bytes_of, joined, said, speed

_HANDLE: Final = re.compile(r"^Handle 0x[0-9A-Fa-f]+, DMI type ([0-9]{1,3}),")
_LINE: Final = re.compile(r"^[\t ]+([^:\t]{1,60}):(.*)$")

_Fields = dict[str, str]


def fits(text: str) -> bool:
    """Whether the text has such a block."""
    return any(_HANDLE.match(line) for line in text.splitlines())


def _blocks(text: str) -> Iterator[tuple[int, _Fields]]:
    kind, fields = -1, _Fields()
    for line in text.splitlines():
        found = _HANDLE.match(line)
        if found:
            yield kind, fields
            kind, fields = int(found[1]), {}
        elif pair := _LINE.match(line):
            fields.setdefault(pair[1].strip(), pair[2].strip())
    yield kind, fields


def read(text: str) -> Draft:
    """Read the blocks."""
    draft = Draft()
    for kind, fields in _blocks(text):
        if kind in _READERS:
            _READERS[kind](draft, fields)
    return draft


def _bios(draft: Draft, fields: _Fields) -> None:
    draft.say("firmware.bios", fields.get("Version"))


def _system(draft: Draft, fields: _Fields) -> None:
    draft.say("product.manufacturer", fields.get("Manufacturer"))
    draft.say("product.model", fields.get("Product Name"))
    sku = fields.get("SKU Number", "")
    draft.say("product.part_number", "" if "=" in sku else sku)
    draft.say("unit.serial_number", fields.get("Serial Number"))
    draft.say("unit.uuid", fields.get("UUID"))


def _board(draft: Draft, fields: _Fields) -> None:
    draft.say("board.model", joined(fields.get("Manufacturer"), fields.get("Product Name")))
    draft.say("board.serial_number", fields.get("Serial Number"))


def _processor(draft: Draft, fields: _Fields) -> None:
    if "Unpopulated" in fields.get("Status", "") or not said(fields.get("Version")):
        return
    draft.add("cpu.models", fields.get("Version"))
    draft.total("cpu.sockets", 1)
    draft.total("cpu.cores", fields.get("Core Count"))
    draft.total("cpu.threads", fields.get("Thread Count"))


def _module(draft: Draft, fields: _Fields) -> None:
    size = bytes_of(fields.get("Size", ""), thousand=1024)
    if size and fields.get("Type") != "Flash" and size >= 2**20:
        running = fields.get("Configured Memory Speed") or fields.get("Configured Clock Speed") or fields.get("Speed")
        draft.module(size // 2**20, fields.get("Type"), speed(running))


def _supply(draft: Draft, fields: _Fields) -> None:
    if "Not Present" in fields.get("Status", ""):
        return
    watts = fields.get("Max Power Capacity", "")
    part = fields.get("Model Part Number")
    draft.add(
        "psu.units", joined(fields.get("Manufacturer"), part or fields.get("Name"), watts if "W" in watts else "")
    )


_READERS: Final[dict[int, Callable[[Draft, _Fields], None]]] = {
    0: _bios,
    1: _system,
    2: _board,
    4: _processor,
    17: _module,
    39: _supply,
}
