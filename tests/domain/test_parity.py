"""What came is held against what was there, property by property."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from warranty.domain import parity
from warranty.domain.parity import Accepted, Rules, Status, Why, compare
from warranty.domain.specification import Class, Properties, Unreadable, of_document, read
from warranty.domain.terms import Component

SAMPLES = Path(os.environ.get("WARRANTY_SAMPLE_DATA") or "/nonexistent") / "specifications"

OLD = of_document(
    {
        "manufacturer": "Hewlett-Packard",
        "model": "Server 9",
        "serial_number": "A1",
        "memory": "16384 MB",
        "disks": ["960 GB SSD", "1.92 TB SSD"],
        "cpu": "Intel(R) Xeon(R) CPU E5-2650 v2 @ 2.60GHz",
        "firmware": {"bios": "2.1"},
        "licences": ["Enterprise"],
    }
).properties


def against(changes: Properties, rules: Rules | None = None, accepted: Iterable[Accepted] = ()) -> parity.Comparison:
    new = {name: value for name, value in (OLD | changes).items() if value != ""}
    return compare(OLD, new, rules or Rules(), accepted=accepted)


def missing(compared: parity.Comparison) -> dict[str, Why]:
    return {line.name: line.why for line in compared.missing}


def test_another_order_another_spelling_and_another_serial_are_no_difference() -> None:
    compared = against(
        {
            "product.manufacturer": "HPE",
            "disk.drives": ["1.92 TB SSD", "960 GB SSD"],
            "unit.serial_number": "B2",
            "cpu.models": ["Intel Xeon E5-2650 v2"],
        }
    )

    assert compared.is_clean
    assert "unit.serial_number" in compared.ignored
    assert {line.status for line in compared.lines} == {Status.MATCH}


@pytest.mark.parametrize(
    ("changes", "name", "why"),
    [
        ({"memory.total": 8192}, "memory.total", Why.LESS),
        ({"memory.total": 32768}, "memory.total", Why.MORE),
        ({"memory.total": ""}, "memory.total", Why.ABSENT),
        ({"disk.drives": ["960 GB SSD"]}, "disk.drives", Why.LESS),
        ({"disk.drives": ["960 GB SSD", "960 GB SSD"]}, "disk.drives", Why.LESS),
        ({"disk.drives": ["1.92 TB SSD", "3.84 TB SSD"]}, "disk.drives", Why.MORE),
        ({"disk.drives": ["960 GB SSD", "1.92 TB Disk"]}, "disk.drives", Why.OTHER),
        ({"firmware.bios": "2.2"}, "firmware.bios", Why.OTHER),
        ({"licences": ["Standard"]}, "licences", Why.OTHER),
    ],
)
def test_each_difference_is_named_with_how_it_differs(changes: Properties, name: str, why: Why) -> None:
    assert missing(against(changes)) == {name: why}


def test_better_is_only_what_a_substitute_of_the_vendor_brings() -> None:
    changes: Properties = {"memory.total": 32768, "product.model": "Server 10", "firmware.bios": "3.0"}

    named = against(changes, Rules(substitute="mail of 3 March"))

    assert {line.name for line in named.lines if line.status is Status.BETTER} == {"memory.total", "product.model"}
    assert missing(named) == {"firmware.bios": Why.OTHER}
    assert missing(against({"memory.total": 8192}, Rules(substitute="x"))) == {"memory.total": Why.LESS}


def test_an_acceptance_holds_for_the_values_that_were_accepted() -> None:
    [line] = against({"memory.total": 8192}).missing
    agreed = [Accepted(line.difference, "the module follows", "user:2")]

    assert against({"memory.total": 8192}, accepted=agreed).is_clean
    assert missing(against({"memory.total": 4096}, accepted=agreed)) == {"memory.total": Why.LESS}


def test_of_a_part_only_its_own_properties_and_firmware_count() -> None:
    rules = Rules(parts=frozenset({Component.DISK}))

    compared = against({"memory.total": 8192, "disk.drives": ["960 GB SSD"], "firmware.bios": "2.2"}, rules)

    assert missing(compared) == {"disk.drives": Why.LESS, "firmware.bios": Why.OTHER}


def test_what_was_never_recorded_or_not_read_is_one_line_and_facts_count_all_the_same() -> None:
    facts = [(parity.REGISTRY_PRODUCT, "Acme A", "Acme B"), (parity.CONFIGURATION, None, "x")]

    assert missing(compare(None, OLD, Rules())) == {parity.SPECIFICATION: Why.NEVER_RECORDED}
    assert missing(compare(OLD, None, Rules(), facts=facts)) == {
        parity.SPECIFICATION: Why.NOT_READ,
        parity.REGISTRY_PRODUCT: Why.OTHER,
    }


def test_the_models_of_disks_count_for_network_gear_alone_and_digests_are_of_the_document() -> None:
    changes: Properties = {"disk.models": ["B"]}
    old = OLD | {"disk.models": ["A"]}

    assert compare(old, old | changes, Rules()).is_clean
    assert not compare(old, old | changes, Rules(Class.NETWORK)).is_clean
    same, other = (parity.digest(parity.document(compare(old, one, Rules()))) for one in (old, old | {"licences": []}))
    assert same == parity.digest(parity.document(compare(old, dict(reversed(old.items())), Rules())))
    assert same != other


if SAMPLES.is_dir():

    def test_every_pair_of_real_inventories_compares() -> None:
        found = []
        for path in sorted(SAMPLES.rglob("*.*")):
            try:
                found.append(read(path.read_bytes()).properties)
            except Unreadable:
                continue
        for old, new in itertools.product(found, found):
            compared = compare(old, new, Rules(parity.class_of(old)))
            assert compared.is_clean or old is not new
