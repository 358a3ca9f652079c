"""What a message says, however badly it is written: nothing that anybody may send breaks the reading, or takes long."""

from __future__ import annotations

import pytest

from vendors.mail import MAX_NESTING, read

NESTED = b"".join(
    b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (depth, depth) for depth in range(1_000)
)
HOSTILE = {
    "nothing": b"",
    "no head": b"\r\n\r\nhello",
    "no text": b"\xff\xfe\x00\x00" * 1_000,
    "parts in parts": NESTED + b"x",
    "mails in mails": b"Content-Type: message/rfc822\r\n\r\n" * 1_000 + b"x",
    "no end": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello',
    "no boundary": b"Content-Type: multipart/mixed\r\n\r\nhello",
    "brackets": b"Content-Type: text/html\r\n\r\n" + b"<a " * 60_000,
    "comments": b"Content-Type: text/html\r\n\r\n" + b"<!--" * 60_000,
    "a slow charset": b"Content-Type: text/plain; charset=idna\r\n\r\n" + b"a" * 200_000,
    "a charset that is none": b"Content-Type: text/plain; charset=gbfoo\r\n\r\nhello",
    "bad base64": b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n=====\r\nabc",
    "odd headers": b"Subject: =?utf-8?B?////?=\r\nFrom: =?nope?Q?=FF?=\r\nDate: 32 Foo 99999\r\n\r\nhello",
    "raw headers": b"Subject: \xe4\xf6\xfc\r\nMessage-ID: <\xff@x>\r\n\r\nhello",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_messages_are_read_for_what_they_are(what: str) -> None:
    letter = read(HOSTILE[what])
    assert len(letter.text) <= 200_000
    assert letter.answers == ()
    assert letter.undelivered == ""


def test_of_a_message_that_is_built_to_hurt_the_head_is_read() -> None:
    assert MAX_NESTING < 1_000
    assert read(b"Subject: [FAULT-1]\r\n" + NESTED).subject == "[FAULT-1]"


def test_headers_that_come_twice_are_all_read_for_what_they_answer() -> None:
    raw = b"In-Reply-To: <a@x>\r\nIn-Reply-To: <b@x>\r\nReferences: <c@x>\r\n <d@x>\r\n\r\nhello"
    assert read(raw).answers == ("<a@x>", "<b@x>", "<d@x>", "<c@x>")


@pytest.mark.parametrize(
    ("head", "is_automatic"),
    [
        ("Auto-Submitted: auto-replied (vacation)", False),
        ("Auto-Submitted: auto-replied; owner-email=x", True),
        ("Auto-Submitted: no", False),
        ("Auto-Submitted: auto-generated", False),
        ("X-Autoreply: yes", True),
        ("X-Autorespond: yes", True),
        ("Precedence: bulk", True),
        ("Precedence: first-class", False),
        ("Subject: Out of Office: re", True),
        ("Subject: Automatische Antwort: re", True),
        ("Subject: Abwesenheitsnotiz", True),
        ("Subject: the automatic reply of yesterday", False),
    ],
)
def test_what_no_person_wrote_is_told_by_its_head(head: str, is_automatic: bool) -> None:  # noqa: FBT001 -- a row of the table
    assert read(f"{head}\r\n\r\nhello".encode()).is_automatic is is_automatic


@pytest.mark.parametrize(
    "history",
    [
        "On Tue, 24 Nov 2026 at 14:00, a@b wrote:\nold",
        "Am 24.11.2026 um 14:00 schrieb a@b:\nold",
        "-----Original Message-----\nold",
        "________________________________\nold",
        "From: a@b\nSent: Tuesday\nold",
        "Von: a@b\nGesendet: Dienstag\nold",
        "-- \nold",
        "> old\n> older",
    ],
)
def test_the_history_below_an_answer_is_cut_off(history: str) -> None:
    assert read(f"Subject: x\n\nnew\n\n{history}\n".encode()).text == "new"


def test_where_nothing_is_new_all_of_it_is_kept() -> None:
    assert read(b"Subject: x\n\n> only this\n").text == "> only this"


def test_a_text_goes_before_a_page_and_an_attachment_is_none() -> None:
    parts = "--b\nContent-Type: text/html\n\n<p>page</p>\n--b\nContent-Type: text/plain\nContent-Disposition: attachment\n\nfile\n"
    raw = f'Content-Type: multipart/mixed; boundary="b"\n\n{parts}--b\nContent-Type: text/plain\n\ntext\n--b--\n'
    assert read(raw.encode()).text == "text"


def test_a_page_is_its_words() -> None:
    page = "<html><head><title>t</title></head><body><p>5 &lt; 6</p><script>x</script>a<br>b</blockquote></body></html>"
    assert read(f"Content-Type: text/html\n\n{page}".encode()).text == "5 < 6\na\nb"
