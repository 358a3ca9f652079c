"""What the pages show on which something is done with one unit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from warranty.domain.terms import AssetState
    from warranty.web.pages import UploadForm


@dataclass(frozen=True, slots=True)
class UnitHead:
    """Which unit it is: what it is called and where its own page is."""

    serial_number: str
    client: str
    url: str


@dataclass(frozen=True, slots=True)
class StateView:
    """The form of a change of state. ``allowed`` are states and their words; ``refused`` says why nothing was done."""

    unit: UnitHead
    url: str
    key: str
    state: AssetState
    allowed: tuple[tuple[str, str], ...]
    has_case: bool
    values: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A file of the unit, of ``size`` bytes; ``remove_url`` is null for who may not take it away."""

    name: str
    url: str
    size: int
    at: datetime
    by: str
    for_client: bool
    remove_url: str | None


@dataclass(frozen=True, slots=True)
class DocumentsView:
    """The files of a unit, and where one is added; ``upload`` is null for who may not."""

    unit: UnitHead
    documents: tuple[Document, ...]
    upload: UploadForm | None


@dataclass(frozen=True, slots=True)
class RemovalView:
    """The form that takes a file away."""

    name: str
    url: str
    back_url: str
    key: str
    values: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asking:
    """How far a vendor has been asked: ``is_over``, ``held`` where its account waits for a person, ``trouble`` where it failed."""

    vendor: str
    url: str
    live_url: str
    is_over: bool
    is_held: bool
    trouble: str
