"""Files to rows, without a database: every form in which a table leaves a spreadsheet, and all that is no table."""

from __future__ import annotations

import os
import tracemalloc
from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from warranty.domain.terms import Component, Ownership
from warranty.services.estate import Invalid
from warranty.services.importing import columns, sheets
from warranty.services.importing.columns import Kind, Unusable, Wanted
from warranty.services.importing.sheets import Sheet, open_sheet, top_level_texts

SERIALS = [{"serial_number": "A1", "name": "one"}, {"serial_number": "A2", "name": "two"}]


@pytest.fixture
def opened(tmp_path):
    """Write bytes or text to a file and open it as a table of units, or of another kind."""

    def write(content: bytes | str, name: str = "units.csv", kind: Kind = Kind.ASSETS, dialect: str = "auto") -> Sheet:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return open_sheet(path, kind, Wanted.of(kind, dialect))

    return write


def cells(sheet: Sheet) -> list[dict[str, str]]:
    return [dict(row.cells) for row in sheet.rows()]


def faults(sheet: Sheet) -> list[tuple[int, str]]:
    return [(row.line, row.fault) for row in sheet.rows() if row.fault]


# --- CSV in all its forms -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_read_whatever_its_delimiter_line_end_and_encoding(opened, delimiter, line_end, encoding):
    text = line_end.join(delimiter.join(line) for line in (["serial_number", "name"], ["A1", "one"], ["A2", "two"]))
    sheet = opened(text.encode(encoding))
    assert cells(sheet) == SERIALS
    assert [row.line for row in sheet.rows()] == [2, 3]
    assert (sheet.total, sheet.warnings) == (2, [])


def test_a_table_can_be_read_again(opened):
    sheet = opened("serial_number,name\nA1,one\nA2,two\n")
    assert cells(sheet) == cells(sheet) == SERIALS


def test_order_case_and_punctuation_of_headers_do_not_matter(opened):
    assert cells(opened("NAME,Serial-Number\none,A1\ntwo,A2\n")) == SERIALS


def test_a_line_that_names_the_delimiter_is_no_header(opened):
    assert cells(opened("sep=;\r\nserial_number;name\r\nA1;one\r\nA2;two\r\n")) == SERIALS


def test_blank_lines_and_rows_of_nothing_are_left_out_and_still_counted_as_lines(opened):
    sheet = opened("\n\nserial_number,name\n\nA1,one\n , \nA2,two\n\n")
    assert cells(sheet) == SERIALS
    assert [row.line for row in sheet.rows()] == [5, 7]


def test_a_cell_may_hold_line_breaks_delimiters_and_quotes(opened):
    sheet = opened('serial_number,name\n"A1","a ""b"", c\nd"\nA2,two\n')
    assert cells(sheet)[0] == {"serial_number": "A1", "name": 'a "b", c\nd'}
    assert [row.line for row in sheet.rows()] == [2, 4]


def test_a_file_that_is_not_utf_8_is_read_as_the_western_one_and_says_so(opened):
    sheet = opened("serial_number,name\nA1,Zürich\n".encode("cp1252"))
    assert cells(sheet) == [{"serial_number": "A1", "name": "Zürich"}]
    assert sheet.warnings == ["The file is not UTF-8 and was read as Windows-1252: look at its accented letters."]


def test_bytes_that_windows_does_not_know_are_read_as_latin_1(opened):
    sheet = opened(b"serial_number,name\nA1,\x8e\x81\n")
    assert "read as Latin-1" in sheet.warnings[0]
    assert cells(sheet)[0]["serial_number"] == "A1"


def test_a_column_that_is_not_ours_is_a_warning(opened):
    sheet = opened("serial_number,rack,colour\nA1,4,red\n")
    assert cells(sheet) == [{"serial_number": "A1"}]
    assert sheet.warnings == ["Columns that are not read: rack, colour."]


def test_a_header_without_rows_is_a_warning(opened):
    sheet = opened("serial_number,name\n")
    assert (sheet.total, sheet.warnings) == (0, ["There is a header and no row."])


