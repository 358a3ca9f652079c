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
    people,
    products,
    profile,
    renewals,
    report,
    saved_views,
    settings,
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
    "people",
    "products",
    "profile",
    "renewals",
    "report",
    "saved_views",
    "settings",
]
