"""Files to rows: the only place that opens a file somebody hands us.

CSV in whatever form it left a spreadsheet, XLSX, JSON lines, and a folder of the NetBox device-type library. A file is read
through once before its first row is given out, so that one which breaks off in the middle is refused whole. Nothing is
kept in memory but the row at hand; what is no table (zeros, an endless line, a cell that never closes) is refused on
the way. Cells are text: nothing that looks like a formula is ever computed.
"""

from __future__ import annotations

import codecs
import csv
import json
import os
import re
import stat
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

import yaml

from warranty.services.importing.columns import Heading, Kind, Unusable, Wanted, recognise
from warranty.services.importing.workbook import BadWorkbook, Line, Workbook

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Item = TypeVar("Item")

MOST_BYTES = 2**30
MOST_ROWS = 2**20
"""As many as a spreadsheet has."""

MOST_WORKBOOK_ROWS = 100_000
"""Of one workbook, which takes ten times as long to read as text."""

MOST_CHARACTERS = 2**20
"""Of one line, of one row with line breaks in its cells, and of one file of a library."""

MOST_DEPTH = 32
"""Of one YAML file; the parser takes minutes for a hundred thousand brackets."""

CHUNK = 2**20
JSON_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json"})
DELIMITERS = (",", ";", "\t", "|")

_LINE_BREAK = re.compile(r"[\r\n]")
_NOT_TEXT = {
    b"\xd0\xcf\x11\xe0": "This is an old Excel workbook, or one with a password: save the sheet as CSV UTF-8.",
    b"\x1f\x8b": "This is a compressed file: unpack it first.",
    b"%PDF": "This is a PDF, not a table.",
    b"SQLite format 3": "This is a database file, not a table.",
}
_ARCHIVE = b"PK\x03\x04"
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells by the names of our columns, only those that are not empty.

    ``line`` is where it starts, from 1. ``file`` is set where a sheet has several. ``fault`` says why the row cannot be
    taken at all, empty where it can. ``raw`` is the row as it stands in the file, in the order of ``Shape.headers``.
    """

    line: int
    cells: Mapping[str, str]
    file: str = ""
    fault: str = ""
    raw: Sequence[str] = ()


class Form(StrEnum):
    """In what form a file holds its rows."""

    CSV = "csv"
    XLSX = "xlsx"
    JSON_LINES = "jsonl"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file looks, so that another can be written in its likeness. ``headers`` are empty where rows name their own."""

    form: Form
    headers: tuple[str, ...] = ()
    delimiter: str = ","


class Sheet(Protocol):
    """A table that can be read any number of times."""

    kind: Kind
    dialect: str
    total: int
    warnings: list[str]

    @property
    def shape(self) -> Shape:
        """How the file looks."""

    def rows(self) -> Iterator[Row]:
        """Give out the rows, those with a fault too; blank ones are left out."""


