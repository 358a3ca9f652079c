"""What every form of a page has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, by field, and what is wrong with it, in the reader's words."""

    values: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    errors: Mapping[str, str] = field(default_factory=dict, kw_only=True)


@dataclass(frozen=True, slots=True)
class Form(Typed):
    """A form: where it is sent, and the key by which it is taken once, however often it comes."""

    url: str
    key: str
