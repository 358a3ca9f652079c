"""Products: models of a manufacturer, which belong to no client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.exc import IntegrityError

from warranty.models import Asset, Coverage, Product, StockUnit
from warranty.services import moves
from warranty.services.estate.checks import (
    MOST_MINOR,
    MOST_MONTHS,
    InUse,
    Invalid,
    checked_currency,
    checked_number,
    checked_text,
    checked_whole,
    manufacturer_key,
)
from warranty.services.estate.rows import add_once, change, change_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from warranty.services.moves import Because


def add_product(
    session: Session,
    *,
    manufacturer: str,
    model: str,
    part_number: str = "",
    base_term_months: int | None = None,
    list_price_minor: int | None = None,
    currency: str = "EUR",
    because: Because,
) -> Product:
    """A new model of a manufacturer; the two are its identity. ``list_price_minor`` is in minor units of ``currency``.

    Raises:
        Invalid: something is missing or no number, or the model is known already.
    """
    product = new_product(
        manufacturer=manufacturer,
        model=model,
        part_number=part_number,
        base_term_months=base_term_months,
        list_price_minor=list_price_minor,
        currency=currency,
    )
    message = f"{product.manufacturer} {product.model} is known already."
    add_once(session, product, "model", message, is_there=_same_model(session, product) is not None)
    moves.note(session, product, "add", because)
    return product


def _same_model(session: Session, product: Product) -> int | None:
    """The key of a product whose names differ by nothing but their case."""
    same_maker = Product.manufacturer_key == product.manufacturer_key
    same_model = func.lower(Product.model) == func.lower(product.model)
    return session.scalar(select(Product.id).where(same_maker, same_model).limit(1))


def new_product(
    *,
    manufacturer: str,
    model: str,
    part_number: str = "",
    base_term_months: int | None = None,
    list_price_minor: int | None = None,
    currency: str = "EUR",
) -> Product:
    """A checked product that no session knows yet.

    Raises:
        Invalid: something is missing or no number.
    """
    manufacturer = checked_text("manufacturer", manufacturer, 120, needed=True)
    key = manufacturer_key(manufacturer)
    if not key:
        raise Invalid("manufacturer", f"{manufacturer} has neither letters nor digits.")
    if not model.strip():
        raise Invalid("model", "model is empty.")
    return Product(
        manufacturer=manufacturer,
        manufacturer_key=key[:120],
        model=checked_number("model", model, 200),
        part_number=checked_number("part_number", part_number, 120),
        base_term_months=checked_whole("base_term_months", base_term_months, MOST_MONTHS),
        list_price_minor=checked_whole("list_price_minor", list_price_minor, MOST_MINOR),
        currency=checked_currency(currency),
    )


def register_products(session: Session, products: Sequence[Product], *, because: Because) -> list[Product]:
    """Add products that ``new_product`` made; where somebody added one at the same time, theirs is in the answer."""
    try:
        with session.begin_nested():
            session.add_all(products)
    except IntegrityError:
        return [_add_or_find(session, product, because) for product in products]
    for product in products:
        moves.note(session, product, "add", because)
    return list(products)


def _add_or_find(session: Session, product: Product, because: Because) -> Product:
    try:
        add_once(session, product, "model", "known")
    except Invalid:
        return find_product(session, manufacturer=product.manufacturer, model=product.model)
    moves.note(session, product, "add", because)
    return product


def find_product(session: Session, *, manufacturer: str, model: str) -> Product:
    """A product by its manufacturer's and its own name.

    Raises:
        Invalid: there is none.
    """
    wanted, maker = " ".join(model.split()), manufacturer_key(manufacturer)
    query = select(Product).where(Product.manufacturer_key == maker, func.lower(Product.model) == func.lower(wanted))
    found = session.scalars(query.order_by((Product.model == wanted).desc(), Product.id).limit(1)).one_or_none()
    if found is None:
        raise Invalid("product", f"There is no product {wanted!r} of {manufacturer!r}.")
    return found


def change_product(session: Session, product: Product, *, because: Because, **new: Any) -> None:
    """Change columns of a product; the caller has checked them. The register keeps what was."""
    change(session, product, new, because=because)


def correct_product(session: Session, product: Product, *, because: Because, **facts: Any) -> None:
    """Change what is known of a product; ``facts`` as for ``add_product``.

    Raises:
        Invalid: as ``add_product``.
    """
    names = ("manufacturer", "model", "part_number", "base_term_months", "list_price_minor", "currency")
    wanted = new_product(**{name: getattr(product, name) for name in names} | facts)
    message = f"{wanted.manufacturer} {wanted.model} is known already: merge the two."
    if _same_model(session, wanted) not in {None, product.id}:
        raise Invalid("model", message)
    new = {name: getattr(wanted, name) for name in (*names, "manufacturer_key")}
    change_once(session, product, new, "model", message, because=because)


def merge_products(session: Session, product: Product, into: Product, *, because: Because) -> None:
    """Let one product stand for two that are the same: units, coverages and stock pass to ``into``, then it is gone.

    What ``into`` does not know is taken over. Verdicts stay as they are: each is stored with the case it rests on.

    Raises:
        Invalid: the two are one, or of two manufacturers, whose vendors would be asked about the wrong units.
        InUse: both have a unit of one serial number in stock.
    """
    if product.id == into.id:
        raise Invalid("into", "A product cannot be merged into itself.")
    if product.manufacturer_key != into.manufacturer_key:
        raise Invalid("into", f"{into.manufacturer} is another manufacturer: correct that first.")
    try:
        with moves.attempt(session):
            passed = {table.__tablename__: _pass_on(session, table, product, into) for table in _OF_PRODUCT}
    except IntegrityError as err:
        raise InUse("into", "Both have a unit of one serial number in stock: correct one of them first.") from err
    known = ("part_number", "base_term_months", "list_price_minor")
    taken = {name: getattr(product, name) for name in known if getattr(into, name) in {None, ""}}
    if taken.get("list_price_minor") is not None:
        taken["currency"] = product.currency
    change(session, into, taken, because=because)
    of = {"product": str(product.public_id), "manufacturer": product.manufacturer, "model": product.model}
    moves.note(session, into, "merge", because, detail={"of": of, "passed": passed})
    moves.note(session, product, "merge", because, detail={"into": str(into.public_id)})
    session.delete(product)
    session.flush()


_OF_PRODUCT: tuple[type[Asset | Coverage | StockUnit], ...] = (Asset, Coverage, StockUnit)


def _pass_on(session: Session, table: type[Asset | Coverage | StockUnit], product: Product, into: Product) -> int:
    query = update(table).where(table.product_id == product.id).values(product_id=into.id)
    done = session.execute(query, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", done).rowcount
