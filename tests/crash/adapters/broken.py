"""An adapter that cannot even be built, in a way that its author did not foresee."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

from vendors.adapters.servicenow import ServiceNow


class Broken(ServiceNow):
    """ServiceNow that stumbles over its options."""

    name = "broken"
    form = replace(ServiceNow.form, vendor="broken", title="Broken")

    @classmethod
    def from_options(cls, *_given: Any, **_more: Any) -> Self:
        """Stumble; what it says may be a secret."""
        raise ValueError("soon")
