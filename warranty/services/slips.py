"""What goes back in a parcel, as a PDF: the slip that lies in it, and the label that sticks on it.

A code holds the RMA number alone, so that the vendor's scanner reads what its people would type.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typst

from warranty import db
from warranty.domain.terms import Component
from warranty.languages import N_
from warranty.services import labels

if TYPE_CHECKING:
    from warranty.languages import Reader
    from warranty.services.returns import Item


class NoNumber(Exception):
    """The vendor has given no RMA number yet: a parcel without one is sent back, or lost."""


def make(item: Item, reader: Reader, *, part: str) -> bytes:
    """The two sheets (PDF/UA-1) of a return; ``part`` is what its component is called in the reader's language.

    Raises:
        NoNumber: the claim has no RMA number.
    """
    number = item.rma.rma_number
    if not number:
        raise NoNumber(f"Claim {item.rma.client_reference} has no RMA number yet.")
    say, site = reader.text, item.site
    vendor = (
        item.account.name if item.account else (item.product.manufacturer if item.product else say(N_("the vendor")))
    )
    data = {
        "language": reader.language,
        "words": {
            "slip": say(N_("Packing slip")),
            "put": say(N_("Put this sheet in the parcel, on top.")),
            "label": say(N_("Label")),
            "stick": say(N_("Stick this sheet on the outside, so that the RMA number can be read.")),
            "number": say(N_("RMA number")),
            "to": say(N_("To")),
            "from": say(N_("From")),
            "inside": say(N_("In the parcel")),
            "columns": [say(name) for name in _COLUMNS],
            "before": say(N_("Before you close it")),
            "address": say(N_("Write the vendor's address for returns here, or stick its own label on.")),
        },
        "vendor": vendor,
        "number": number,
        "code": labels.code(number),
        "to": _lines(item.known.return_address if item.known else ""),
        "from": [*_lines(site.name if site else ""), item.client.name, *_address(item)],
        "rows": [_row(item, part)],
        "checks": _checks(item, reader),
        "deadline": _deadline(item, reader),
        "sum": _sum(item, reader, vendor),
        "foot": [
            say(N_("Case %(case)s"), case=item.fault.reference),
            say(N_("our reference %(reference)s"), reference=item.rma.client_reference),
            say(N_("vendor's case %(case)s"), case=item.rma.vendor_case_number) if item.rma.vendor_case_number else "",
            say(N_("printed %(when)s"), when=f"{reader.dated(reader.today)}, {reader.time(reader.now)}"),
        ],
    }
    return typst.compile(
        db.folder("templates") / "sheets" / "return.typ",
        format="pdf",
        ignore_system_fonts=True,  # a sheet looks the same wherever it is made
        sys_inputs={"data": json.dumps(data)},
        pdf_standards=["ua-1"],
    )


_COLUMNS = (N_("Part"), N_("Part number"), N_("Serial"), N_("From unit"), N_("Number"))


def _row(item: Item, part: str) -> list[str]:
    """What is in the parcel, by ``_COLUMNS``; of a part nobody knows its own numbers."""
    if item.rma.component is Component.UNIT:
        return [part, item.product.part_number if item.product else "", item.asset.serial_number, "", "1"]
    return [f"{part} {item.rma.component_ref}".strip(), "", "", item.asset.serial_number, "1"]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _address(item: Item) -> list[str]:
    given = item.site.address if item.site else {}
    city = " ".join(str(given.get(name) or "") for name in ("postal_code", "city")).strip()
    lines = [given.get("address_line1"), given.get("address_line2"), city, given.get("country")]
    return [str(line) for line in lines if line]


def _checks(item: Item, reader: Reader) -> list[str]:
    keeps = item.known is not None and item.known.keeps_media
    first = (
        N_("Disks and other media are taken out: they stay with us and must not go back.")
        if keeps
        else N_("Cables, rails, caddies and whatever is not listed above stay with us.")
    )
    return [
        reader.text(first),
        reader.text(N_("Padded on each side, circuit boards and disks in an antistatic bag.")),
        reader.text(N_("What is inside is what the list above names.")),
    ]


def _deadline(item: Item, reader: Reader) -> str:
    day = item.known.send_by if item.known and item.known.send_by else item.parcel.due_on
    return "" if day is None else reader.text(N_("Hand it over by %(day)s"), day=reader.long_day(day))


def _sum(item: Item, reader: Reader, vendor: str) -> str:
    keep = reader.text(N_("Keep the receipt: carrier and tracking number prove that it was sent."))
    if item.exposure is None:
        return keep
    said = N_("Otherwise %(vendor)s may bill %(sum)s.")
    return f"{reader.text(said, vendor=vendor, sum=reader.money(*item.exposure))} {keep}"