def test_a_column_may_stand_twice_where_its_cells_agree(opened):
    sheet = opened("serial_number,name,name\nA1,one,one\nA2,,two\nA3,x,y\n")
    assert cells(sheet) == [*SERIALS, {}]
    assert faults(sheet) == [(4, "name stands there twice and differs: x and y.")]
    assert sheet.warnings == ["The column name stands there twice: rows whose two cells differ are refused."]


def test_a_row_with_more_cells_than_the_header_is_refused_and_a_shorter_one_is_not(opened):
    sheet = opened("serial_number,name\nA1,Acme, Inc.\nA2\nA3,x,,\n")
    assert faults(sheet) == [(2, "The row has 3 cells and the header 2: quote cells that hold a delimiter.")]
    assert cells(sheet)[1:] == [{"serial_number": "A2"}, {"serial_number": "A3", "name": "x"}]


@given(
    rows=st.lists(
        st.tuples(
            st.text("ABC019", min_size=1, max_size=9),
            st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=30),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_python_writes_as_csv_is_what_is_read(tmp_path_factory, rows):
    import csv  # noqa: PLC0415 - of this test alone

    path = tmp_path_factory.mktemp("csv") / "units.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["serial_number", "name"])
        writer.writerows(rows)
    wanted = [{"serial_number": serial} | ({"name": name.strip()} if name.strip() else {}) for serial, name in rows]
    assert cells(open_sheet(path, Kind.ASSETS)) == wanted


# --- What is no table -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "units.csv is empty."),
        (b"\xef\xbb\xbf", "units.csv is blank."),
        (b" \n\r\n", "units.csv is blank."),
        (b"\0" * 4096, "it holds zero bytes"),
        (b"serial_number,name\nA1," + b"\0" * 20, "it holds zero bytes"),
        (b"serial_number:name\nA1:one\n", "The header lacks serial_number; it reads: serial_number:name."),
        (b"colour,rack\nred,4\n", "The header lacks serial_number; it reads: colour, rack."),
        (b"sep=;\n", "The header lacks serial_number; it reads: nothing."),
        (b"PK\x03\x04 and more", "The workbook breaks off"),
        (b"\xd0\xcf\x11\xe0 and more", "save the sheet as CSV UTF-8"),
        (b"\x1f\x8b and more", "unpack it first"),
        (b"%PDF-1.7", "not a table"),
        (b"SQLite format 3\0", "not a table"),
        (b"\xff\xfea", "is no utf-16 text"),
        (b"x" * (2**20 + 1), "a line of more than 1,048,576 characters"),
        (b'serial_number,name\nA1,"never closed\nA2,two\n', "Line 2: the quotes of this row do not match"),
        (b'serial_number,name\nA1,"one" more\n', "Line 2: the quotes of this row do not match"),
        (b'serial_number,name\nA1,"' + b"x\n" * 70_000, "Line 2: the quotes of this row do not match"),
        (b"serial_number,name\n" + b'"x\n",' * 300_000, "a row of more than 1,048,576 characters"),
        (b"serial number,seats\nA1,5\n", "a list of licences, not of units"),
        (b'[\n{"serial_number": "A1"}\n]', "write one object a line"),
        (b'{\n"serial_number": "A1"}', "write one object a line"),
    ],
    ids=range(22),
)
def test_what_is_no_table_is_refused_in_a_sentence(opened, content, said):
    with pytest.raises(Unusable) as refusal:
        opened(content)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_gigabyte_of_zeros_is_refused_at_its_beginning(tmp_path):
    path = tmp_path / "zeros.csv"
    with path.open("wb") as stream:
        stream.truncate(2**30 + 1)
    with pytest.raises(Unusable, match="zero bytes"):
        open_sheet(path, Kind.ASSETS)


def test_a_table_larger_than_a_gigabyte_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.csv"
    with path.open("wb") as stream:
        stream.write(b"serial_number,name\n")
        stream.truncate(2**30 + 1)
    with pytest.raises(Unusable, match=r"larger than 1 GB: split it"):
        open_sheet(path, Kind.ASSETS)


def test_a_table_of_too_many_rows_is_refused():
    taken = sheets._no_more_than(3, range(4))
    with pytest.raises(Unusable, match="more than 3 rows: split them into several imports"):
        list(taken)


