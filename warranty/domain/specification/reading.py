"""An inventory of any kind that the product reads, in one normal form; and a configuration, without its secrets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from warranty.domain.specification import ansible, by_hand, dmidecode, lshw, napalm, redfish
from warranty.domain.specification.drafting import Draft, Unreadable
from warranty.domain.specification.guard import json_of, text_of
from warranty.domain.specification.names import VOLATILE, Properties
from warranty.domain.specification.redaction import redacted


class Source(StrEnum):
    """What told of a unit."""

    LSHW = "lshw"
    ANSIBLE = "ansible"
    REDFISH = "redfish"
    NAPALM = "napalm"
    DMIDECODE = "dmidecode"
    BY_HAND = "by_hand"
    CSV = "csv"
    TEXT = "text"  # a configuration as the device prints it


@dataclass(frozen=True, slots=True)
class Specification:
    """What a unit is made of, and which tool said so."""

    source: Source
    properties: Properties

    @property
    def digest(self) -> str:
        """The SHA-256, in hex, of what does not change by itself: the same unit read twice has the same."""
        lasting = {name: value for name, value in self.properties.items() if name not in VOLATILE}
        return hashlib.sha256(json.dumps(lasting, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Configuration:
    """How a unit is set up, without its secrets. ``digest`` is the SHA-256, in hex, of the redacted text.

    A digest of the whole text would let whoever has it try out short passwords until one fits.
    """

    source: Source
    text: str

    @property
    def digest(self) -> str:
        """See the class."""
        return hashlib.sha256(self.text.encode()).hexdigest()


_READERS: Final[tuple[tuple[Source, Callable[[Any], bool], Callable[[Any], Draft]], ...]] = (
    (Source.LSHW, lshw.fits, lshw.read),
    (Source.ANSIBLE, ansible.fits, ansible.read),
    (Source.REDFISH, redfish.fits, redfish.read),
    (Source.NAPALM, napalm.fits, napalm.read),
    (Source.BY_HAND, by_hand.fits, by_hand.read),
)
_WHAT: Final = (
    "Send what lshw -json, ansible -m setup, Redfish, NAPALM get_facts or dmidecode printed, an object with properties, "
    "or a table with the columns property and value."
)


def read(content: bytes) -> Specification:
    """Read an inventory as it was handed in.

    Raises:
        Unreadable: it is none, or one that no honest tool prints; the message says what to do.
    """
    text = text_of(content)
    if text.lstrip()[0] in "[{":
        return of_document(json_of(text))
    if dmidecode.fits(text):
        return Specification(Source.DMIDECODE, dmidecode.read(text).done())
    first = text.lstrip().splitlines()[0]
    if not any(sign in first for sign in ";,\t") or first.lstrip()[0] == "<":
        raise Unreadable(f"This is no inventory that is known here. {_WHAT}")
    return Specification(Source.CSV, by_hand.read_table(text).done())


def of_document(document: Any) -> Specification:
    """Read an inventory that was parsed already.

    Raises:
        Unreadable: see ``read``.
    """
    for source, fits, reads in _READERS:
        if fits(document):
            return Specification(source, reads(document).done())
    if napalm.is_configuration(document):
        raise Unreadable("This is a configuration, not a specification. Send it as the configuration.")
    raise Unreadable(f"This is no inventory that is known here. {_WHAT}")


def read_configuration(content: bytes) -> Configuration:
    """Read a configuration: a device's text, or what NAPALM's ``get_config`` gives.

    Raises:
        Unreadable: see ``read``.
    """
    text = text_of(content)
    if text.lstrip()[0] == "{":
        try:
            document = json_of(text)
        except Unreadable:
            document = None  # some devices print braces of their own
        if napalm.is_configuration(document):
            return Configuration(Source.NAPALM, redacted(napalm.configuration(document)))
    return Configuration(Source.TEXT, redacted(text))
