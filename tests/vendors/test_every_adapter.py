"""Every adapter is found, tested under the contract parts of its duties, and has recordings with their source."""

from __future__ import annotations

import importlib
import inspect
import runpy
from pathlib import Path
from typing import TypeVar

import pytest

import vendors
from tests.vendors import contract
from tests.vendors.promise import Promised
from tests.vendors.replay import RECORDED
from vendors import readme
from vendors.contract import Duty, Promise
from vendors.errors import Trouble, VendorError

T = TypeVar("T")
PART = {Duty.LOOKUP: contract.LooksUp, Duty.OPEN: contract.Opens, Duty.TRACK: contract.Tracks}

every_vendor = pytest.mark.parametrize("vendor", vendors.available())


def classes_of(vendor: str, part: type[T]) -> list[type[T]]:
    """The test classes of a vendor that inherit a part of the contract."""
    module = importlib.import_module(f"tests.vendors.test_{vendor}")
    classes = [one for _, one in inspect.getmembers(module, inspect.isclass) if issubclass(one, part)]
    return [one for one in classes if one.__module__ == module.__name__ and one.__name__.startswith("Test")]


def test_there_are_the_vendors_of_the_first_landing() -> None:
    assert set(vendors.available()) >= {"dell", "servicenow", "manual"}


@every_vendor
def test_it_is_tested_under_the_parts_of_its_duties(vendor: str) -> None:
    tested = classes_of(vendor, contract.VendorContract)
    assert {one.vendor for one in tested} == {vendor}
    able = tested[0]().host().adapter.capabilities
    if vendors.describe(vendor).settings:
        assert all(issubclass(one, contract.ByMail) for one in tested)
    elif able.by_hand is None:
        parts = {PART[duty] for duty in able.duties}
        if able.promise in {Promise.A, Promise.B}:
            parts.add(contract.Searches)
        assert all(any(issubclass(one, part) for one in tested) for part in parts)
    if able.promise is not None and able.by_hand is None:
        assert classes_of(vendor, Promised), "nothing proves its promise at its twin"


@every_vendor
def test_it_says_what_it_was_checked_against(vendor: str) -> None:
    assert vendors.describe(vendor).checked_against


@every_vendor
def test_its_recordings_name_their_source(vendor: str) -> None:
    sources = (RECORDED / vendor / "SOURCES").read_text("utf-8")
    assert "vendor-apis.md, section" in sources
    missing = [one.stem for one in (RECORDED / vendor).glob("*.json") if one.stem not in sources]
    assert missing == []


def test_the_table_in_the_readme_is_current() -> None:
    assert readme.table() in readme.README.read_text("utf-8"), "run: python -m vendors.readme"


def test_the_table_is_renewed_in_place_and_only_where_it_is_old(tmp_path: Path) -> None:
    current = readme.README.read_text("utf-8")
    copy = tmp_path / "README.md"
    copy.write_text(current.replace(readme.table(), "an old table\n"), "utf-8")
    assert readme.renew(copy)
    assert copy.read_text("utf-8") == current
    assert not readme.renew(copy)


def test_renewing_a_current_readme_changes_nothing() -> None:
    before = readme.README.stat().st_mtime_ns
    runpy.run_path(str(readme.__file__), run_name="__main__")
    assert readme.README.stat().st_mtime_ns == before


def test_an_unknown_vendor_is_refused_with_those_there_are() -> None:
    with pytest.raises(VendorError, match=", ".join(vendors.available())) as caught:
        vendors.describe("nobody")
    assert caught.value.trouble is Trouble.REFUSED