def open_sheet(path: Path, kind: Kind, wanted: Wanted = Wanted()) -> Sheet:  # noqa: B008 - it is a value that nobody changes
    """Look at a file or folder, find out what it is, and read it through once.

    Args:
        path: a CSV, XLSX or JSON lines file; for products also a folder of the device-type library.
        kind: what its rows are.
        wanted: what the caller says of its columns.

    Raises:
        Unusable: it cannot be read as such a table; the message says why and what to do.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return LibrarySheet.open(path, kind)
        if not stat.S_ISREG(mode):
            raise Unusable(f"{path} is no file: save the table to a file first.")
        if _is_archive_at(path):
            return XlsxSheet.open(path, kind, wanted)
        encoding, warnings, first = _encoding(path)
        if path.suffix.lower() in JSON_SUFFIXES or first in {"{", "["}:
            return JsonSheet.open(path, kind, wanted, encoding, warnings)
        return CsvSheet.open(path, kind, wanted, encoding, warnings)
    except OSError as err:
        raise Unusable(f"Cannot read {path}: {err.strerror or err}.") from err


def is_archive(start: bytes) -> bool:
    """Whether a file begins as a workbook does."""
    return start.startswith(_ARCHIVE)


def _is_archive_at(path: Path) -> bool:
    with path.open("rb") as stream:
        return is_archive(stream.read(len(_ARCHIVE)))


def first_rows(path: Path, kind: Kind, wanted: Wanted, *, is_whole: bool) -> Iterator[tuple[str, ...]]:
    """The header of a table and the rows below it, as they stand, whatever the header says.

    Args:
        path: the file, or a piece from its start.
        kind: what the rows are.
        wanted: what is known of its columns.
        is_whole: whether it is the file.

    Raises:
        Unusable: it is no table.
    """
    if _is_archive_at(path):
        try:
            yield from (tuple(line.cells) for line in Workbook(path).lines())
        except BadWorkbook as err:
            raise Unusable(f"The workbook cannot be read: {err}") from err
        return
    encoding, _, first = _encoding(path, is_whole=is_whole)
    if path.suffix.lower() in JSON_SUFFIXES or first in {"{", "["}:
        yield from _first_objects(path, encoding)
        return
    delimiters = sorted(DELIMITERS, key=lambda one: _fit(path, kind, wanted, encoding, one), reverse=True)
    yield from (tuple(cells) for _, cells in _records(path, encoding, delimiters[0]))


def _fit(path: Path, kind: Kind, wanted: Wanted, encoding: str, delimiter: str) -> tuple[int, int]:
    """How well a delimiter reads a header: how many columns of ours it finds, and how many columns in all."""
    headers: tuple[str, ...] = ()
    try:
        headers = tuple(next(_records(path, encoding, delimiter), (0, []))[1])
        return len(recognise(kind, headers, wanted, is_strict=False).places), len(headers)
    except Unusable:
        return 0, len(headers)


def _first_objects(path: Path, encoding: str) -> Iterator[tuple[str, ...]]:
    """The members of the first objects as a table of them all."""
    found: list[dict[str, Any]] = []
    with path.open(encoding=encoding, newline="", errors="replace") as stream:
        for text in stream:
            with suppress(ValueError, RecursionError):
                read = json.loads(text)
                if isinstance(read, dict):
                    found.append(read)
            if len(found) == 50:
                break
    if not found:
        raise Unusable("No line is a JSON object: write one object a line, without a list around them.")
    names = tuple(dict.fromkeys(name for one in found for name in one))
    yield names
    for one in found:
        yield tuple("" if one.get(name) is None else str(one[name]) for name in names)


# --- Text -----------------------------------------------------------------------------------------------------------


def _encoding(path: Path, *, is_whole: bool = True) -> tuple[str, list[str], str]:
    """How the bytes of a file are text: the encoding, a warning where it is a guess, and the first sign of the text."""
    with path.open("rb") as stream:
        head = stream.read(16)
    _refuse_other_files(path, head)
    for bom, encoding in _BOMS.items():
        if head.startswith(bom):
            try:
                return encoding, [], _scan(path, encoding, is_whole=is_whole)
            except UnicodeDecodeError as err:
                raise Unusable(f"{path.name} is no {encoding} text: save it as CSV UTF-8.") from err
    warning = "The file is not UTF-8 and was read as {}: look at its accented letters."
    for encoding, warnings in (("utf-8", []), ("cp1252", [warning.format("Windows-1252")])):
        with suppress(UnicodeDecodeError):
            return encoding, warnings, _scan(path, encoding, is_whole=is_whole)
    return (
        "latin-1",
        [warning.format("Latin-1")],
        _scan(path, "latin-1", is_whole=is_whole),
    )  # in which every byte is a sign


def _refuse_other_files(path: Path, head: bytes) -> None:
    if not head:
        raise Unusable(f"{path.name} is empty.")
    for magic, message in _NOT_TEXT.items():
        if head.startswith(magic):
            raise Unusable(message)
    if path.stat().st_size > MOST_BYTES and b"\0" not in head:
        raise Unusable(f"{path.name} is larger than {MOST_BYTES // 2**30} GB: split it into several files.")


def _scan(path: Path, encoding: str, *, is_whole: bool) -> str:
    """Decode a file piece by piece, looking for what no table has; its first sign that is not blank."""
    decode = codecs.getincrementaldecoder(encoding)().decode
    first, unbroken = "", 0
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            text = decode(chunk)
            if "\0" in text:
                raise Unusable(f"{path.name} is not text (it holds zero bytes): export the table as CSV UTF-8.")
            first = first or text.lstrip()[:1]
            found = _LINE_BREAK.search(text)
            if unbroken + (found.start() if found else len(text)) > MOST_CHARACTERS:
                raise Unusable(f"{path.name} has a line of more than {MOST_CHARACTERS:,} characters: it is no table.")
            unbroken = len(text) - max(text.rfind("\n"), text.rfind("\r")) - 1 if found else unbroken + len(text)
    decode(b"", final=is_whole)  # a piece may end within a sign
    if not first:
        raise Unusable(f"{path.name} is blank.")
    return first


class _Lines:
    """The lines of a stream, as long as one row does not take too many of them."""

    def __init__(self, stream: Iterator[str]) -> None:
        self._stream = stream
        self.taken = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._stream)
        self.taken += len(line)
        if self.taken > MOST_CHARACTERS:
            raise csv.Error(f"a row of more than {MOST_CHARACTERS:,} characters")
        return line


def _no_more_than(most: int, rows: Iterable[Item]) -> Iterator[Item]:
    for number, row in enumerate(rows, start=1):
        if number > most:
            raise Unusable(f"There are more than {most:,} rows: split them into several imports.")
        yield row


# --- Tables with a header -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Grid:
    """Cells in columns to rows with names."""

    heading: Heading
    width: int
    _single: list[tuple[str, int]] = field(init=False)
    _doubled: list[tuple[str, tuple[int, ...]]] = field(init=False)

    def __post_init__(self) -> None:
        places = self.heading.places.items()
        self._single = [(column, standing[0]) for column, standing in places if len(standing) == 1]
        self._doubled = [(column, standing) for column, standing in places if len(standing) > 1]

    def warnings(self) -> list[str]:
        """What a person should know of the header."""
        unused = [f"Columns that are not read: {', '.join(self.heading.unused)}."] if self.heading.unused else []
        return unused + [
            f"The column {name} stands there twice: rows whose two cells differ are refused."
            for name in self.heading.doubled
        ]

    def row(self, line: int, cells: Sequence[str]) -> Row:
        """The row of some cells."""
        if len(cells) > self.width and any(cell.strip() for cell in cells[self.width :]):
            fault = f"The row has {len(cells)} cells and the header {self.width}: quote cells that hold a delimiter."
            return Row(line, {}, fault=fault, raw=cells)
        found: dict[str, str] = {}
        for column, place in self._single:
            if place < len(cells) and (text := cells[place].strip()):
                found[column] = _plain(text)
        for column, places in self._doubled:
            texts = {text for place in places if place < len(cells) and (text := cells[place].strip())}
            if len(texts) > 1:
                fault = f"{column} stands there twice and differs: {' and '.join(sorted(texts))}."
                return Row(line, {}, fault=fault, raw=cells)
            if texts:
                found[column] = _plain(texts.pop())
        return Row(line, found, raw=cells)


FORMULA_SIGNS = "=+-@"


def _plain(text: str) -> str:
    """A cell without the apostrophe with which spreadsheets, and our own files, mark that it is no formula."""
    return text[1:] if text[0] == "'" and text[1:2] and text[1] in FORMULA_SIGNS else text


# --- CSV ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class CsvSheet:
    """Comma-separated values, or semicolons, tabs, bars; any line end; cells may hold line breaks inside quotes."""

    kind: Kind
    dialect: str
    warnings: list[str]
    path: Path
    encoding: str
    shape: Shape
    header_at: int
    grid: _Grid
    total: int = 0

    @classmethod
    def open(cls, path: Path, kind: Kind, wanted: Wanted, encoding: str, warnings: list[str]) -> CsvSheet:
        """Find the delimiter, the header and the number of rows.

        Raises:
            Unusable: no header of ours, or quotes that do not match somewhere in the file.
        """
        delimiter, (header_at, headers), heading = _best_reading(path, kind, wanted, encoding)
        grid = _Grid(heading, len(headers))
        shape = Shape(Form.CSV, tuple(headers), delimiter)
        sheet = cls(kind, heading.dialect, [*warnings, *grid.warnings()], path, encoding, shape, header_at, grid)
        sheet.total = sum(1 for _ in _no_more_than(MOST_ROWS, sheet._records()))
        if not sheet.total:
            sheet.warnings.append("There is a header and no row.")
        return sheet

    def rows(self) -> Iterator[Row]:
        """Give out the rows below the header."""
        for line, cells in self._records():
            yield self.grid.row(line, cells)

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        for line, cells in _records(self.path, self.encoding, self.shape.delimiter):
            if line > self.header_at:
                yield line, cells


def _best_reading(path: Path, kind: Kind, wanted: Wanted, encoding: str) -> tuple[str, tuple[int, list[str]], Heading]:
    """The delimiter under which the header holds most columns of ours; where none does, what was found instead."""
    readings: list[tuple[int, str, tuple[int, list[str]], Heading]] = []
    refusals: list[tuple[int, Unusable]] = []
    for delimiter in DELIMITERS:
        width = 0
        try:
            header = next(_records(path, encoding, delimiter), (0, []))
            width = len(header[1])
            heading = recognise(kind, tuple(header[1]), wanted)
        except Unusable as err:
            refusals.append((width, err))
        else:
            readings.append((len(heading.places), delimiter, header, heading))
    if not readings:
        raise max(refusals, key=lambda refusal: refusal[0])[1]
    return max(readings, key=lambda reading: reading[0])[1:]


def _records(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number of the line on which it starts."""
    with path.open(encoding=encoding, newline="", errors="replace") as stream:  # a piece may end within a sign
        lines = _Lines(stream)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                if any(cell and not cell.isspace() for cell in cells) and not (line == 1 and _names_delimiter(cells)):
                    yield line, cells
                line = reader.line_num + 1
                lines.taken = 0
        except csv.Error as err:
            raise Unusable(f"Line {line}: the quotes of this row do not match ({err}): mend it, import again.") from err


