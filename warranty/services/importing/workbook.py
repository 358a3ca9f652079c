"""XLSX workbooks, row by row: read in the memory of one row, and written for rejected rows.

A workbook is a zip archive of XML. Whoever made it may be hostile, so nothing of it is unpacked or built as a whole: the
archive's own list is measured before it is read, each part is unpacked in pieces and refused where it grows out of all
proportion, a document type (whose entities could multiply) is refused, and a cell says where it stands but never how
much is set aside for it. Formulas are never computed: what counts is the value that the spreadsheet had kept.
"""

from __future__ import annotations

import mmap
import re
import tempfile
import zipfile
import zlib
from array import array
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Final
from xml.parsers import expat
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

MOST_LISTED_BYTES: Final = 2**20
"""Of an archive's own list of its parts; a workbook has some dozens."""

MOST_UNPACKED_BYTES: Final = 2**31
MOST_TIMES: Final = 250
"""How many times its packed size a part may have; tables have ten to thirty."""

FREE_BYTES: Final = 2**24
"""What any part may unpack to, however small it is packed."""

MOST_COLUMN: Final = 16_384  # of the format itself
PIECE: Final = 2**16

_END_OF_LIST = b"PK\x05\x06"
_LARGE_LIST = b"PK\x06\x07"
_ADDRESS = re.compile(r"([A-Z]{1,3})[0-9]+")
_QUOTED = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
_DATE_LETTERS = re.compile("[dyDY]|mm|MM")
_DATE_FORMATS = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - a sheet's times have no zone
_MOST_DIGITS = 10**15
"""From here on a spreadsheet has lost digits; the number is shown in its short form, which gives that away."""


_DAMAGE = (zipfile.BadZipFile, zlib.error, expat.ExpatError, KeyError, EOFError, NotImplementedError, ValueError)


class BadWorkbook(Exception):
    """The file is no workbook that can be read; the message says why and what to do."""


@dataclass(slots=True)
class Line:
    """One row that is not blank: its number, from 1, and its cells as texts. ``fault`` says which cell has no value."""

    number: int
    cells: list[str] = field(default_factory=list)
    fault: str = ""
    has_formula: bool = False


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where in the archive what is to be read stands, and how its numbers are meant."""

    title: str
    other_titles: tuple[str, ...]
    part: str
    texts_part: str | None
    date_styles: frozenset[int]
    epoch: datetime


class Workbook:
    """The first visible sheet of a workbook; it can be read any number of times.

    Raises:
        BadWorkbook: it is no such archive, or holds no sheet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        _measure_list(path)
        with self._archive() as archive:
            self._plan = _plan(archive)
            self._texts = _Texts()
            if self._plan.texts_part is not None:
                self._texts.read(archive, self._plan.texts_part)

    @property
    def title(self) -> str:
        """The name of the sheet that is read."""
        return self._plan.title

    @property
    def other_titles(self) -> tuple[str, ...]:
        """The names of those that are not."""
        return self._plan.other_titles

    def lines(self) -> Iterator[Line]:
        """Give out the rows.

        Raises:
            BadWorkbook: the sheet breaks off, or grows out of all proportion.
        """
        with self._archive() as archive:
            parser = _SheetParser(self._plan, self._texts)
            for piece in _pieces(archive, self._plan.part):
                parser.feed(piece)
                yield from parser.taken()
            parser.feed(b"", is_last=True)
            yield from parser.taken()

    @contextmanager
    def _archive(self) -> Iterator[zipfile.ZipFile]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                yield archive
        except _DAMAGE as err:
            raise BadWorkbook(f"The workbook is damaged ({err}): save it again, or save the sheet as CSV.") from err
        except RuntimeError as err:  # what zipfile says of a password
            raise BadWorkbook("The workbook is protected by a password: save it without one.") from err


# --- The archive ----------------------------------------------------------------------------------------------------


