"""No module of the product names a vendor: what one vendor does stands in its adapter, its pretended twin and their tests.

Documents and the demo's data may name them. Source: house-style.md, section 3 ("A new vendor").
"""

from __future__ import annotations

import re
from pathlib import Path

import vendors

ROOT = Path(__file__).parents[2]
ROOMS = ("warranty", "vendors", "templates", "locale", "migrations")
MAY = (ROOT / "vendors" / "adapters", ROOT / "vendors" / "sandbox", ROOT / "warranty" / "demo")
MODULES = {".py", ".html", ".txt", ".po", ".pot"}
WAYS = {"email", "manual"}
"""Adapters that are a way to reach anybody, and no vendor."""
MAKERS = {
    "apc", "apple", "arista", "cisco", "dell", "fortinet", "hewlett", "hp", "hpe", "juniper", "lenovo", "meraki",
    "microsoft", "netapp", "palo alto", "pure storage", "techdirect", "ubiquiti", "zebra",
}  # fmt: skip
"""Source: vendor-apis.md, section 1."""


def names() -> set[str]:
    """Every vendor's name, title and class."""
    vendor_names = set(vendors.available()) - WAYS
    return MAKERS | vendor_names | {vendors.describe(name).title.lower() for name in vendor_names}


def test_no_module_outside_an_adapter_and_its_twin_names_a_vendor() -> None:
    named = re.compile(rf"(?<![a-z])({'|'.join(sorted(map(re.escape, names())))})(?![a-z])", re.IGNORECASE)
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in MODULES]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in files
        if not any(path.is_relative_to(place) for place in MAY)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if named.search(line)
    ]

    assert len(files) > 100
    assert found == []
