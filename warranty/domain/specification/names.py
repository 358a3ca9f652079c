"""The words of a specification, as data: what a unit's properties are called, how they are measured, what says nothing.

A specification is a flat set of named properties. A value is a text, a whole number in the property's measure, or a list of
texts in no order, in which the same text may stand more than once (four equal memory modules).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from warranty.domain.terms import Component

Value = str | int | list[str]
Properties = dict[str, Value]


class Measure(StrEnum):
    """What a number counts."""

    COUNT = "count"
    MIB = "mib"


class Class(StrEnum):
    """What kind of product it is, as far as its specification is concerned."""

    COMPUTER = "computer"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Property:
    """A property that the product knows. ``parts``: the components that it tells something about."""

    parts: frozenset[Component] = field(default_factory=frozenset)
    measure: Measure | None = None
    is_list: bool = False


C = Component
_UNIT = frozenset({C.UNIT})


def _of(*parts: Component) -> frozenset[Component]:
    return frozenset(parts)


PROPERTIES: Final[dict[str, Property]] = {
    "product.manufacturer": Property(_UNIT),
    "product.model": Property(_UNIT),
    "product.part_number": Property(_UNIT),
    "unit.serial_number": Property(_UNIT),
    "unit.uuid": Property(_UNIT),
    "unit.asset_tag": Property(_UNIT),
    "unit.uptime": Property(_UNIT),
    "board.model": Property(_of(C.MAINBOARD)),
    "board.serial_number": Property(_of(C.MAINBOARD)),
    "cpu.models": Property(_of(C.CPU, C.MAINBOARD), is_list=True),
    "cpu.sockets": Property(_of(C.CPU, C.MAINBOARD), Measure.COUNT),
    "cpu.cores": Property(_of(C.CPU, C.MAINBOARD), Measure.COUNT),
    "cpu.threads": Property(_of(C.CPU, C.MAINBOARD), Measure.COUNT),
    "memory.total": Property(_of(C.MEMORY, C.MAINBOARD), Measure.MIB),
    "memory.modules": Property(_of(C.MEMORY, C.MAINBOARD), is_list=True),
    "disk.drives": Property(_of(C.DISK), is_list=True),
    "disk.models": Property(_of(C.DISK), is_list=True),
    "disk.volumes": Property(_of(C.DISK, C.CONTROLLER), is_list=True),
    "controller.storage": Property(_of(C.CONTROLLER), is_list=True),
    "nic.cards": Property(_of(C.NIC), is_list=True),
    "nic.macs": Property(_of(C.NIC), is_list=True),
    "network.interfaces": Property(_of(C.NIC, C.PORT), is_list=True),
    "network.stack": Property(_UNIT, is_list=True),
    "graphics.cards": Property(_of(C.CONTROLLER), is_list=True),
    "psu.units": Property(_of(C.PSU), is_list=True),
    "firmware.bios": Property(_of(C.MAINBOARD)),
    "os.name": Property(_of(C.DISK)),
    "os.version": Property(_of(C.DISK)),
    "os.kernel": Property(_of(C.DISK)),
    "os.host_name": Property(_of(C.DISK)),
    "licences": Property(_UNIT, is_list=True),
    "monitoring": Property(_UNIT, is_list=True),
}
"""What the readers say. Beside them stand ``firmware.<part>`` and, where a person names more, ``other.<name>``."""

FIRMWARE = "firmware."
OTHER = "other."
VOLATILE: Final = frozenset({"unit.uptime"})
"""What is another value each time it is read, and so makes no new snapshot."""

IGNORED: Final[dict[Class, dict[str, str]]] = {
    Class.COMPUTER: {
        "unit.serial_number": "Each unit has its own.",
        "board.serial_number": "Each unit has its own.",
        "unit.uuid": "Each unit has its own.",
        "unit.asset_tag": "It moves with the place, in the registry.",
        "unit.uptime": "It counts from the last start.",
        "nic.macs": "Each unit has its own.",
        "disk.models": "Vendors send disks of other makers; kind and size are compared.",
        "os.kernel": "It changes with ordinary patches; the system's version is compared.",
    },
    Class.NETWORK: {
        "unit.serial_number": "Each unit has its own.",
        "unit.uuid": "Each unit has its own.",
        "unit.asset_tag": "It moves with the place, in the registry.",
        "unit.uptime": "It counts from the last start.",
        "nic.macs": "Each unit has its own.",
    },
}
"""What no comparison counts, each with its reason, for each class of product."""

PLACEHOLDERS: Final = frozenset(
    words.strip()
    for words in """
    to be filled by o.e.m.|to be filled by oem|not specified|not available|not applicable|not provided|none|null|n/a|na|nil
    unknown|undefined|default string|default|system serial number|system product name|system manufacturer|system version
    base board serial number|chassis serial number|serial number|o.e.m.|oem|empty|no module installed|not present|<bad index>
    <out of spec>|[removed]|removed|<removed>|xxxxxxxxxx|0123456789|1234567890|123456789|invalid|sku|asset tag|no asset tag
    no asset information|filled by o.e.m.|not settable|unspecified|dimm|[empty]|...|-|--|no enclosure|system sku|name
    tbd by odm|tbd|to be determined
    """.replace("\n", "|")
    .lower()
    .split("|")
)
"""What makers print where they have nothing to say; compared without case and outer blanks. Runs of one sign say nothing too."""

CAPACITIES_GB: Final = (
    *(
        4,
        8,
        16,
        30,
        32,
        36,
        40,
        60,
        64,
        73,
        80,
        100,
        120,
        128,
        146,
        160,
        180,
        200,
        240,
        250,
        256,
        300,
        320,
        400,
        450,
        480,
    ),
    *(
        500,
        512,
        600,
        640,
        750,
        800,
        900,
        960,
        1000,
        1024,
        1200,
        1500,
        1600,
        1800,
        1920,
        2000,
        2048,
        2400,
        3000,
        3200,
        3840,
    ),
    *(4000, 5000, 6000, 6400, 7680, 8000, 10000, 12000, 12800, 14000, 15360, 16000, 18000, 20000, 22000, 24000, 30720),
)
"""The sizes that disks are sold in, in units of 10^9 bytes; what is read within one percent of one is that."""

VIRTUAL_INTERFACES: Final = (
    *(
        "lo",
        "vlan",
        "loopback",
        "port-channel",
        "tunnel",
        "null",
        "bundle",
        "docker",
        "veth",
        "br-",
        "bridge",
        "virbr",
        "bond",
    ),
    *(
        "tun",
        "tap",
        "dummy",
        "vboxnet",
        "vmnet",
        "ovs",
        "irb",
        "ae",
        "vme",
        "gre",
        "ipip",
        "lsi",
        "mtun",
        "pimd",
        "pime",
        "dsc",
    ),
    *(
        "st0",
        "lsq",
        "pp0",
        "ppd",
        "ppe",
        "sp-",
        "gr-",
        "ip-",
        "lt-",
        "mt-",
        "vtep",
        "ssl.",
        "nve",
        "bdi",
        "bvi",
        "cni",
        "flannel",
    ),
    *(
        "wg",
        "esi",
        "fti",
        "jsrv",
        "tap",
        "rbeb",
        "vlan.",
        "fxp2",
        "cbp",
        "demux",
        "pip",
        "vrrp",
        "sit",
        "teredo",
        "isatap",
    ),
)
"""How the names of interfaces begin that nobody can touch: they belong to the configuration."""

INTERFACE_KINDS: Final = (
    ("hundredgig", "100 Gbit/s port"),
    ("fortygig", "40 Gbit/s port"),
    ("twentyfivegig", "25 Gbit/s port"),
    ("tengig", "10 Gbit/s port"),
    ("fivegig", "5 Gbit/s port"),
    ("twogig", "2.5 Gbit/s port"),
    ("gigabit", "1 Gbit/s port"),
    ("fastethernet", "100 Mbit/s port"),
    ("et-", "40 Gbit/s port"),
    ("xe-", "10 Gbit/s port"),
    ("ge-", "1 Gbit/s port"),
    ("fe-", "100 Mbit/s port"),
    ("mgmt", "Management port"),
    ("management", "Management port"),
    ("fxp0", "Management port"),
    ("em0", "Management port"),
    ("me0", "Management port"),
    ("wl", "Wireless"),
    ("wwan", "Mobile network"),
)
"""What the names of ports say of them, by how they begin, the first that fits; any other is a port."""
