"""What NAPALM's ``get_facts`` and ``get_config`` say of network gear."""

from __future__ import annotations

from typing import Any, Final

from warranty.domain.specification.drafting import Draft, Unreadable, port_of
from warranty.domain.specification.guard import items, table

_FACTS: Final = frozenset({"vendor", "model", "os_version", "interface_list"})
_CONFIG: Final = frozenset({"running", "startup", "candidate"})


def fits(document: Any) -> bool:
    """Whether these are facts."""
    return len(_FACTS & table(document).keys()) >= len(_FACTS) - 1


def read(document: Any) -> Draft:
    """Read the facts."""
    facts, draft = table(document), Draft()
    draft.say("product.manufacturer", facts.get("vendor"))
    draft.say("product.model", facts.get("model"))
    draft.say("unit.serial_number", facts.get("serial_number"))
    draft.count("unit.uptime", facts.get("uptime"))
    draft.say("os.version", facts.get("os_version"))
    draft.say("os.host_name", facts.get("hostname"))
    for name in items(facts.get("interface_list")):
        draft.add("network.interfaces", port_of(str(name)))
    return draft


def is_configuration(document: Any) -> bool:
    """Whether it is what ``get_config`` gives."""
    found = table(document)
    return bool(_CONFIG & found.keys()) and found.keys() <= _CONFIG


def configuration(document: Any) -> str:
    """The configuration that runs, else the one that is started with.

    Raises:
        Unreadable: there is none.
    """
    found = table(document)
    for name in ("running", "startup"):
        text = found.get(name)
        if isinstance(text, str) and text.strip():
            return text
    raise Unreadable("The configuration is empty. Fetch the running one, and send it again.")
