"""Settings: the times that follow from those that are given."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warranty import config

if TYPE_CHECKING:
    from warranty.config import Settings

SECONDS = st.floats(0.01, 1000.0)


@given(timeout_s=SECONDS, lease_s=SECONDS)
def test_work_ends_at_a_whole_second_after_a_vendor_call_and_before_its_lease_or_nothing_starts(
    tmp_path_factory: pytest.TempPathFactory, timeout_s: float, lease_s: float
) -> None:
    def load() -> Settings:
        return config.load(
            {
                "WARRANTY_MODE": "development",
                "WARRANTY_INSTANCE": str(tmp_path_factory.getbasetemp() / "timing"),
                "WARRANTY_VENDOR_TIMEOUT_SECONDS": str(timeout_s),
                "WARRANTY_LEASE_SECONDS": str(lease_s),
                "WARRANTY_RELAY_SECONDS": "0.01",
            }
        )

    if lease_s <= math.floor(timeout_s) + 1:
        with pytest.raises(config.SettingsError, match="WARRANTY_LEASE_SECONDS"):
            load()
        return
    settings = load()
    assert timeout_s < settings.job_timeout_s < lease_s
    assert settings.job_timeout_s.is_integer()
