"""The web server's own words, written like every other event."""

from __future__ import annotations

from typing import Any

from gunicorn import glogging

from warranty import logs


class Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """Gives up its own way of writing lines, in the parent and in each child."""

    def setup(self, cfg: Any) -> None:
        """Set it up."""
        super().setup(cfg)
        logs.configure()
        self.error_log.handlers.clear()
        self.error_log.propagate = True
