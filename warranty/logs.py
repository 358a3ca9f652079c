"""Logs: the only place that says how an event is written. One line of JSON each, and a traceback without its variables.

The library's own default prints the local variables of every frame, and with them whatever secret a frame held.
"""

from __future__ import annotations

import sys

import structlog


def configure() -> None:
    """Write events to standard error from now on; calling it again changes nothing."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),  # a line break in a value stays inside its line
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
