"""Envelopes: what is written can be read, and a hostile one is noticed before it is in memory."""

from __future__ import annotations

import pytest

from vendors import soap


def message(content: str) -> bytes:
    return f'<e:Envelope xmlns:e="{soap.NAMESPACE}"><e:Body>{content}</e:Body></e:Envelope>'.encode()


def test_what_is_written_is_read_again() -> None:
    fields = (("Outer", (("Text", 'a < b & "c" \N{SNOWMAN}'), ("Empty", ""), ("Some", (("One", "1"), ("One", "2"))))),)
    assert soap.content(soap.envelope("urn:x", fields).encode()) == {
        "Outer": {"Text": 'a < b & "c" \N{SNOWMAN}', "Empty": "", "Some": {"One": ["1", "2"]}}
    }


def test_what_xml_cannot_carry_becomes_a_space() -> None:
    written = soap.envelope("urn:x", (("Text", "a\x00b\ud800c\uffffd\te"),))
    assert soap.content(written.encode()) == {"Text": "a b c d\te"}


def test_a_path_leads_to_all_that_stand_there_and_a_text_is_one_alone() -> None:
    document = soap.content(message("<A><B><C>1</C></B><B><C> 2 </C></B><B>text</B><D><E/></D></A>"))
    assert soap.inside(document, "A", "B", "C") == ["1", "2"]
    assert [soap.text(document, *path) for path in (("A", "D", "E"), ("A", "B", "C"), ("A", "D"), ("F",))] == [""] * 4


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no element"),
        (b"<a>", "no element"),
        (b"<a/>x", "junk"),
        (b"\xff\xfe\x00", "token|well-formed"),
        (b'<?xml version="1.0" encoding="martian"?><a/>', "unknown encoding"),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "encoding"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>', "document type"),
        (b"<a>text</a>", "not an envelope"),
        (b"<Envelope><Body><a/></Body></Envelope>", "not an envelope"),
        (message(""), "not an envelope"),
        (message("<a>" * 40), "nested too deeply"),
        (message("<a/>" * soap.MAX_ELEMENTS), "more than 100000 elements"),
    ],
    ids=range(13),
)
def test_what_is_no_envelope_is_a_value_error_that_says_why(body: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        soap.content(body)