def test_a_file_that_is_not_there_and_one_that_is_no_file_are_refused(tmp_path):
    with pytest.raises(Unusable, match="No such file"):
        open_sheet(tmp_path / "none.csv", Kind.ASSETS)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unusable, match="is no file"):
        open_sheet(tmp_path / "pipe", Kind.ASSETS)
    with pytest.raises(Unusable, match="assets come as one file"):
        open_sheet(tmp_path, Kind.ASSETS)
    with pytest.raises(Unusable, match=r"holds no \.yaml"):
        open_sheet(tmp_path, Kind.PRODUCTS)


def test_a_format_that_the_kind_does_not_have_is_refused(opened):
    with pytest.raises(Unusable, match="There is no format ralph for products; there are auto, snipe-it, tracker"):
        opened("manufacturer,model\nAcme,M1\n", kind=Kind.PRODUCTS, dialect="ralph")


# --- Other systems' columns -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "row", "dialect", "wanted"),
    [
        (
            "name,role,tenant,manufacturer,device_type,serial,asset_tag,status,site,location,rack",
            "sw1,switch,Acme,Cisco,C9300,S1,T1,active,DC1,Hall A,R5",
            "netbox",
            {"name": "sw1", "client": "Acme", "product": "C9300", "serial_number": "S1", "site": "DC1"},
        ),
        (
            "Name,Status,Tenant,Site,Location,Rack,Role,Manufacturer,Type,Serial number",
            "sw1,Active,Acme,DC1,Hall A,R5,Switch,Cisco,C9300,S1",
            "netbox",
            {"client": "Acme", "site": "DC1", "product": "C9300", "serial_number": "S1"},
        ),
        (
            "device,module_bay,module_type,status,serial,asset_tag",
            "sw1,Bay 1,PWR-C1,active,S1,T1",
            "netbox",
            {"product": "PWR-C1", "serial_number": "S1", "asset_tag": "T1"},
        ),
        (
            "serial,status,hardware_kind,manufacturer,model_name,owning_tenant,tenant,storage_site,purchase_date",
            "S1,stored,device,Cisco,C9300,Owner,User,DC1,2024-02-01",
            "netbox-inventory",
            {"serial_number": "S1", "product": "C9300", "client": "User", "site": "DC1", "purchased_on": "2024-02-01"},
        ),
        (
            "item Name,Company,Model name,Manufacturer,Model Number,Serial,Asset Tag,Location,Purchase Date",
            "host,Acme,Latitude 7420,Dell,P135G,S1,T1,Austin,2024-02-01",
            "snipe-it",
            {"name": "host", "client": "Acme", "product": "Latitude 7420", "part_number": "P135G", "site": "Austin"},
        ),
        (
            "Asset Name,Company,Model,Model No.,Serial,Address,City,State,Country,Address,City,State",
            "host,Acme,Latitude 7420,P135G,S1,Kade 1,Austin,TX,US,,,",
            "snipe-it",
            {"name": "host", "product": "Latitude 7420", "serial_number": "S1"},
        ),
        (
            "Name,Description,Type,Make,Model,Serial,OS,Purchase Date,Location",
            "host,x,Laptop,Dell,Latitude,S1,Linux,2024-02-01,Austin",
            "itflow",
            {"manufacturer": "Dell", "product": "Latitude", "serial_number": "S1", "site": "Austin"},
        ),
        (
            "id,sn,barcode,model,model_str,hostname",
            "1,S1,T1,7,EMC,host",
            "ralph",
            {"serial_number": "S1", "product": "EMC"},
        ),
    ],
)
def test_the_columns_of_other_systems_are_recognised(opened, header, row, dialect, wanted):
    sheet = opened(f"{header}\n{row}\n")
    assert sheet.dialect == dialect
    assert cells(sheet)[0].items() >= wanted.items()
    assert "state" not in cells(sheet)[0]


def test_a_named_format_is_taken_at_its_word(opened):
    sheet = opened("serial,company\nA1,Acme\n", dialect="snipe-it")
    assert cells(sheet) == [{"serial_number": "A1", "client": "Acme"}]


# --- JSON lines -----------------------------------------------------------------------------------------------------


