"""Refused rows back to whoever sent them: in the form in which they came, with the reason, to be mended and sent again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

from warranty.services.importing.sheets import FORMULA_SIGNS, Form, Shape
from warranty.services.importing.workbook import write_workbook

REASON = "reason"

Fault = Mapping[str, Any]


def write_rejected(stream: IO[bytes], shape: Shape, faults: Iterable[Fault]) -> str:
    """Write the rows of ``faults`` (``raw``, ``line``, ``file``, ``message``) to a stream; the suffix of such a file."""
    match Form(shape.form):
        case Form.JSON_LINES:
            for fault in faults:
                stream.write(f"{json.dumps(_member(fault), ensure_ascii=False)}\n".encode())
            return "jsonl"
        case Form.XLSX:
            write_workbook(stream, _table(shape.headers, faults))
            return "xlsx"
        case Form.CSV:
            _write_csv(stream, shape.delimiter, _table(shape.headers, faults))
        case Form.FOLDER:
            rows = [[fault["file"], str(fault["line"]), fault["message"]] for fault in faults]
            _write_csv(stream, shape.delimiter, [["file", "line", REASON], *rows])
    return "csv"


def _table(headers: Sequence[str], faults: Iterable[Fault]) -> Iterator[Sequence[str]]:
    yield [*headers, REASON]
    width = len(headers)
    for fault in faults:
        cells = list(fault["raw"])
        if len(cells) > width:  # a delimiter stood in a cell: what is too much stays visible behind the reason
            yield [*cells[:width], fault["message"], *cells[width:]]
        else:
            yield [*cells, *[""] * (width - len(cells)), fault["message"]]


def _write_csv(stream: IO[bytes], delimiter: str, rows: Iterable[Sequence[str]]) -> None:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")  # the mark by which spreadsheets know UTF-8
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    text.flush()
    text.detach()


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; reading the file again takes the apostrophe away."""
    return f"'{cell}" if cell.lstrip()[:1] in {*FORMULA_SIGNS} and cell.strip() else cell


def _member(fault: Fault) -> dict[str, Any]:
    """The object of a line with the reason in it; a line that is no object stands in ``line``."""
    try:
        read = json.loads(fault["raw"][0])
    except (ValueError, RecursionError, IndexError):
        read = None
    return (
        {**read, REASON: fault["message"]}
        if isinstance(read, dict)
        else {"line": "".join(fault["raw"]), REASON: fault["message"]}
    )
