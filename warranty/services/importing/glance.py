"""What the first rows of a file show: its columns with samples, and what each may mean, for a person to correct."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from warranty.services.importing.columns import MOST_COLUMNS, Kind, Unusable, Wanted, header_key, recognise
from warranty.services.importing.sheets import first_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ROWS = 50
SAMPLES = 3
LONGEST_SAMPLE = 60


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: the key by which it is told from others, its header, and some of its values."""

    key: str
    header: str
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Glance:
    """The columns of a file, in its order, each key once; ``guesses`` has the key of each column of ours that was found."""

    columns: tuple[Column, ...]
    guesses: Mapping[str, str]


def glance(path: Path, kind: Kind, wanted: Wanted, *, is_whole: bool) -> Glance:
    """Look at the start of a table.

    Args:
        path: the file, or the first mebibyte of it.
        kind: what its rows are.
        wanted: what its sender has said of its columns already.
        is_whole: whether the file ends where ``path`` does.

    Raises:
        Unusable: it is no table with a header.
    """
    rows = islice(first_rows(path, kind, wanted, is_whole=is_whole), ROWS)
    headers = next(rows, ())
    if len(headers) > MOST_COLUMNS:
        raise Unusable(f"The header has {len(headers):,} columns: of no table are there more than {MOST_COLUMNS:,}.")
    columns: dict[str, Column] = {}
    body = list(rows)
    for place, header in enumerate(headers):
        key = header_key(header)
        if key and key not in columns:
            values = (row[place].strip() for row in body if place < len(row))
            samples = dict.fromkeys(value[:LONGEST_SAMPLE] for value in values if value)
            columns[key] = Column(key, header.strip(), tuple(islice(samples, SAMPLES)))
    if not columns:
        raise Unusable("The first line names no column: put the names of the columns there.")
    return Glance(tuple(columns.values()), _guesses(kind, headers, wanted))


def _guesses(kind: Kind, headers: tuple[str, ...], wanted: Wanted) -> dict[str, str]:
    heading = recognise(kind, headers, wanted, is_strict=False)
    return {column: header_key(headers[places[0]]) for column, places in heading.places.items()}
