"""Rows about products. The identity of one is its manufacturer and its model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from warranty.models import Product
from warranty.services import estate
from warranty.services.estate import Invalid
from warranty.services.importing.columns import read_count
from warranty.services.importing.rows import Import, Outcome
from warranty.services.importing.sheets import Row


class Products(Import):
    """One run over rows about products."""

    def _take(self, session: Session, rows: Sequence[Row]) -> None:
        read = [(row, product) for row in rows if (product := self._understand(row)) is not None]
        known = self._known(session, [product for _, product in read])
        new: list[Product] = []
        for row, product in read:
            old = known.get(_identity(product))
            changes = {} if old is None else _differences(row, product, old)
            outcome = Outcome.NEW if old is None else Outcome.CHANGED if changes else Outcome.SAME
            self.tally.count(
                outcome,
                row,
                product=f"{product.manufacturer} {product.model}",
                part_number=product.part_number,
                changes=", ".join(changes),
            )
            if old is None:
                new.append(product)
            elif changes and not self.dry_run:
                was = {name: getattr(old, name) for name in changes}
                self.journal.note_changed(Product.__tablename__, old.id, was, changes)
                estate.change_product(session, old, because=self.because, **changes)
        if not self.dry_run:
            self._register(session, new)

    def _understand(self, row: Row) -> Product | None:
        cells = row.cells
        try:
            product = estate.new_product(
                manufacturer=cells.get("manufacturer", ""),
                model=cells.get("model", ""),
                part_number=cells.get("part_number", ""),
                base_term_months=_count(row, "base_term_months"),
                list_price_minor=_count(row, "list_price_minor"),
                currency=cells.get("currency", "EUR").upper(),
            )
            what = f"{product.manufacturer} {product.model}"
            if self._is_repeated(row, _identity(product), what):
                self.tally.count(Outcome.SAME, row, product=what)
                return None
        except Invalid as err:
            self.tally.refuse(row, err)
            return None
        return product

    def _known(self, session: Session, products: Sequence[Product]) -> dict[tuple[str, str], Product]:
        """Those of a batch that stand in the register, by their identity."""
        ids = [
            model.id
            for maker_key, model_key in map(_identity, products)
            if (model := self.names.models_of(session, maker_key).get(model_key)) is not None
        ]
        return {_identity(product): product for product in session.scalars(select(Product).where(Product.id.in_(ids)))}


def _identity(product: Product) -> tuple[str, str]:
    return product.manufacturer_key, product.model.casefold()


def _count(row: Row, column: str) -> int | None:
    return read_count(column, row.cells[column]) if column in row.cells else None


def _differences(row: Row, new: Product, old: Product) -> dict[str, Any]:
    """What a row says of a known product that the register does not; an empty cell says nothing."""
    said = [name for name in ("part_number", "base_term_months", "list_price_minor", "currency") if name in row.cells]
    return {name: getattr(new, name) for name in said if getattr(new, name) != getattr(old, name)}