def _names_delimiter(cells: list[str]) -> bool:
    """Whether a first line is the one with which a spreadsheet says how the file is delimited."""
    return cells[0].lower().startswith("sep=")


# --- XLSX -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class XlsxSheet:
    """The first sheet of a workbook. Of formulas the values are taken that the spreadsheet had kept."""

    kind: Kind
    dialect: str
    warnings: list[str]
    path: Path
    workbook: Workbook
    shape: Shape
    header_at: int
    grid: _Grid
    total: int = 0

    @classmethod
    def open(cls, path: Path, kind: Kind, wanted: Wanted) -> XlsxSheet:
        """Find the header, and read the sheet through once.

        Raises:
            Unusable: no workbook that can be read, or no header of ours.
        """
        if path.stat().st_size > MOST_BYTES:
            raise Unusable(f"{path.name} is larger than {MOST_BYTES // 2**30} GB: split it into several files.")
        try:
            workbook = Workbook(path)
            header = next(workbook.lines(), Line(0))
            heading = recognise(kind, tuple(header.cells), wanted)
            grid = _Grid(heading, len(header.cells))
            shape = Shape(Form.XLSX, tuple(header.cells))
            sheet = cls(kind, heading.dialect, grid.warnings(), path, workbook, shape, header.number, grid)
            sheet._read_through()
        except BadWorkbook as err:
            raise Unusable(f"{path.name}: {err}") from err
        return sheet

    def rows(self) -> Iterator[Row]:
        """Give out the rows below the header."""
        for line in self._lines():
            row = self.grid.row(line.number, line.cells)
            yield Row(row.line, {}, fault=line.fault, raw=row.raw) if line.fault else row

    def _lines(self) -> Iterator[Line]:
        return (line for line in self.workbook.lines() if line.number > self.header_at)

    def _read_through(self) -> None:
        has_formula = False
        for line in self._lines():
            self.total += 1
            if self.total > MOST_WORKBOOK_ROWS:
                raise BadWorkbook(f"There are more than {MOST_WORKBOOK_ROWS:,} rows: save the sheet as CSV.")
            has_formula |= line.has_formula
        if has_formula:
            self.warnings.append("Some cells are formulas: the values that the spreadsheet had kept are taken.")
        if self.workbook.other_titles:
            others = ", ".join(self.workbook.other_titles[:20])
            self.warnings.append(f"Only the first sheet, {self.workbook.title}, is read, and not {others}.")
        if not self.total:
            self.warnings.append("There is a header and no row.")


