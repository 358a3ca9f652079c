"""The staff's pages, a module a room."""

from warranty.web.staff import (
    assets,
    board,
    cases,
    clients,
    contracts,
    goods,
    imports,
    overriding,
    products,
    profile,
    renewals,
    report,
    saved_views,
)
from warranty.web.staff.room import blueprint

__all__ = [
    "assets",
    "blueprint",
    "board",
    "cases",
    "clients",
    "contracts",
    "goods",
    "imports",
    "overriding",
    "products",
    "profile",
    "renewals",
    "report",
    "saved_views",
]
