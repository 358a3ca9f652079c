"""The catalogue of products, which is that of all clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import render_template, url_for

from warranty.domain.access import Permission
from warranty.models import Product
from warranty.services import directory, estate, records
from warranty.web import views
from warranty.web.guards import call, needs
from warranty.web.i18n import N_, reader
from warranty.web.pages import registry as pages
from warranty.web.schemas.registry import PRODUCT_CHANGE, ProductBody
from warranty.web.staff import editing
from warranty.web.staff.clients import ROWS, list_frame, may_register, page_of, searched
from warranty.web.staff.editing import REASON, About, Field, Form
from warranty.web.staff.room import blueprint

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from warranty.services.moves import Because

OWNERS = 20

_FIELDS = (
    Field("manufacturer", N_("Manufacturer"), wrong=N_("Give the manufacturer."), most=120, is_half=True),
    Field(
        "model",
        N_("Model"),
        wrong=N_("Give a model that this manufacturer does not have in the list yet."),
        most=200,
        is_half=True,
    ),
    Field("part_number", N_("Part number"), note=N_("optional"), style="mono", most=120, is_half=True),
    Field(
        "base_term_months",
        N_("Warranty of the maker, in months"),
        kind="number",
        may_be_null=True,
        note=N_("optional"),
        wrong=N_("Give whole months, from 0 to 600."),
        is_half=True,
    ),
    Field(
        "list_price_minor",
        N_("List price"),
        kind="money",
        may_be_null=True,
        note=N_("optional"),
        wrong=N_("Write a sum that is not below zero, with no more decimals than the currency has."),
        is_half=True,
    ),
    Field("currency", N_("Currency"), wrong=N_("Write the currency in three letters, like EUR."), most=3, is_half=True),
    REASON,
)
_NEW, _PRODUCT = Form(ProductBody(), _FIELDS), Form(PRODUCT_CHANGE, _FIELDS)


@blueprint.get("/products")
@needs(Permission.READ)
def product_list() -> str:
    """Products, by maker and model."""
    search, after = searched()
    found, last = directory.products(call().session, search=search, after=after, limit=ROWS)
    add_url = url_for("staff.product_new") if may_register() else None
    view = pages.ProductListView(
        tuple(_row(*one) for one in found), list_frame("staff.product_list", search, last, add_url)
    )
    return render_template("staff/product_list.html", frame=views.frame(), view=view)


def _row(product: Product, units: int) -> pages.ProductRow:
    return pages.ProductRow(
        name=f"{product.manufacturer} {product.model}",
        url=url_for("staff.product_detail", id=product.public_id),
        part_number=product.part_number,
        units=units,
        price_minor=product.list_price_minor,
        currency=product.currency,
        term_months=product.base_term_months,
    )


@blueprint.get("/products/<uuid:id>")
@needs(Permission.READ, of=Product)
def product_detail(product: Product) -> str:
    """One product, and who has units of it."""
    owners = directory.owners(call().session, product, limit=OWNERS)
    view = pages.ProductView(
        row=_row(product, sum(units for _, units in owners)),
        manufacturer=product.manufacturer,
        model=product.model,
        edit_url=url_for("staff.product_edit", id=product.public_id) if may_register() else None,
        owners=tuple((client.name, page_of(client).url, units) for client, units in owners),
    )
    return render_template("staff/product_detail.html", frame=views.frame(), view=view)


def _products() -> pages.Crumb:
    return pages.Crumb(reader().text(N_("Products")), url_for("staff.product_list"))


def _about_new() -> About:
    said, above = reader().text, _products()
    return About(said(N_("Add a product")), said(N_("Add the product")), "products", (above,), above.url)


@blueprint.get("/products/new")
@needs(Permission.REGISTER, wide=True)
def product_new() -> str:
    """The form of a new product."""
    return editing.page(_NEW, _about_new(), document={"currency": "EUR"})


@blueprint.post("/products/new")
@needs(Permission.REGISTER, wide=True)
def add_product() -> Response | tuple[str, int]:
    """Add a product."""

    def add(body: dict[str, Any], because: Because) -> str:
        product = estate.add_product(call().session, **body, because=because)
        return url_for("staff.product_detail", id=product.public_id)

    return editing.add(_NEW, _about_new(), add)


def _about(product: Product) -> About:
    said, url = reader().text, url_for("staff.product_detail", id=product.public_id)
    here = pages.Crumb(f"{product.manufacturer} {product.model}", url)
    return About(said(N_("Change the product")), said(N_("Save the product")), "products", (_products(), here), url)


@blueprint.get("/products/<uuid:id>/edit")
@needs(Permission.REGISTER, of=Product, wide=True)
def product_edit(product: Product) -> str:
    """The form of a product."""
    return editing.edit(_PRODUCT, _about(product), records.PRODUCTS, product)


@blueprint.post("/products/<uuid:id>/edit")
@needs(Permission.REGISTER, of=Product, wide=True)
def correct_product(product: Product) -> Response | tuple[str, int]:
    """Change a product."""
    return editing.amend(
        _PRODUCT,
        _about(product),
        records.PRODUCTS,
        product,
        estate.correct_product,
    )