# --- JSON lines -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class JsonSheet:
    """One JSON object a line, its members named as the columns; values are text, numbers, booleans, null or lists."""

    kind: Kind
    dialect: str
    warnings: list[str]
    path: Path
    encoding: str
    wanted: Wanted
    total: int = 0
    _unused: set[str] = field(default_factory=set)

    shape: ClassVar[Shape] = Shape(Form.JSON_LINES)

    @classmethod
    def open(cls, path: Path, kind: Kind, wanted: Wanted, encoding: str, warnings: list[str]) -> JsonSheet:
        """Count the lines, and note the members that are not read.

        Raises:
            Unusable: too many lines, or the file is one JSON document.
        """
        sheet = cls(kind, wanted.dialect, warnings, path, encoding, wanted)
        for row in _no_more_than(MOST_ROWS, sheet.rows()):
            sheet.total += 1
            if sheet.total == 1 and row.fault:
                _refuse_document(path, encoding)
        if sheet._unused:
            warnings.append(f"Members that are not read: {', '.join(sorted(sheet._unused))}.")
        return sheet

    def rows(self) -> Iterator[Row]:
        """Give out the objects."""
        with self.path.open(encoding=self.encoding, newline="") as stream:
            for line, text in enumerate(stream, start=1):
                if not text.isspace():
                    row = self._row(line, text)
                    yield replace(row, raw=(text.strip(),))

    def _row(self, line: int, text: str) -> Row:
        try:
            pairs = json.loads(text, object_pairs_hook=_Pairs)
        except (ValueError, RecursionError):
            return Row(line, {}, fault="The line is no JSON.")
        if not isinstance(pairs, _Pairs):
            return Row(line, {}, fault="The line is no JSON object: write one object a line.")
        names = tuple(name for name, _ in pairs)
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            return Row(line, {}, fault=f"{twice[0]} stands there twice.")
        try:
            heading = recognise(self.kind, names, self.wanted.among(names))
            texts = [_as_text(name, value) for name, value in pairs]
        except Unusable as err:
            return Row(line, {}, fault=str(err))
        self.dialect = heading.dialect
        self._unused.update(heading.unused[:20])
        found = {column: texts[places[0]] for column, places in heading.places.items() if texts[places[0]]}
        return Row(line, found)


