"""The staff's pages, a module a room."""

from warranty.web.staff import (
    asset_list,
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
    search,
    settings,
)
from warranty.web.staff.room import blueprint

__all__ = [
    "asset_list",
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
    "search",
    "settings",
]
