"""Specifications and configurations of units: read from what tools print, in one normal form. Pure."""

from warranty.domain.specification.drafting import Unreadable, mebibytes
from warranty.domain.specification.guard import BIGGEST
from warranty.domain.specification.names import FIRMWARE, IGNORED, OTHER, PROPERTIES, Class, Measure, Properties, Value
from warranty.domain.specification.reading import (
    Configuration,
    Source,
    Specification,
    of_document,
    read,
    read_configuration,
)

__all__ = [
    "BIGGEST",
    "FIRMWARE",
    "IGNORED",
    "OTHER",
    "PROPERTIES",
    "Class",
    "Configuration",
    "Measure",
    "Properties",
    "Source",
    "Specification",
    "Unreadable",
    "Value",
    "mebibytes",
    "of_document",
    "read",
    "read_configuration",
]