class _Pairs(list[tuple[str, Any]]):
    """The members of an object, none lost where two have one name."""


def _as_text(name: str, value: Any) -> str:
    """A JSON value as the text of a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and not isinstance(value, _Pairs) and all(isinstance(part, str) for part in value):
        return ";".join(value)
    if isinstance(value, (str, int, float)):
        return str(value).strip()
    raise Unusable(f"{name} is neither text nor a number nor a list of texts.")


def _refuse_document(path: Path, encoding: str) -> None:
    with path.open(encoding=encoding) as stream:
        start = stream.read(CHUNK).lstrip()
    if start.startswith("[") or start.split("\n", 1)[0].strip() == "{":
        raise Unusable(f"{path.name} is one JSON document: write one object a line, without a list around them.")


# --- The device-type library ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class LibrarySheet:
    """A folder of YAML files, one product each: manufacturer and model are its identity."""

    kind: Kind
    dialect: str
    total: int
    warnings: list[str]
    folder: Path
    files: Sequence[Path]

    shape: ClassVar[Shape] = Shape(Form.FOLDER)
    _PARTS: ClassVar[tuple[str, ...]] = ("device-types", "module-types")
    _IDENTITY: ClassVar[tuple[str, ...]] = ("manufacturer", "model", "part_number")

    @classmethod
    def open(cls, folder: Path, kind: Kind) -> LibrarySheet:
        """List the files. Of a whole checkout only the types of devices and modules are read, of any other folder all.

        Raises:
            Unusable: the rows are not products, or there is none.
        """
        if kind is not Kind.PRODUCTS:
            raise Unusable(f"{folder} is a folder; {kind} come as one file.")
        parts = [folder / part for part in cls._PARTS if (folder / part).is_dir()] or [folder]
        files = sorted(_no_more_than(MOST_ROWS, (file for part in parts for file in _yaml_files(part))))
        if not files:
            raise Unusable(f"{folder} holds no .yaml or .yml file.")
        return cls(kind, "device-types", len(files), [], folder, files)

    def rows(self) -> Iterator[Row]:
        """Give out one row a file."""
        for path in self.files:
            name = path.relative_to(self.folder).as_posix()
            try:
                if path.stat().st_size > MOST_CHARACTERS:
                    yield Row(1, {}, name, f"The file is larger than {MOST_CHARACTERS // 2**20} MB.")
                    continue
                members = top_level_texts(path.read_bytes())
            except (yaml.YAMLError, UnicodeDecodeError, OSError) as err:
                yield Row(_line_of(err), {}, name, f"The file is no YAML: {_first_line(err)}")
                continue
            yield Row(1, {member: members[member] for member in self._IDENTITY if members.get(member)}, name)


def _yaml_files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place, name)
            if name.lower().endswith((".yaml", ".yml")) and not name.startswith(".") and path.is_file():
                yield path


def top_level_texts(data: bytes) -> dict[str, str]:
    """The plain values of a YAML document's outermost mapping, as they are written: ``0123`` stays ``0123``.

    The file is read as a stream of events and nothing is built from it, so no tag makes an object, no alias multiplies,
    and no number loses its leading zero.

    Raises:
        yaml.YAMLError: it is no YAML, nested too deeply, or a member stands there twice.
    """
    found: dict[str, str] = {}
    depth, key = 0, None
    for event in yaml.parse(data, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth, key = depth + 1, None
            if depth > MOST_DEPTH:
                raise yaml.YAMLError("it is nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif depth == 1:
            value = event.value.strip() if isinstance(event, yaml.ScalarEvent) else ""
            if key is None:
                key = value
                if key in found:
                    raise yaml.YAMLError(f"{key} stands there twice")
            else:
                is_null = isinstance(event, yaml.ScalarEvent) and not event.style and value in {"~", "null"}
                found[key] = "" if is_null else value
                key = None
    return found


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _line_of(err: Exception) -> int:
    mark = getattr(err, "problem_mark", None)
    return 1 if mark is None else int(mark.line) + 1


def _first_line(err: Exception) -> str:
    return str(getattr(err, "problem", None) or err).splitlines()[0]
