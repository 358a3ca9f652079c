"""Inventories of every kind come into one normal form, and what is none is refused with a word on what to do."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from warranty.domain.specification import Source, Unreadable, of_document, read, read_configuration

SAMPLES = Path(os.environ.get("WARRANTY_SAMPLE_DATA") or "/nonexistent") / "specifications"

DMIDECODE = """\
# dmidecode 3.3
Handle 0x0001, DMI type 1, 27 bytes
System Information
	Manufacturer: Acme Inc.
	Product Name: Server 9
	Serial Number: To Be Filled By O.E.M.
	UUID: 00000000-0000-0000-0000-000000000000

Handle 0x0011, DMI type 17, 40 bytes
Memory Device
	Size: 16384 MB
	Type: DDR4
	Speed: 2666 MT/s
	Configured Memory Speed: 2400 MT/s

Handle 0x0012, DMI type 17, 40 bytes
Memory Device
	Size: No Module Installed
	Type: Unknown
"""


def lshw(*children: object) -> list[object]:
    named = {"id": "db-1", "class": "system", "product": "Server 9 (SRV-9)", "vendor": "Acme"}
    return [named | {"children": list(children)}]


def disk(name: str, size: int) -> dict[str, object]:
    return {"id": name, "class": "disk", "description": "NVMe disk", "units": "bytes", "size": size}


def test_one_unit_told_by_four_tools_has_one_memory_and_one_disk() -> None:
    module = {"id": "bank:0", "class": "memory", "description": "DIMM DDR4", "size": 17179869184, "clock": 2400000000}
    tree = lshw({"id": "core", "class": "bus", "children": [module, disk("nvme0n1", 960197124096)]})
    facts = {"ansible_memtotal_mb": 15951, "ansible_devices": {"nvme0n1": {"size": "894.25 GB", "rotational": "0"}}}
    redfish = [
        {"@odata.type": "#Memory.v1_1_0.Memory", "CapacityMiB": 16384},
        {"@odata.type": "#Drive.v1_4_0.Drive", "CapacityBytes": 960197124096, "Protocol": "NVMe"},
    ]
    by_hand = {"memory": "16 GiB", "disks": ["960 GB NVMe"]}

    told = [of_document(one).properties for one in (tree, {"ansible_facts": facts}, redfish, by_hand)]

    assert [one["memory.total"] for one in told] == [16384] * 4
    assert [one["disk.drives"] for one in told] == [["960 GB NVMe"]] * 4
    assert read(DMIDECODE.encode()).properties == {
        "memory.modules": ["16 GiB DDR4 2400 MT/s"],
        "memory.total": 16384,
        "product.manufacturer": "Acme Inc.",
        "product.model": "Server 9",
    }


def test_the_order_of_disks_and_the_names_of_interfaces_change_nothing() -> None:
    one = lshw(disk("a", 960197124096), disk("b", 1920383410176))
    other = lshw(disk("x", 1920383410176), disk("y", 960197124096))
    eth = {"vendor": "Cisco", "model": "X", "os_version": "15", "interface_list": ["GigabitEthernet0/1", "Vlan1"]}
    renamed = eth | {"interface_list": ["Vlan20", "GigabitEthernet1/0/1"]}

    assert of_document(one).digest == of_document(other).digest
    assert of_document(eth).digest == of_document(renamed).digest
    assert of_document(eth | {"uptime": 1}).digest == of_document(eth | {"uptime": 2}).digest


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("16384 MB", 16384),
        ("16 GiB", 16384),
        ("16GB", 16384),
        ("0.5 GB", 512),
        ("1 TiB", 1048576),
    ],
)
def test_memory_is_one_number_however_it_is_spelt(said: str, means: int) -> None:
    assert of_document({"memory": said}).properties == {"memory.total": means}


def test_what_a_person_writes_down_is_read_as_an_object_or_as_a_table() -> None:
    document = {
        "manufacturer": "Acme",
        "memory_modules": ["2 x 16 GB DDR4 2666 MHz"],
        "disks": ["2 x 960 GB SSD", "894.25 GiB SSD"],
        "firmware": {"BIOS": "2.1", "iDRAC": "6.10"},
        "licences": ["Enterprise"],
        "monitoring": True,
        "rail kit": "sliding",
    }
    table = "property;value\nManufacturer;Acme\nDisks;2 x 960 GB SSD\nMemory;32 GiB\n"

    assert of_document(document).properties == {
        "disk.drives": ["960 GB SSD"] * 3,
        "firmware.bios": "2.1",
        "firmware.idrac": "6.10",
        "licences": ["Enterprise"],
        "memory.modules": ["16 GiB DDR4 2666 MT/s"] * 2,
        "memory.total": 32768,
        "monitoring": ["yes"],
        "other.rail_kit": "sliding",
        "product.manufacturer": "Acme",
    }
    assert read(table.encode()).source is Source.CSV
    assert read(table.encode()).properties == {
        "disk.drives": ["960 GB SSD"] * 2,
        "memory.total": 32768,
        "product.manufacturer": "Acme",
    }


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[" * 100_000, "nested deeper than 64"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "nested deeper than 64"),
        (b" " * (50 * 1024 * 1024), "50 MB are too much"),
        (b'{"model": "A", "model": "B"}', "stands twice"),
        ("größe".encode("latin-1"), "Save it as UTF-8"),
        ('{"model": "A"}'.encode("utf-16"), "Save it as UTF-8"),
        (b'{"model": NaN}', "is no number in JSON"),
        (b'{"model": ' + b"9" * 5000 + b"}", "has 5000 digits"),
        (b'{"model": "A"', "no whole JSON (line 1)"),
        (b"", "is empty"),
        (b"{}", "no inventory that is known"),
        (b"[1, 2, 3]", "no inventory that is known"),
        (b"Dear colleague", "no inventory that is known"),
        (b"<html></html>", "no inventory that is known"),
        (b'{"changed": false, "msg": "Failed to connect", "unreachable": true}', "could not ask the host"),
        (b'{"running": "hostname a"}', "Send it as the configuration"),
        (b'{"memory": 16}', "write its unit too"),
        (b'{"model": "A", "admin_password": "x"}', "sounds like a secret"),
        (b'{"serial_number": "To be filled by O.E.M.", "model": "Not Specified"}', "says nothing of a unit"),
        (b"model;A;B\n", "has not two columns"),
        (b"model;" + b"A" * 200_000 + b"\n", "cannot be read as a table"),
        (b'{"model": "' + b'\\"' * 1_000_000, "no whole JSON (line 1)"),
    ],
)
def test_what_is_no_inventory_is_refused_with_a_word_on_what_to_do(content: bytes, says: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read(content)

    assert says in str(refused.value)


def test_signs_that_no_database_keeps_are_taken_out() -> None:
    found = read(b'{"model": "A\\u0000B\\ud800C\\u202eD", "rail": "x"}').properties

    assert found == {"product.model": "A B C D", "other.rail": "x"}


SECRET = "Hunter2Hunter2"
CONFIGURATIONS = [
    f"enable password {SECRET}",
    f"enable secret 9 $9${SECRET}",
    f"username admin privilege 15 role network-admin secret sha512 $6${SECRET}",
    f"username cisco password 7 {SECRET}",
    f"snmp-server community {SECRET} RO",
    f"snmp-server host 10.0.0.1 version 2c {SECRET}",
    f"snmp-server user bob group v3 auth sha {SECRET} priv aes 128 {SECRET}",
    f"tacacs-server key 7 {SECRET}",
    f" key-string {SECRET}",
    f"crypto isakmp key {SECRET} address 192.0.2.1",
    f" neighbor 192.0.2.1 password {SECRET}",
    f" ip ospf message-digest-key 1 md5 7 {SECRET}",
    f" standby 1 authentication {SECRET}",
    f" ppp chap password 0 {SECRET}",
    f"ntp authentication-key 1 md5 {SECRET}",
    f"wpa-psk ascii 0 {SECRET}",
    f'set system root-authentication encrypted-password "$6${SECRET}"; ## SECRET-DATA',
    f"    secret {SECRET};",
    f"    community {SECRET} {{",
    f'    pre-shared-key ascii-text "$9${SECRET}";',
    f"set snmp community {SECRET} authorization read-only",
    f"        set passwd ENC {SECRET}",
    f"config system snmp community\n    edit 1\n        set name {SECRET}\n    next\nend",
    f'        set private-key "-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----"',
    f'        set psksecret "first\n{SECRET}"',
    f"<phash>{SECRET}</phash><key>{SECRET}</key>",
    f'<entry name="x"><auth-password>{SECRET}</auth-password></entry>',
    f"/ppp secret add name=x password={SECRET}",
    f"password irreversible-cipher {SECRET}",
    f"snmp-agent community read cipher {SECRET}",
    f"copy ftp://bob:{SECRET}@192.0.2.1/image",
    f"radius-server host 192.0.2.1 auth-port 1812 key {SECRET}",
    f"vtp password {SECRET}",
]


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_no_secret_of_a_configuration_is_kept(text: str) -> None:
    kept = read_configuration(f"hostname core-1\n{text}\ninterface Vlan1\n".encode()).text

    assert SECRET not in kept
    assert kept.startswith("hostname core-1\n")
    assert kept.endswith("interface Vlan1\n")
    assert "<removed>" in kept


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["a", "<secret", "secret", "privatekey", "http://a", "password x ", "-----BEGIN A-----"]
)
def test_a_line_of_a_million_signs_is_gone_through_once(piece: str) -> None:
    """Where each word, tag or address is tried from each of its letters, this takes hours."""
    long = piece * (1_000_000 // len(piece))

    assert read_configuration(f"{long}\nhostname core-1\n".encode()).text.count("\n") <= 2


def test_what_is_no_secret_stays_and_what_changes_by_itself_is_left_out() -> None:
    text = "service password-encryption\nspanning-tree mode mst\ninterface Gi0/1\n description to core\n"
    stamped = f"! Last configuration change at 10:00:00 UTC\n{text}ntp clock-period 17179\n"

    assert read_configuration(text.encode()).text == text
    assert read_configuration(stamped.encode()).digest == read_configuration(text.encode()).digest
    as_napalm = json.dumps({"running": text, "startup": "", "candidate": ""}).encode()
    assert read_configuration(as_napalm).digest == read_configuration(text.encode()).digest


if SAMPLES.is_dir():

    def test_real_inventories_are_read_or_refused_and_real_configurations_keep_no_secret() -> None:
        readable = 0
        for path in sorted(SAMPLES.rglob("*.*")):
            if "get-config" in path.name:
                kept = read_configuration(path.read_bytes()).text
                assert len(kept) > 100, path.name
                assert "EXAMPLE" not in kept, path.name
                assert "INVENTED" not in kept, path.name
                continue
            try:
                found = read(path.read_bytes())
            except Unreadable:
                continue
            readable += 1
            assert found.properties, path.name
            assert "To Be Filled" not in str(found.properties), path.name
        assert readable > 45
