"""Workbooks to rows, and refused rows back to files: what a spreadsheet shows is what is read, and nothing is computed."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import pytest

from warranty.services.importing.columns import Kind, Unusable
from warranty.services.importing.rejected import write_rejected
from warranty.services.importing.sheets import Form, Shape, open_sheet
from warranty.services.importing.workbook import Workbook, write_workbook

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HEADER = ("serial_number", "name")


def inline(address, text):
    return f'<c r="{address}" t="inlineStr"><is><t>{text}</t></is></c>'


def row_of(number, *cells):
    return f'<row r="{number}">{"".join(cells)}</row>'


HEADER_ROW = row_of(1, inline("A1", "serial_number"), inline("B1", "name"), inline("C1", "purchased_on"))


@pytest.fixture
def written(tmp_path):
    """Write a workbook whose first sheet has some XML; parts may be replaced or, as None, left out."""

    def write(rows, *, book='<sheets><sheet name="Rows" sheetId="1" r:id="rId1"/></sheets>', **parts):
        whole = io.BytesIO()
        write_workbook(whole, [])
        path = tmp_path / "rows.xlsx"
        sheet = f'<?xml version="1.0"?><worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
        given = {
            "xl/worksheets/sheet1.xml": sheet,
            "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{book}</workbook>',
            "xl/_rels/workbook.xml.rels": relations(
                worksheet="worksheets/sheet1.xml", sharedStrings="s.xml", styles="t.xml"
            ),
            **{name.replace("__", "/") + ".xml": text for name, text in parts.items()},
        }
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
            for name in old.namelist():
                if name not in given:
                    new.writestr(name, old.read(name))
            for name, text in {"xl/s.xml": "<sst/>", "xl/t.xml": "<styleSheet/>", **given}.items():
                if text is not None:
                    new.writestr(name, text)
        return path

    return write


def relations(**targets):
    parts = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets.items(), start=1)
    )
    return f"<Relationships>{parts}</Relationships>"


def cells(path):
    return [dict(row.cells) for row in open_sheet(path, Kind.ASSETS).rows()]


def faults(path):
    return [(row.line, row.fault) for row in open_sheet(path, Kind.ASSETS).rows() if row.fault]


# --- Reading --------------------------------------------------------------------------------------------------------


def test_what_is_written_is_what_is_read(tmp_path):
    rows = [HEADER, ("A1", 'a "b" & <c>'), ("A2", " Zürich "), ("A3", "=1+1")]
    with (tmp_path / "rows.xlsx").open("wb") as stream:
        write_workbook(stream, rows)

    assert [tuple(line.cells) for line in Workbook(tmp_path / "rows.xlsx").lines()] == rows


def test_a_workbook_can_be_read_again(written):
    sheet = open_sheet(written(HEADER_ROW + row_of(2, inline("A2", "A1"))), Kind.ASSETS)

    assert list(sheet.rows()) == list(sheet.rows())


def test_rows_keep_their_numbers_and_blank_ones_are_left_out(written):
    path = written(row_of(3, inline("A3", "serial_number")) + row_of(7, inline("A7", "A1")) + row_of(9))

    assert [(row.line, row.cells) for row in open_sheet(path, Kind.ASSETS).rows()] == [(7, {"serial_number": "A1"})]


def test_texts_may_be_shared_and_in_pieces_and_without_their_readings(written):
    texts = "<sst><si><t>A1</t></si><si><r><t>on</t></r><r><t>e</t></r><rPh><t>reading</t></rPh></si></sst>"
    path = written(HEADER_ROW + row_of(2, '<c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c>'), xl__s=texts)

    assert cells(path) == [{"serial_number": "A1", "name": "one"}]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("<v>00123</v>", "00123"),
        ("<v>123456789012345</v>", "123456789012345"),
        ("<v>12.0</v>", "12"),
        ("<v>12.5</v>", "12.5"),
        ("<v>6377020000000000</v>", "6.37702E+15"),
    ],
)
def test_a_number_is_read_as_it_is_shown_and_one_that_has_lost_digits_gives_that_away(written, cell, shown):
    path = written(HEADER_ROW + row_of(2, f'<c r="A2">{cell}</c>'))

    assert cells(path) == [{"serial_number": shown}]


def test_a_number_under_a_date_format_is_a_day_or_a_time(written):
    styles = (
        '<styleSheet><numFmts><numFmt numFmtId="170" formatCode="[$-407]dd/mm/yyyy"/>'
        '<numFmt numFmtId="171" formatCode="0.00&quot; days&quot;"/></numFmts>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/><xf numFmtId="171"/></cellXfs></styleSheet>'
    )
    days = "".join(
        row_of(at, inline(f"A{at}", f"A{at}"), f'<c r="C{at}" s="{style}"><v>{value}</v></c>')
        for at, style, value in ((2, 1, "45323"), (3, 2, "45323"), (4, 1, "45323.5"), (5, 3, "45323"))
    )

    read = [row["purchased_on"] for row in cells(written(HEADER_ROW + days, xl__t=styles))]

    assert read == ["2024-02-01", "2024-02-01", "2024-02-01 12:00:00", "45323"]


def test_a_workbook_of_1904_counts_its_days_from_there(written):
    book = '<workbookPr date1904="1"/><sheets><sheet name="Rows" sheetId="1" r:id="rId1"/></sheets>'
    styles = '<styleSheet><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>'
    day = row_of(2, inline("A2", "A1"), '<c r="C2" s="0"><v>43861</v></c>')

    assert cells(written(HEADER_ROW + day, book=book, xl__t=styles))[0]["purchased_on"] == "2024-02-01"


def test_of_a_formula_the_kept_value_is_taken_with_a_word_about_it(written):
    sheet = open_sheet(
        written(HEADER_ROW + row_of(2, '<c r="A2" t="str"><f>CONCAT("A",1)</f><v>A1</v></c>')), Kind.ASSETS
    )

    assert [row.cells for row in sheet.rows()] == [{"serial_number": "A1"}]
    assert sheet.warnings == ["Some cells are formulas: the values that the spreadsheet had kept are taken."]


def test_a_formula_without_a_value_and_an_error_refuse_their_row(written):
    path = written(
        HEADER_ROW
        + row_of(2, '<c r="A2"><f>1+1</f></c>', inline("B2", "one"))
        + row_of(3, inline("A3", "A1"), '<c r="B3" t="e"><v>#N/A</v></c>')
    )

    assert faults(path) == [
        (2, "Column 1 is a formula without a value: paste the values, and save again."),
        (3, "Column 2 is an error (#N/A): mend it, and save again."),
    ]


def test_the_first_visible_sheet_is_read_and_the_others_are_named(written):
    book = (
        '<sheets><sheet name="Old" sheetId="9" state="hidden" r:id="rId2"/>'
        '<sheet name="Rows" sheetId="1" r:id="rId1"/><sheet name="More" sheetId="2" r:id="rId1"/></sheets>'
    )
    sheet = open_sheet(written(HEADER_ROW + row_of(2, inline("A2", "A1")), book=book), Kind.ASSETS)

    assert sheet.warnings == ["Only the first sheet, Rows, is read, and not More."]


def test_elements_may_carry_a_prefix_and_cells_no_address(written):
    sheet = (
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row><x:c t="str"><x:v>serial_number</x:v></x:c></x:row>'
        '<x:row><x:c t="str"><x:v>A1</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )
    path = written("", xl__worksheets__sheet1=sheet)

    assert cells(path) == [{"serial_number": "A1"}]


# --- What is no workbook --------------------------------------------------------------------------------------------


def refusal(path):
    with pytest.raises(Unusable) as refused:
        open_sheet(path, Kind.ASSETS)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_part_that_unpacks_out_of_all_proportion_is_refused(written):
    path = written(HEADER_ROW + " " * 20_000_000)

    assert path.stat().st_size < 100_000
    assert "unpacks to far more than any table" in refusal(path)


def test_entities_that_could_multiply_are_refused(written):
    bomb = '<!DOCTYPE a [<!ENTITY b "ha">]><worksheet><sheetData/></worksheet>'

    assert "declares a document type" in refusal(written("", xl__worksheets__sheet1=bomb))


def test_a_cell_at_the_far_corner_sets_nothing_aside(written):
    path = written(HEADER_ROW + row_of(2, inline("A2", "A1")) + row_of(1_048_576, '<c r="XFD1048576"><v>1</v></c>'))

    assert faults(path) == [(1_048_576, "The row has 16384 cells and the header 3: quote cells that hold a delimiter.")]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ('<row r="1"><c r="XFE1"><v>1</v></c></row>', "cells are out of their order"),
        ('<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>', "cells are out of their order"),
        ('<row r="1"><c r="1A"><v>1</v></c></row>', "there is no cell"),
        ('<row r="1"><c r="A1" t="s"><v>7</v></c></row>', "a text that is not there"),
        ('<row r="1"><c r="A1"><v>one</v></c></row>', "The workbook is damaged"),
        ('<row r="1"><c r="A1">', "The workbook is damaged"),
        ("", "The header lacks serial_number"),
    ],
)
def test_a_damaged_sheet_is_refused_in_a_sentence(written, rows, said):
    assert said in refusal(written(rows))


def test_a_workbook_without_a_visible_sheet_is_refused(written):
    assert "no sheet that is visible" in refusal(written("", book="<sheets/>"))


def test_a_workbook_that_breaks_off_is_refused(written):
    path = written(HEADER_ROW)
    path.write_bytes(path.read_bytes()[:-30])

    assert "The workbook breaks off" in refusal(path)


def test_an_archive_of_very_many_parts_is_refused_before_they_are_listed(tmp_path):
    path = tmp_path / "rows.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(300):
            archive.writestr(f"{number:04}" * 1_200, "")

    assert "more parts than any workbook" in refusal(path)


def test_a_workbook_of_too_many_rows_is_to_be_saved_as_text(written):
    path = written(HEADER_ROW + "".join(f'<row r="{at}"><c><v>1</v></c></row>' for at in range(2, 100_003)))

    assert "more than 100,000 rows: save the sheet as CSV" in refusal(path)


# --- Refused rows as files ------------------------------------------------------------------------------------------

REFUSED = [
    {"line": 2, "file": "", "field": "", "message": "No.", "raw": ["A1", "=1+1"]},
    {"line": 5, "file": "", "field": "", "message": "=Why", "raw": ["A2"]},
    {"line": 6, "file": "", "field": "", "message": "Too wide.", "raw": ["A3", "b", "c"]},
]


def test_refused_rows_come_back_as_csv_that_no_spreadsheet_computes():
    stream = io.BytesIO()

    suffix = write_rejected(stream, Shape(Form.CSV, HEADER, ";"), REFUSED)

    assert suffix == "csv"
    assert list(csv.reader(io.StringIO(stream.getvalue().decode("utf-8-sig")), delimiter=";")) == [
        ["serial_number", "name", "reason"],
        ["A1", "'=1+1", "No."],
        ["A2", "", "'=Why"],
        ["A3", "b", "Too wide.", "c"],
    ]


def test_an_apostrophe_that_guards_a_formula_is_gone_when_the_file_is_read_again(tmp_path):
    path = tmp_path / "again.csv"
    with path.open("wb") as stream:
        write_rejected(stream, Shape(Form.CSV, HEADER), REFUSED[:1])

    assert cells(path) == [{"serial_number": "A1", "name": "=1+1"}]


def test_refused_rows_of_a_workbook_come_back_as_a_workbook_of_texts(tmp_path):
    path = tmp_path / "rejected.xlsx"
    with path.open("wb") as stream:
        assert write_rejected(stream, Shape(Form.XLSX, HEADER), REFUSED[:2]) == "xlsx"

    lines = list(Workbook(path).lines())
    assert [line.cells for line in lines] == [[*HEADER, "reason"], ["A1", "=1+1", "No."], ["A2", "", "=Why"]]
    assert not any(line.has_formula for line in lines)


def test_refused_json_lines_come_back_as_objects_with_the_reason():
    stream = io.BytesIO()
    refused = [{"raw": ['{"name": "one"}'], "message": "No."}, {"raw": ["[1]"], "message": "No object."}]

    assert write_rejected(stream, Shape(Form.JSON_LINES), refused) == "jsonl"
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [
        {"name": "one", "reason": "No."},
        {"line": "[1]", "reason": "No object."},
    ]


def test_refused_files_of_a_folder_are_listed():
    stream = io.BytesIO()

    write_rejected(stream, Shape(Form.FOLDER), [{"file": "Dell/x.yaml", "line": 3, "message": "No YAML.", "raw": []}])

    assert stream.getvalue().decode("utf-8-sig").splitlines() == ["file,line,reason", "Dell/x.yaml,3,No YAML."]
