"""What ``lshw -json`` says: a tree of nodes, each with a class. Newer ones print a list that holds the tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from warranty.domain.specification.drafting import Draft, capacity, joined, said, whole
from warranty.domain.specification.guard import items, table

_REMOVABLE: Final = ("usb", "cdrom", "sdcard", "medium")


def fits(document: Any) -> bool:
    """Whether it is such a tree."""
    root = _root(document)
    return "class" in root and "id" in root and root.get("class") == "system"


def _root(document: Any) -> dict[str, Any]:
    return table(document[0]) if isinstance(document, list) and document else table(document)


def _nodes(node: dict[str, Any], above: str = "") -> Iterator[tuple[dict[str, Any], str]]:
    """Each node with the ids of those above it."""
    yield node, above
    for child in items(node.get("children")):
        yield from _nodes(table(child), f"{above}/{node.get('id')}")


def read(document: Any) -> Draft:
    """Read the tree."""
    root, draft = _root(document), Draft()
    setting = table(root.get("configuration"))
    sku = said(setting.get("sku"))
    model = said(root.get("product"))
    draft.say("product.manufacturer", root.get("vendor"))
    draft.say("product.model", re.sub(r"\s*\([^()]*\)$", "", model))
    draft.say("product.part_number", sku)
    draft.say("unit.serial_number", root.get("serial"))
    draft.say("unit.uuid", setting.get("uuid"))
    for node, above in _nodes(root):
        _READERS.get(str(node.get("class")), _nothing)(draft, node, above)
    return draft


def _nothing(_draft: Draft, _node: dict[str, Any], _above: str) -> None:
    pass


def _bus(draft: Draft, node: dict[str, Any], above: str) -> None:
    if str(node.get("id")) == "core" and above.count("/") == 1:
        draft.say("board.model", joined(node.get("vendor"), node.get("product")))
        draft.say("board.serial_number", node.get("serial"))


def _memory(draft: Draft, node: dict[str, Any], _above: str) -> None:
    kind, size = str(node.get("id")).split(":")[0], whole(node.get("size"))
    if kind == "firmware":
        draft.say("firmware.bios", node.get("version"))
    elif kind == "bank" and size and not _is_flash(node):
        found = re.search(r"\b(LP)?DDR[0-9]?[A-Z]?\b", str(node.get("description", "")))
        clock = whole(node.get("clock"))
        draft.module(size // 2**20, found[0] if found else "", f"{round(clock / 1e6)} MT/s" if clock else "")
    elif kind == "memory" and size and not items(node.get("children")) and not draft.has("memory.total"):
        draft.count("memory.total", size // 2**20)


def _is_flash(node: dict[str, Any]) -> bool:
    return "flash" in str(node.get("description", "")).lower()


def _processor(draft: Draft, node: dict[str, Any], above: str) -> None:
    model = said(node.get("product") or node.get("version"))
    if (node.get("disabled") and not node.get("size")) or not model or "/cpu" in above:
        return
    setting = table(node.get("configuration"))
    draft.add("cpu.models", model)
    draft.total("cpu.sockets", 1)
    draft.total("cpu.cores", setting.get("cores"))
    draft.total("cpu.threads", setting.get("threads"))


def _disk(draft: Draft, node: dict[str, Any], above: str) -> None:
    size = whole(node.get("size"))
    about = f"{above}/{node.get('id')} {node.get('businfo', '')}".lower()
    if not size or any(f"/{word}" in about or f" {word}" in about for word in _REMOVABLE):
        return
    words = f"{node.get('description', '')} {node.get('product', '')} {node.get('businfo', '')}".lower()
    kind = "NVMe" if "nvme" in words else "SSD" if "ssd" in words or "solid state" in words else "Disk"
    draft.add("disk.drives", f"{capacity(size)} {kind}")
    draft.add("disk.models", joined(node.get("vendor"), node.get("product")))


def _storage(draft: Draft, node: dict[str, Any], _above: str) -> None:
    if str(node.get("businfo", "")).startswith("pci"):
        draft.add("controller.storage", joined(node.get("vendor"), node.get("product")))


def _network(draft: Draft, node: dict[str, Any], _above: str) -> None:
    if not str(node.get("businfo", "")).startswith(("pci", "virtio", "vio")):
        return
    draft.add("nic.cards", joined(node.get("vendor"), node.get("product")))
    draft.add("nic.macs", node.get("serial"))
    draft.add("network.interfaces", "Wireless" if "wireless" in str(node.get("description", "")).lower() else "Port")


def _display(draft: Draft, node: dict[str, Any], _above: str) -> None:
    draft.add("graphics.cards", joined(node.get("vendor"), node.get("product")))


def _power(draft: Draft, node: dict[str, Any], _above: str) -> None:
    if "battery" not in str(node.get("id")):
        watts = whole(node.get("capacity"))
        draft.add("psu.units", joined(node.get("vendor"), node.get("product"), f"{watts} W" if watts else ""))


_READERS: Final = {
    "bus": _bus,
    "memory": _memory,
    "processor": _processor,
    "disk": _disk,
    "storage": _storage,
    "network": _network,
    "display": _display,
    "power": _power,
}