def _measure_list(path: Path) -> None:
    """Look at how long the archive's list of parts says it is, before it is read as a whole."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - PIECE - 22))
        tail = stream.read()
    at = tail.rfind(_END_OF_LIST)
    if at < 0 or len(tail) < at + 22:
        raise BadWorkbook("The workbook breaks off: copy the file again, or save the sheet as CSV.")
    length = int.from_bytes(tail[at + 12 : at + 16], "little")
    if length > MOST_LISTED_BYTES or tail[max(0, at - 20) : at].startswith(_LARGE_LIST):
        raise BadWorkbook("The archive has more parts than any workbook: save the sheet as CSV.")


def _pieces(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """A part of the archive, unpacked in pieces, as long as it stays within proportion."""
    most = min(MOST_UNPACKED_BYTES, max(FREE_BYTES, MOST_TIMES * archive.getinfo(part).compress_size))
    unpacked = 0
    with archive.open(part) as stream:
        while piece := stream.read(PIECE):
            unpacked += len(piece)
            if unpacked > most:
                raise BadWorkbook("The workbook unpacks to far more than any table: save the sheet as CSV.")
            yield piece


def _parser(starts: Callable[[str, dict[str, str]], None], ends: Callable[[str], None]) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = starts
    parser.EndElementHandler = ends

    def refuse(*_declared: object) -> None:
        raise BadWorkbook("The workbook declares a document type, as no spreadsheet does: save the sheet as CSV.")

    parser.StartDoctypeDeclHandler = refuse
    return parser


class _LocalNames(dict[str, str]):
    """Names of elements without their prefix: kept, since a sheet has a dozen names and millions of elements."""

    def __missing__(self, name: str) -> str:
        local = name.rpartition(":")[2]
        if len(self) < 1_000:
            self[name] = local
        return local


def _elements(archive: zipfile.ZipFile, part: str) -> list[tuple[str, str, dict[str, str]]]:
    """The elements of a small part: parent, name, attributes. A part that is not there has none."""
    found: list[tuple[str, str, dict[str, str]]] = []
    if part not in archive.NameToInfo:
        return found
    names = _LocalNames()
    path = [""]

    def starts(name: str, attributes: dict[str, str]) -> None:
        if len(found) > 200_000:
            raise BadWorkbook("The workbook has more styles or sheets than any: save the sheet as CSV.")
        found.append((path[-1], names[name], {names[key]: value for key, value in attributes.items()}))
        path.append(names[name])

    def ends(_name: str) -> None:
        path.pop()

    parser = _parser(starts, ends)
    for piece in _pieces(archive, part):
        parser.Parse(piece, False)
    parser.Parse(b"", True)
    return found


def _plan(archive: zipfile.ZipFile) -> _Plan:
    book = next(iter(_targets(archive, "", "officeDocument").values()), "xl/workbook.xml")
    elements = _elements(archive, book)
    parts = _targets(archive, book, "worksheet")
    sheets = [
        (attributes.get("name", ""), parts[attributes.get("id", "")])
        for _, name, attributes in elements
        if name == "sheet" and attributes.get("state", "visible") == "visible" and attributes.get("id") in parts
    ]
    if not sheets:
        raise BadWorkbook("The workbook has no sheet that is visible: save the sheet as CSV.")
    is_1904 = any(
        attributes.get("date1904") in {"1", "true"} for _, name, attributes in elements if name == "workbookPr"
    )
    texts = _targets(archive, book, "sharedStrings")
    styles = _targets(archive, book, "styles")
    return _Plan(
        title=sheets[0][0],
        other_titles=tuple(title for title, _ in sheets[1:]),
        part=sheets[0][1],
        texts_part=next(iter(texts.values()), None),
        date_styles=_date_styles(_elements(archive, next(iter(styles.values()), ""))),
        epoch=_EPOCH_1904 if is_1904 else _EPOCH,
    )


def _targets(archive: zipfile.ZipFile, part: str, wanted: str) -> dict[str, str]:
    """The parts of one type that a part refers to, by the ids it has for them."""
    place = PurePosixPath(part)
    relations = _elements(archive, str(place.parent / "_rels" / f"{place.name}.rels") if part else "_rels/.rels")
    found = {}
    for _, name, attributes in relations:
        if name == "Relationship" and attributes.get("Type", "").endswith(f"/{wanted}"):
            target = attributes.get("Target", "")
            found[attributes.get("Id", "")] = target[1:] if target.startswith("/") else str(place.parent / target)
    return found


def _date_styles(elements: Sequence[tuple[str, str, Mapping[str, str]]]) -> frozenset[int]:
    """The styles under which a number is a day or a time."""
    own = {
        attributes.get("numFmtId"): attributes.get("formatCode", "")
        for _, name, attributes in elements
        if name == "numFmt"
    }
    formats = [
        attributes.get("numFmtId", "0") for parent, name, attributes in elements if (parent, name) == ("cellXfs", "xf")
    ]
    return frozenset(
        style
        for style, number in enumerate(formats)
        if (_is_date_format(own[number]) if number in own else number.isdigit() and int(number) in _DATE_FORMATS)
    )


def _is_date_format(code: str) -> bool:
    return _DATE_LETTERS.search(_QUOTED.sub("", code)) is not None


# --- Texts and sheets -----------------------------------------------------------------------------------------------


class _Texts:
    """The texts that cells share, on disk: of a large sheet they are most of it."""

    def __init__(self) -> None:
        self._starts = array("Q", [0])
        self._bytes: mmap.mmap | bytes = b""

    def read(self, archive: zipfile.ZipFile, part: str) -> None:
        at = 0
        with tempfile.TemporaryFile() as file:
            for text in _shared_texts(archive, part):
                at += file.write(text)
                self._starts.append(at)
            file.flush()
            if at:
                self._bytes = mmap.mmap(file.fileno(), at, access=mmap.ACCESS_READ)

    def get(self, number: int) -> str:
        if not 0 <= number < len(self._starts) - 1:
            raise BadWorkbook("The workbook is damaged (a cell names a text that is not there): save it again.")
        return self._bytes[self._starts[number] : self._starts[number + 1]].decode()


def _shared_texts(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The texts in the order in which cells number them, without the readings of Japanese ones."""
    names = _LocalNames()
    parts: list[str] = []
    whole: list[bytes] = []
    inside = {"t": 0, "rPh": 0}

    def starts(name: str, _attributes: dict[str, str]) -> None:
        if names[name] in inside:
            inside[names[name]] += 1

    def ends(name: str) -> None:
        if names[name] in inside:
            inside[names[name]] -= 1
        elif names[name] == "si":
            whole.append("".join(parts).encode("utf-8", "replace"))
            parts.clear()

    def says(data: str) -> None:
        if inside["t"] and not inside["rPh"]:
            parts.append(data)

    parser = _parser(starts, ends)
    parser.CharacterDataHandler = says
    for piece in chain(_pieces(archive, part), [b""]):
        parser.Parse(piece, not piece)
        yield from whole
        whole.clear()