def test_json_lines_are_rows_and_each_may_name_other_members(opened):
    sheet = opened(
        '{"serial_number": "A1", "name": null, "colour": "red"}\n\n{"Name": " two ", "serial_number": 42}\n'
        '{"serial_number": "A3", "ownership": "msp", "tags": ["a", "b"]}\n',
        "units.jsonl",
    )
    assert cells(sheet) == [
        {"serial_number": "A1"},
        {"serial_number": "42", "name": "two"},
        {"serial_number": "A3", "ownership": "msp"},
    ]
    assert [row.line for row in sheet.rows()] == [1, 3, 4]
    assert sheet.warnings == ["Members that are not read: colour, tags."]
    assert (sheet.total, sheet.dialect) == (3, "tracker")


def test_json_lines_are_known_by_their_first_sign_too(opened):
    assert cells(opened('\n{"serial_number": "A1"}\n', "units.txt")) == [{"serial_number": "A1"}]


def test_lists_and_flags_of_json_are_the_text_of_a_cell(opened):
    line = (
        '{"contract_number": "W", "kind": "insurance", "starts_on": "2024-01-01", '
        '"covers": ["parts", "labour"], "grace_is_covered": true}'
    )
    assert cells(opened(line, "c.jsonl", Kind.CONTRACTS)) == [
        {
            "contract_number": "W",
            "kind": "insurance",
            "starts_on": "2024-01-01",
            "covers": "parts;labour",
            "grace_is_covered": "true",
        }
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("not json", "The line is no JSON."),
        ("[" * 100_000, "The line is no JSON."),
        ('{"serial_number": ' + "1" * 5_000 + "}", "The line is no JSON."),
        ("[1]", "The line is no JSON object: write one object a line."),
        ("1", "The line is no JSON object: write one object a line."),
        ('{"serial_number": "A1", "serial_number": "A2"}', "serial_number stands there twice."),
        ('{"serial_number": {"a": 1}}', "serial_number is neither text nor a number nor a list of texts."),
        ('{"serial_number": [1]}', "serial_number is neither text nor a number nor a list of texts."),
        ('{"name": "x"}', "The header lacks serial_number"),
    ],
    ids=range(9),
)
def test_a_json_line_that_is_no_row_is_refused_with_its_number(opened, line, said):
    sheet = opened('{"serial_number": "A1"}\n' + line + "\n", "units.jsonl")
    [(number, fault)] = faults(sheet)
    assert number == 2
    assert fault.startswith(said)


# --- The device-type library ----------------------------------------------------------------------------------------


def test_a_folder_of_the_library_gives_one_product_a_file(tmp_path):
    for name, text in {
        "Acme/M1.yaml": "manufacturer: Acme\nmodel: M1\npart_number: 0123\nports:\n  - name: eth0\n    model: no\n",
        "Acme/M2.yml": "manufacturer: 'Acme'\nmodel: \"M 2\"\npart_number: ~\ncomments: |\n  model: no\n",
        "Acme/bad.yaml": "manufacturer: [Acme\n",
        "Acme/.hidden.yaml": "manufacturer: Acme\nmodel: hidden\n",
        ".git/x.yaml": "manufacturer: Acme\nmodel: hidden\n",
        "README.md": "no",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    sheet = open_sheet(tmp_path, Kind.PRODUCTS)
    rows = list(sheet.rows())
    assert sheet.total == 3
    assert [(row.file, row.cells) for row in rows if not row.fault] == [
        ("Acme/M1.yaml", {"manufacturer": "Acme", "model": "M1", "part_number": "0123"}),
        ("Acme/M2.yml", {"manufacturer": "Acme", "model": "M 2"}),
    ]
    [bad] = [row for row in rows if row.fault]
    assert bad.file == "Acme/bad.yaml"
    assert bad.fault.startswith("The file is no YAML: ")
    assert bad.line == 2


def test_of_a_checkout_of_the_library_only_the_types_are_read(tmp_path):
    for folder in ("device-types", "module-types", "rack-types", "tests"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.yaml").write_text(f"manufacturer: Acme\nmodel: {folder}\n")
    rows = list(open_sheet(tmp_path, Kind.PRODUCTS).rows())
    assert [row.cells["model"] for row in rows] == ["device-types", "module-types"]


def test_a_large_file_of_the_library_is_refused_and_the_others_are_read(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"#" * (2**20 + 1))
    (tmp_path / "b.yaml").write_text("manufacturer: Acme\nmodel: M1\n")
    first, second = open_sheet(tmp_path, Kind.PRODUCTS).rows()
    assert first.fault == "The file is larger than 1 MB."
    assert second.cells["model"] == "M1"


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "- " * 100_000, "a: b: c", "model: a\nmodel: b\n", "\x00", "\xff".encode("latin-1")],
    ids=["flow", "block", "colons", "twice", "zero", "latin"],
)
def test_yaml_that_is_none_is_refused_at_once(text):
    with pytest.raises(yaml.YAMLError):
        top_level_texts(text if isinstance(text, bytes) else text.encode())


