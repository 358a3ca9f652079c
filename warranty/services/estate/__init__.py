"""The registry: the only place that adds and changes clients, sites, products, units, contracts and coverages.

What a person may hand in wrongly is an ``Invalid``: the field, and a sentence that says what to do. Every row that is
added or changed leaves an audit row; states move through ``services.moves``. ``add_*`` and ``correct_*`` take facts as
people and programs give them and check them; ``change_*`` and ``register_*`` take columns that an import has checked.
Nothing is deleted: what is over has a state that says so. Files of many rows: ``services.imports``.
"""

from warranty.services.estate.checks import (
    MOST_DAYS_OR_CLAIMS,
    InUse,
    Invalid,
    checked_number,
    checked_serial,
    checked_text,
    checked_zone,
    is_ruined,
    manufacturer_key,
    serial_key,
)
from warranty.services.estate.clients import (
    ADDRESS_LINES,
    Contact,
    add_client,
    add_contact,
    add_site,
    correct_client,
    correct_contact,
    correct_site,
    find_client,
    find_site,
    new_person,
)
from warranty.services.estate.coverages import (
    add_contract,
    add_coverage,
    change_coverage,
    check_change,
    correct_contract,
    correct_coverage,
    new_coverage,
    register_coverages,
    scope_matches,
)
from warranty.services.estate.names import ExternalName, NameTaken
from warranty.services.estate.products import (
    add_product,
    change_product,
    correct_product,
    find_product,
    merge_products,
    new_product,
    register_products,
)
from warranty.services.estate.rows import hold
from warranty.services.estate.units import (
    FIRST_STATES,
    HandoverResult,
    add_asset,
    asset_values,
    change_asset,
    correct_asset,
    find_assets,
    put_baseline,
    register_assets,
)

__all__ = [
    "ADDRESS_LINES",
    "FIRST_STATES",
    "MOST_DAYS_OR_CLAIMS",
    "Contact",
    "ExternalName",
    "HandoverResult",
    "InUse",
    "Invalid",
    "NameTaken",
    "add_asset",
    "add_client",
    "add_contact",
    "add_contract",
    "add_coverage",
    "add_product",
    "add_site",
    "asset_values",
    "change_asset",
    "change_coverage",
    "change_product",
    "check_change",
    "checked_number",
    "checked_serial",
    "checked_text",
    "checked_zone",
    "correct_asset",
    "correct_client",
    "correct_contact",
    "correct_contract",
    "correct_coverage",
    "correct_product",
    "correct_site",
    "find_assets",
    "find_client",
    "find_product",
    "find_site",
    "hold",
    "is_ruined",
    "manufacturer_key",
    "merge_products",
    "new_coverage",
    "new_person",
    "new_product",
    "put_baseline",
    "register_assets",
    "register_coverages",
    "register_products",
    "scope_matches",
    "serial_key",
]
