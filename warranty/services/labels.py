"""Labels to stick on units: which units, and a PDF of sheets that one buys, each with a QR code that opens its unit."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import segno
import typst
from sqlalchemy import select

from warranty import db
from warranty.models import Asset, Client, Product

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from warranty.models import Site

MOST = 500
"""Labels of one document."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of labels, all measures in mm: `across_mm` and `down_mm` lie from one label's edge to the next one's."""

    name: str
    paper: str
    columns: int
    rows: int
    width_mm: float
    height_mm: float
    left_mm: float
    top_mm: float
    across_mm: float
    down_mm: float

    @property
    def places(self) -> int:
        """Labels of a sheet."""
        return self.columns * self.rows


SHEETS: Final = {
    one.name: one
    for one in (
        Sheet("Avery L7160", "a4", 3, 7, 63.5, 38.1, 7.25, 15.15, 66.0, 38.1),
        Sheet("Avery 3474", "a4", 3, 8, 70.0, 37.0, 0.0, 0.5, 70.0, 37.0),
        Sheet("Avery L7651", "a4", 5, 13, 38.1, 21.2, 4.75, 10.7, 40.6, 21.2),
        Sheet("Avery 5160", "us-letter", 3, 10, 66.675, 25.4, 4.7625, 12.7, 69.85, 25.4),
    )
}
"""By the number that stands on the packet. Source: Avery's own templates."""


@dataclass(frozen=True, slots=True)
class Label:
    """What stands on a label; only the serial is always known. `url` is absolute: what the QR code holds."""

    serial_number: str
    asset_tag: str
    name: str
    client: str
    url: str


def wanted(
    session: Session, *, units: Sequence[Asset] = (), client: Client | None = None, site: Site | None = None
) -> list[tuple[Asset, str, str]]:
    """The units to label, each with its model and its client's name, as they stand in a cupboard: by site and serial.

    Named units, else those of a site, else those of a client; one more than ``MOST`` at most, so that too many are noticed.
    """
    which = select(Asset, Product.model, Client.name).join(Client, Client.id == Asset.client_id)
    which = which.outerjoin(Product, Product.id == Asset.product_id)
    if units:
        which = which.where(Asset.id.in_([unit.id for unit in units]))
    elif site is not None:
        which = which.where(Asset.site_id == site.id)
    elif client is not None:
        which = which.where(Asset.client_id == client.id)
    else:
        return []
    rows = session.execute(which.order_by(Asset.site_id, Asset.serial_key, Asset.id).limit(MOST + 1))
    return [(unit, model or "", owner) for unit, model, owner in rows]


def make(labels: Sequence[Label], sheet: Sheet, *, used: int, title: str, language: str) -> bytes:
    """A PDF (PDF/UA-1) of the labels; ``used`` places of the first sheet are left out.

    Raises:
        ValueError: there is no such place on the sheet, or there are no labels or more than ``MOST``.
    """
    if not 0 <= used < sheet.places or not 0 < len(labels) <= MOST:
        raise ValueError("no such place, or no such number of labels")
    rows = [asdict(one) | {"code": code(one.url)} for one in labels]
    data = {"title": title, "language": language, "used": used, "sheet": asdict(sheet), "labels": rows}
    return typst.compile(
        db.folder("templates") / "sheets" / "labels.typ",
        format="pdf",
        ignore_system_fonts=True,  # a sheet looks the same wherever it is made
        sys_inputs={"data": json.dumps(data)},
        pdf_standards=["ua-1"],
    )


def code(text: str) -> str:
    """A QR code of a text, as SVG."""
    drawn = io.BytesIO()
    segno.make_qr(text, error="m").save(drawn, kind="svg", border=2, xmldecl=False, svgns=True)
    return drawn.getvalue().decode()
