"""Ansible's facts: of Linux and other Unix, of Windows, and of network gear (``ansible_net_*``)."""

from __future__ import annotations

import re
from typing import Any, Final

from warranty.domain.specification.drafting import (
    Draft,
    Unreadable,
    bytes_of,
    capacity,
    installed,
    joined,
    port_of,
    said,
    whole,
)
from warranty.domain.specification.guard import items, table

_DISKS: Final = re.compile(
    r"^(sd[a-z]+|hd[a-z]+|vd[a-z]+|xvd[a-z]+|nvme[0-9]+n[0-9]+|mmcblk[0-9]+|da[0-9]+|ada[0-9]+)$"
)


def fits(document: Any) -> bool:
    """Whether these are facts, or the answer of a host that could not be asked."""
    found = table(document)
    return bool(_facts(found)) or found.get("unreachable") is True or found.get("failed") is True


def _facts(found: dict[str, Any]) -> dict[str, Any]:
    facts = table(found.get("ansible_facts"))
    facts = facts or {name: value for name, value in found.items() if name.startswith("ansible_")}
    # Callbacks that are told so leave the prefix out.
    return {name if name.startswith("ansible_") else f"ansible_{name}": value for name, value in facts.items()}


def read(document: Any) -> Draft:
    """Read the facts.

    Raises:
        Unreadable: the host could not be asked.
    """
    found = table(document)
    facts = _facts(found)
    if not facts:
        why = said(found.get("msg")) or "the host did not answer"
        raise Unreadable(f"Ansible could not ask the host ({why}). Run it again once the host answers.")
    draft = Draft()
    if any(name.startswith("ansible_net_") for name in facts):
        _network(draft, facts)
    else:
        _computer(draft, facts)
    return draft


def _network(draft: Draft, facts: dict[str, Any]) -> None:
    def of(name: str) -> Any:
        return facts.get(f"ansible_net_{name}")

    draft.say("product.model", of("model"))
    draft.say("unit.serial_number", of("serialnum"))
    draft.say("os.version", of("version"))
    draft.say("os.name", of("system"))
    draft.say("os.host_name", of("hostname"))
    for member in items(of("stacked_models")):
        draft.add("network.stack", member)
    for name in table(of("interfaces")):
        draft.add("network.interfaces", port_of(name))


def _computer(draft: Draft, facts: dict[str, Any]) -> None:
    def of(name: str) -> Any:
        return facts.get(f"ansible_{name}")

    draft.say("product.manufacturer", of("system_vendor"))
    draft.say("product.model", of("product_name"))
    draft.say("unit.serial_number", of("product_serial"))
    draft.say("unit.uuid", of("product_uuid"))
    draft.count("unit.uptime", of("uptime_seconds"))
    draft.say("board.model", joined(of("board_vendor"), of("board_name")))
    draft.say("board.serial_number", of("board_serial"))
    draft.say("firmware.bios", of("bios_version"))
    draft.say("os.name", of("os_name") or of("distribution"))
    draft.say("os.version", of("distribution_version"))
    draft.say("os.kernel", of("kernel"))
    draft.say("os.host_name", of("hostname"))
    _processors(draft, of)
    bytes_ = whole(of("totalmem"))
    visible = whole(of("memtotal_mb")) or (bytes_ and -(-bytes_ // 2**20))
    if visible:
        draft.count("memory.total", installed(visible))
    for name, disk in table(of("devices")).items():
        _disk(draft, name, table(disk))
    for one in items(of("interfaces")):
        name = one if isinstance(one, str) else ""
        draft.add("network.interfaces", port_of(name) if name else "Port" if table(one).get("interface_name") else "")
        draft.add("nic.cards", table(one).get("interface_name"))
        draft.add("nic.macs", table(of(name)).get("macaddress") if port_of(name) else "")


def _processors(draft: Draft, of: Any) -> None:
    sockets = whole(of("processor_count"))
    listed = items(of("processor"))
    models = [said(entry) for entry in listed if isinstance(entry, str) and " " in said(entry)]
    for number in range(min(sockets or len(models), 64)):
        if models:
            draft.add("cpu.models", models[min(number, len(models) - 1)])
    draft.count("cpu.sockets", sockets)
    cores = whole(of("processor_cores"))
    if cores:
        draft.count("cpu.cores", cores * (sockets or 1))
    draft.count("cpu.threads", of("processor_vcpus"))


def _disk(draft: Draft, name: str, disk: dict[str, Any]) -> None:
    if not _DISKS.match(name) or str(disk.get("removable")) == "1":
        return
    sectors, size = whole(disk.get("sectors")), whole(disk.get("sectorsize"))
    amount = sectors * 512 if sectors and size else bytes_of(disk.get("size", ""), thousand=1024)
    if amount:
        kind = "NVMe" if name.startswith("nvme") else "SSD" if str(disk.get("rotational")) == "0" else "Disk"
        draft.add("disk.drives", f"{capacity(amount)} {kind}")
        draft.add("disk.models", joined(disk.get("vendor"), disk.get("model")))