class _SheetParser:
    """Cells to rows."""

    def __init__(self, plan: _Plan, texts: _Texts) -> None:
        self._plan = plan
        self._texts = texts
        self._rows: list[Line] = []
        self._row = Line(0)
        self._column = -1
        self._type, self._style = "n", 0
        self._text: list[str] = []
        self._is_in_value = False
        self._formula = False
        self._names = _LocalNames()
        self._parser = _parser(self._starts, self._ends)
        self._parser.CharacterDataHandler = self._says

    def feed(self, piece: bytes, *, is_last: bool = False) -> None:
        self._parser.Parse(piece, is_last)

    def taken(self) -> list[Line]:
        rows, self._rows = self._rows, []
        return rows

    def _starts(self, name: str, attributes: dict[str, str]) -> None:
        local = self._names[name]
        if local in {"v", "t"}:
            self._is_in_value = True
        elif local == "c":
            self._column = _column(attributes.get("r"), self._column)
            self._type = attributes.get("t", "n")
            self._style = int(attributes.get("s", "0"))
            self._text.clear()
            self._formula = False
        elif local == "f":
            self._formula = True
        elif local == "row":
            self._row = Line(int(attributes.get("r", self._row.number + 1)))
            self._column = -1

    def _says(self, data: str) -> None:
        if self._is_in_value:
            self._text.append(data)

    def _ends(self, name: str) -> None:
        local = self._names[name]
        if local in {"v", "t"}:
            self._is_in_value = False
        elif local == "c":
            self._end_cell()
        elif local == "row" and any(self._row.cells):
            self._rows.append(self._row)

    def _end_cell(self) -> None:
        row, text = self._row, "".join(self._text)
        row.has_formula |= self._formula
        if self._formula and not text and not row.fault:
            row.fault = f"Column {self._column + 1} is a formula without a value: paste the values, and save again."
        if not text:
            return
        if self._type == "e" and not row.fault:
            row.fault = f"Column {self._column + 1} is an error ({text[:20]}): mend it, and save again."
        row.cells.extend([""] * (self._column - len(row.cells)))
        row.cells.append(self._shown(text))

    def _shown(self, text: str) -> str:
        """The text of a value, as a person reads it."""
        match self._type:
            case "s":
                return self._texts.get(int(text))
            case "b":
                return "true" if text == "1" else "false"
            case "n":
                return self._number(text)
            case _:
                return text

    def _number(self, text: str) -> str:
        if self._style in self._plan.date_styles:
            return _moment(self._plan.epoch, float(text))
        if text.isdigit() and len(text) <= 15:
            return text
        number = float(text)
        if abs(number) >= _MOST_DIGITS:
            return f"{number:.5E}"
        return str(int(number)) if number.is_integer() else repr(number)


def _column(address: str | None, before: int) -> int:
    """The place of a cell, from 0; one without an address stands beside the one before."""
    if address is None:
        place = before + 1
    else:
        found = _ADDRESS.fullmatch(address)
        if found is None:
            raise BadWorkbook(f"The workbook is damaged (there is no cell {address[:20]!r}): save it again.")
        place = 0
        for letter in found[1]:
            place = place * 26 + ord(letter) - 64
        place -= 1
    if not before < place < MOST_COLUMN:
        raise BadWorkbook("The workbook is damaged (cells are out of their order): save it again.")
    return place


def _moment(epoch: datetime, days: float) -> str:
    """A day, or a day and a time, counted from the epoch of the workbook."""
    try:
        at = epoch + timedelta(seconds=round(days * 86_400))
    except OverflowError:
        return repr(days)
    return at.date().isoformat() if not (at.hour or at.minute or at.second) else at.isoformat(sep=" ")


# --- Writing --------------------------------------------------------------------------------------------------------

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_PARTS = {
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPES}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_RELATIONS}">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        '<sheets><sheet name="Rows" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_RELATIONS}">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}


def write_workbook(stream: IO[bytes], rows: Iterable[Sequence[str]]) -> None:
    """Write a workbook of one sheet, every cell a text: nothing in it is ever a formula."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, xml in _PARTS.items():
            archive.writestr(name, _XML + xml)
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for row in rows:
                sheet.write(f"<row>{''.join(map(_cell, row))}</row>".encode())
            sheet.write(b"</sheetData></worksheet>")


def _cell(text: str) -> str:
    shown = escape(_UNPRINTABLE.sub("", text))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'