def test_yaml_makes_no_object_and_multiplies_no_alias():
    bomb = "a: &a [x, x]\n" + "".join(f"b{i}: &b{i} [*a, *a]\n" for i in range(50))
    text = f"{bomb}object: !!python/object/apply:os.system ['false']\nmodel: !!int 012\nmanufacturer: *a\n"
    found = top_level_texts(text.encode())
    assert found["model"] == "012"
    assert found["manufacturer"] == ""
    assert "object" not in found


# --- Cells ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-02-29", date(2024, 2, 29)),
        ("2024/2/9", date(2024, 2, 9)),
        ("2024-02-29T10:00:00Z", date(2024, 2, 29)),
        ("2024-02-29 10:00", date(2024, 2, 29)),
        ("29.02.2024", date(2024, 2, 29)),
        ("3.2.24", date(2024, 2, 3)),
        ("1/23/23", date(2023, 1, 23)),
        ("23/1/2023", date(2023, 1, 23)),
        ("05/05/2023", date(2023, 5, 5)),
        ("5/05/2023", date(2023, 5, 5)),
        ("23 Jan 2023", date(2023, 1, 23)),
        ("23-jan-98", date(1998, 1, 23)),
        ("January 23, 2023", date(2023, 1, 23)),
        ("9999-12-31", date(9999, 12, 31)),
    ],
)
def test_a_day_is_read_in_every_form_that_means_one_day(text, day):
    assert columns.read_day("purchased_on", text) == day


@pytest.mark.parametrize("text", ["4/5/16", "04-05-2016", "12/11/2025"])
def test_a_day_that_may_be_the_other_way_round_is_refused(text):
    with pytest.raises(Invalid, match="the day or the month may come first"):
        columns.read_day("purchased_on", text)


@pytest.mark.parametrize(
    "text", ["45123", "2024-02-30", "0000-00-00", "31 Foo 2024", "soon", "2024-1-1-1", "13/13/2024"]
)
def test_what_is_no_day_is_refused(text):
    with pytest.raises(Invalid, match=r"is no day; write it as 2026-03-31"):
        columns.read_day("purchased_on", text)


def test_words_are_read_in_any_case_and_with_blanks():
    assert columns.read_word("ownership", "MSP", Ownership) is Ownership.MSP
    assert columns.read_words("c", "Disk; psu ;", Component) == (Component.DISK, Component.PSU)
    with pytest.raises(Invalid, match="ownership 'ours' is none of client, msp, leased, loaner"):
        columns.read_word("ownership", "ours", Ownership)


def test_counts_flags_and_times_are_read_or_refused():
    assert columns.read_count("grace_days", "30") == 30
    assert [columns.read_flag("f", text) for text in ("TRUE", "yes", "0")] == [True, True, False]
    assert columns.read_time("checked_at", "2026-03-01T02:00:00Z").isoformat() == "2026-03-01T02:00:00+00:00"
    for read, text in (
        (columns.read_count, "-1"),
        (columns.read_count, "1.5"),
        (columns.read_count, "٣"),
        (columns.read_count, "1" * 16),
        (columns.read_flag, "maybe"),
        (columns.read_time, "yesterday"),
        (columns.read_time, "2026-03-01T02:00:00"),
    ):
        with pytest.raises(Invalid):
            read("column", text)


def test_the_row_at_hand_is_all_that_a_table_keeps(opened):
    sheet = opened("serial_number,name\n" + "".join(f"S{number},{'x' * 50}\n" for number in range(20_000)))
    tracemalloc.start()
    try:
        for _ in sheet.rows():
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000  # the file has more than a million bytes
