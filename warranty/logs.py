"""Logs: the only place that says how an event is written. One line of JSON each, and a traceback without its variables.

What libraries say goes the same way. Every line carries what ``begin`` and ``about`` were told of the work at hand, a request
or an order, so that all lines of one case can be found. The library's own default prints the local variables of every frame,
and with them whatever secret a frame held.
"""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO, cast

import structlog
from structlog import contextvars
from structlog.stdlib import ProcessorFormatter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import Processor

_BEFORE: list[Processor] = [
    contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
_AFTER: list[Processor] = [
    structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
    structlog.processors.JSONRenderer(),  # a line break in a value stays inside its line
]


class _StandardError:
    """Whatever standard error is by now. Who reads it may have left: that stops no work."""

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


_ERRORS = _StandardError()


class _OneLineEach(logging.Handler):
    """Writes what libraries log."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(
            ProcessorFormatter(
                foreign_pre_chain=[*_BEFORE, structlog.stdlib.add_logger_name],
                processors=[ProcessorFormatter.remove_processors_meta, *_AFTER],
            )
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Write one."""
        print(self.format(record), file=_ERRORS, flush=True)


def configure() -> None:
    """Write events to standard error from now on; calling it again changes nothing."""
    structlog.configure(
        processors=[*_BEFORE, *_AFTER],
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _ERRORS)),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    if not any(isinstance(handler, _OneLineEach) for handler in root.handlers):
        root.addHandler(_OneLineEach())


def begin(**names: str | int | None) -> None:
    """Forget the work before, and say of which work every line from now on is; what is null is left out."""
    contextvars.clear_contextvars()
    about(**names)


@contextmanager
def within(**names: str | int | None) -> Iterator[None]:
    """The same for a part of the work, after which the lines are of what they were of before."""
    before = contextvars.get_contextvars()
    begin(**names)
    try:
        yield
    finally:
        begin(**before)


def about(**names: str | int | None) -> None:
    """Say more of the work at hand."""
    contextvars.bind_contextvars(**{name: value for name, value in names.items() if value is not None})
