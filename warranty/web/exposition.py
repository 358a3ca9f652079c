"""The text form in which Prometheus reads measurements (version 0.0.4): https://prometheus.io/docs/instrumenting/exposition_formats."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Family:
    """One measurement, under as many labels as there are: ``kind`` is ``gauge`` or ``counter``."""

    name: str
    kind: str
    about: str
    samples: list[str] = field(default_factory=list)

    def add(self, value: float, **labels: str) -> Self:
        """Add a value under its labels."""
        inside = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        self.samples.append(f"{self.name}{{{inside}}} {_number(value)}" if inside else f"{self.name} {_number(value)}")
        return self

    def __str__(self) -> str:
        """Every line of it; a family without samples is still announced."""
        head = [f"# HELP {self.name} {self.about}", f"# TYPE {self.name} {self.kind}"]
        return "\n".join([*head, *self.samples, ""])


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return "+Inf" if value == math.inf else str(value)
