"""Redfish resources of a management controller: the system, its parts and its firmware inventory.

One resource, a list of them, a collection whose members stand inside, or an object of named resources are read alike, so that
what a script fetched can be handed in as it is. A part that is ``Absent`` says nothing. Source: DMTF DSP0268.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from warranty.domain.specification.drafting import Draft, Unreadable, capacity, joined, said, speed, whole
from warranty.domain.specification.guard import items, table


def fits(document: Any) -> bool:
    """Whether there is a resource in it."""
    return next(_resources(document), None) is not None


def _resources(document: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Each resource that says of what type it is."""
    if isinstance(document, list):
        for one in document:
            yield from _resources(one, depth)
        return
    found = table(document)
    if "@odata.type" in found:
        yield found
        yield from _resources(items(found.get("Members")), depth)
        yield from _resources(items(found.get("Drives")), depth)
        yield from _resources(items(found.get("PowerSupplies")), depth)
    elif depth < 3:
        for one in found.values():
            if isinstance(one, dict | list):
                yield from _resources(one, depth + 1)


def read(document: Any) -> Draft:
    """Read the resources.

    Raises:
        Unreadable: none of them tells of hardware or firmware.
    """
    draft, kinds, summaries = Draft(), set(), []
    for one in _resources(document):
        kind = str(one["@odata.type"]).lstrip("#").split(".")[0]
        kinds.add(kind)
        if kind == "ComputerSystem":
            summaries.append(one)
        if kind in _READERS and _is_there(one):
            _READERS[kind](draft, one)
    if "SoftwareInventoryCollection" in kinds and not draft.has_firmware():
        raise Unreadable(
            "The firmware inventory lists addresses only. Send its members too, for example with $expand=*."
        )
    if not kinds & _READERS.keys():
        raise Unreadable(
            f"Redfish sent {', '.join(sorted(kinds))[:80]}, which tells nothing of the hardware. Send the system."
        )
    for system in summaries:  # what the parts themselves said goes before the system's sums
        _sums(draft, system)
    return draft


def _is_there(one: dict[str, Any]) -> bool:
    return table(one.get("Status")).get("State") not in {"Absent", "Disabled"}


def _system(draft: Draft, one: dict[str, Any]) -> None:
    draft.say("product.manufacturer", one.get("Manufacturer"))
    draft.say("product.model", one.get("Model"))
    draft.say("product.part_number", one.get("PartNumber") or one.get("SKU"))
    draft.say("unit.serial_number", one.get("SerialNumber"))
    draft.say("unit.uuid", one.get("UUID"))
    draft.say("unit.asset_tag", one.get("AssetTag"))
    draft.say("firmware.bios", one.get("BiosVersion"))
    draft.say("os.host_name", one.get("HostName"))


def _sums(draft: Draft, one: dict[str, Any]) -> None:
    processors, memory = table(one.get("ProcessorSummary")), table(one.get("MemorySummary"))
    if not draft.has("cpu.models"):
        count = whole(processors.get("Count"))
        for _ in range(min(count or 0, 64)):
            draft.add("cpu.models", processors.get("Model"))
        draft.count("cpu.sockets", count)
    draft.count("cpu.cores", processors.get("CoreCount"))
    draft.count("cpu.threads", processors.get("LogicalProcessorCount"))
    total = memory.get("TotalSystemMemoryGiB")
    if isinstance(total, int | float) and not draft.has("memory.total"):
        draft.count("memory.total", total * 1024)


def _processor(draft: Draft, one: dict[str, Any]) -> None:
    if one.get("ProcessorType") in {None, "CPU"}:
        draft.add("cpu.models", one.get("Model"))
        draft.total("cpu.sockets", 1)
        draft.total("cpu.cores", one.get("TotalCores"))
        draft.total("cpu.threads", one.get("TotalThreads"))
    elif one.get("ProcessorType") == "GPU":
        draft.add("graphics.cards", joined(one.get("Manufacturer"), one.get("Model")))


def _memory(draft: Draft, one: dict[str, Any]) -> None:
    size = whole(one.get("CapacityMiB"))
    if size:
        draft.module(size, one.get("MemoryDeviceType"), speed(one.get("OperatingSpeedMhz")))


def _drive(draft: Draft, one: dict[str, Any]) -> None:
    size = whole(one.get("CapacityBytes"))
    if size:
        kind = "NVMe" if "NVMe" in str(one.get("Protocol")) else said(one.get("MediaType"))
        draft.add("disk.drives", f"{capacity(size)} {'Disk' if kind in {'', 'HDD'} else kind}")
        draft.add("disk.models", joined(one.get("Manufacturer"), one.get("Model")))


def _volume(draft: Draft, one: dict[str, Any]) -> None:
    size = whole(one.get("CapacityBytes"))
    if size:
        draft.add("disk.volumes", joined(capacity(size), one.get("RAIDType") or one.get("VolumeType")))


def _storage(draft: Draft, one: dict[str, Any]) -> None:
    for controller in map(table, items(one.get("StorageControllers"))):
        draft.add("controller.storage", joined(controller.get("Manufacturer"), controller.get("Model")))
        draft.firmware(controller.get("Model"), controller.get("FirmwareVersion"))


def _software(draft: Draft, one: dict[str, Any]) -> None:
    draft.firmware(one.get("Name") or one.get("Id"), one.get("Version"))


def _chassis(draft: Draft, one: dict[str, Any]) -> None:
    draft.say("product.manufacturer", one.get("Manufacturer"))
    draft.say("product.model", one.get("Model"))
    draft.say("product.part_number", one.get("PartNumber") or one.get("SKU"))
    draft.say("unit.serial_number", one.get("SerialNumber"))
    draft.say("unit.asset_tag", one.get("AssetTag"))


def _manager(draft: Draft, one: dict[str, Any]) -> None:
    draft.firmware("bmc", one.get("FirmwareVersion"))


def _power(draft: Draft, one: dict[str, Any]) -> None:
    for supply in map(table, items(one.get("PowerSupplies"))):
        if "@odata.type" not in supply and _is_there(supply):
            _supply(draft, supply)


def _supply(draft: Draft, one: dict[str, Any]) -> None:
    watts = whole(one.get("PowerCapacityWatts"))
    draft.add("psu.units", joined(one.get("Manufacturer"), one.get("Model"), f"{watts} W" if watts else ""))


def _adapter(draft: Draft, one: dict[str, Any]) -> None:
    draft.add("nic.cards", joined(one.get("Manufacturer"), one.get("Model")))
    for controller in map(table, items(one.get("Controllers"))):
        draft.firmware(one.get("Model"), controller.get("FirmwarePackageVersion"))


_READERS: Final[dict[str, Callable[[Draft, dict[str, Any]], None]]] = {
    "ComputerSystem": _system,
    "Processor": _processor,
    "Memory": _memory,
    "Drive": _drive,
    "Volume": _volume,
    "Storage": _storage,
    "SoftwareInventory": _software,
    "Chassis": _chassis,
    "Manager": _manager,
    "Power": _power,
    "PowerSupply": _supply,
    "NetworkAdapter": _adapter,
}
