"""E-mail: the contract by mail, what is written, what is read of an answer, and that nothing in the mailbox is lost or hurt."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.vendors.contract import ByMail
from tests.vendors.host import REQUEST, Host
from tests.vendors.promise import Promised
from tests.vendors.replay import RECORDED
from vendors.contract import Promise, VendorCase, VendorFile, VendorStatus
from vendors.errors import Trouble, VendorError
from vendors.mail import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vendors.sandbox import Twin

OPTIONS = {"to": "rma@vendor.example", "reply_to": "rma@msp.example"}
AGAIN = replace(REQUEST, vendor_case_number="00451", denials=2)


def letter(name: str) -> bytes:
    return (RECORDED / "email" / f"{name}.eml").read_bytes()


def said(raw: bytes) -> Sequence[VendorCase]:
    return Host("email", OPTIONS, None).adapter.parse_webhook(raw)


class TestEmail(ByMail):
    """An account by mail."""

    vendor = "email"
    options = OPTIONS
    base_url = None

    # -- out

    def test_a_mail_is_plain_text_from_us_and_its_answer_goes_to_the_mailbox(self, twin: Twin) -> None:
        self.with_servers(twin).adapter.open_case(replace(REQUEST, symptom="geht nicht: größer, 東京"))
        (sent,) = twin.play("email").taken
        assert (sent["From"], sent["To"], sent["Reply-To"]) == (self.SENDER, "rma@vendor.example", "rma@msp.example")
        assert sent["Message-ID"] == "<rma.FAULT-000412@msp.example>"
        assert (sent.get_content_type(), sent.get_content_charset()) == ("text/plain", "utf-8")
        assert "Fault: geht nicht: größer, 東京" in sent.get_content()
        assert twin.opened[0]["record"]["from"] == "rma@msp.example"  # what bounces goes to the mailbox too

    def test_text_of_a_reporter_makes_no_header(self, twin: Twin) -> None:
        hostile = "x\r\nBcc: everybody@client.example\r\n\r\nX: \x00\x1b \ud800"
        request = replace(REQUEST, symptom=hostile, product_name=hostile, manufacturer=hostile)
        self.with_servers(twin).adapter.open_case(request)
        (sent,) = twin.play("email").taken
        assert sent["Bcc"] is None
        assert twin.opened[0]["record"]["to"] == ["rma@vendor.example"]
        assert "\x00" not in sent.get_content()

    def test_a_denied_claim_is_sent_again_in_the_same_thread_with_its_case(self, twin: Twin) -> None:
        adapter = self.with_servers(twin).adapter
        adapter.open_case(REQUEST)
        case = adapter.open_case(AGAIN)
        adapter.open_case(replace(AGAIN, vendor_case_number=None))  # denied before anybody gave it a number
        first, second, third = twin.play("email").taken
        assert third["Message-ID"] == second["Message-ID"] != first["Message-ID"]
        assert (second["In-Reply-To"], second["References"]) == (first["Message-ID"], first["Message-ID"])
        assert second["Message-ID"] == "<rma.FAULT-000412.2@msp.example>"
        assert second["Subject"] == f"Re: {first['Subject']}"
        assert "Your case is 00451." in second.get_content()
        assert (case.vendor_case_number, case.status) == ("00451", VendorStatus.RECEIVED)

    def test_files_go_with_the_claim_whatever_they_are_called(self, twin: Twin) -> None:
        files = (
            VendorFile("led\r\nX: 1.jpg", "image/jpeg", b"1234"),
            VendorFile("log", "no type", b"5"),
            VendorFile("mail", "message/rfc822", b"6"),
        )
        host = self.with_servers(twin)
        host.adapter.open_case(replace(REQUEST, files=files))
        (sent,) = twin.play("email").taken
        attached = [
            (part.get_content_type(), part.get_filename(), part.get_content()) for part in sent.iter_attachments()
        ]
        assert attached == [
            ("image/jpeg", "led X: 1.jpg", b"1234"),
            ("application/octet-stream", "log", b"5"),
            ("application/octet-stream", "mail", b"6"),
        ]
        assert "4 bytes" in host.kept

    def test_files_that_no_mail_takes_are_refused_before_anything_is_sent(self, twin: Twin) -> None:
        large = VendorFile("disk.img", "application/octet-stream", bytes(7_000_001))
        error = self.fails(self.with_servers(twin), replace(REQUEST, files=(large, large)))
        assert (error.trouble, error.vendor_code) == (Trouble.REFUSED, "too_large")
        assert twin.opened == []

    def test_who_is_told_that_repeats_are_recognised_promises_more(self) -> None:
        able = self.able(options={"recognises_repeats": "true"})
        assert able.promise is Promise.A
        assert able.key_lifetime_s > 86_400
        with pytest.raises(VendorError, match="ask there"):
            self.host().adapter.find_case(REQUEST)

    @pytest.mark.parametrize(
        ("name", "value"),
        [("to", "rma@vendor.example, else@vendor.example"), ("to", "x\r\nBcc: y@z"), ("reply_to", "Name <a@b>")],
    )
    def test_an_address_is_one_address(self, name: str, value: str) -> None:
        with pytest.raises(VendorError, match=f"{name} is no single mail address"):
            self.host(options={name: value})

    def test_without_a_server_it_says_which_setting_is_missing(self) -> None:
        adapter = self.host().adapter
        adapter.check()
        with pytest.raises(VendorError, match="SMTP_URL"):
            adapter.open_case(REQUEST)
        with pytest.raises(VendorError, match="IMAP_URL"):
            adapter.pull(lambda _: None)

    def test_a_check_greets_both_servers_and_sends_nothing(self, twin: Twin) -> None:
        host = self.with_servers(twin)
        host.adapter.check()
        assert [record.method for record in host.records] == ["EHLO", "IMAP"]
        twin.stop()
        with pytest.raises(VendorError) as caught:
            host.adapter.check()
        assert caught.value.trouble is Trouble.UNREACHABLE

    def test_a_server_that_does_not_let_us_in_is_a_wrong_account(self, twin: Twin) -> None:
        # An address with a user, at a server that takes no such user.
        twin._stages["email"]._credentials = ("us", "them")
        twin.play("email")
        host = self.with_servers(twin)
        server = host.adapter._calls.smtp  # type: ignore[attr-defined] # the adapter's own
        locked = self.with_servers(twin, smtp=replace(server, username="us", password="wrong-password"))
        error = self.fails(locked)
        assert (error.trouble, error.vendor_code) == (Trouble.UNAUTHORISED, "535")
        assert "SMTP_URL" in error.detail
        assert "wrong-password" not in locked.kept

    def test_nothing_is_read_by_number(self) -> None:
        assert list(self.host().adapter.read_cases(["00451"])) == []

    # -- in

    def pulled(self, host: Host) -> list[bytes]:
        got: list[bytes] = []
        host.adapter.pull(got.append)
        return got

    def test_what_is_ours_is_fetched_once_and_the_rest_is_left_alone(self, twin: Twin) -> None:
        host, play = self.with_servers(twin), twin.play("email")
        ours = [play.lay(letter(name)) for name in ("reply", "reply_other_subject", "reply_token_only", "bounce")]
        play.lay(letter("foreign"))
        assert self.pulled(host) == ours
        assert self.pulled(host) == []
        assert self.pulled(host) == []
        newer = play.lay(letter("away"))
        assert self.pulled(host) == [newer]

    def test_an_empty_mailbox_gives_nothing(self, twin: Twin) -> None:
        host = self.with_servers(twin)
        assert self.pulled(host) == []
        assert host.tokens.kept is None

    def test_a_report_about_somebody_elses_message_is_left_alone(self, twin: Twin) -> None:
        twin.play("email").lay(letter("bounce").replace(b"rma.FAULT", b"rma.OTHER").replace(b"[FAULT", b"[OTHER"))
        assert self.pulled(self.with_servers(twin)) == []

    def test_what_could_not_be_stored_comes_again_and_what_was_does_not(self, twin: Twin) -> None:
        host, play = self.with_servers(twin), twin.play("email")
        first, second = play.lay(letter("reply")), play.lay(letter("away"))
        got: list[bytes] = []

        def store(raw: bytes) -> None:
            if got:
                raise ConnectionError
            got.append(raw)

        with pytest.raises(ConnectionError):
            host.adapter.pull(store)
        assert [*got, *self.pulled(host)] == [first, second]

    def test_a_mailbox_that_counts_anew_is_read_anew(self, twin: Twin) -> None:
        host, play = self.with_servers(twin), twin.play("email")
        ours = play.lay(letter("reply"))
        self.pulled(host)
        play.validity = 2
        assert self.pulled(host) == [ours]

    def test_of_a_huge_message_the_beginning_is_read(self, twin: Twin) -> None:
        twin.play("email").lay(letter("reply") + b"x" * MAX_MESSAGE_BYTES)
        (got,) = self.pulled(self.with_servers(twin))
        assert len(got) == MAX_MESSAGE_BYTES
        assert said(got)[0].rma_number == "R-88213"

    def test_whoever_has_no_time_left_comes_back_for_the_rest(
        self, twin: Twin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        host, play = self.with_servers(twin), twin.play("email")
        first, second = play.lay(letter("reply")), play.lay(letter("away"))
        got: list[bytes] = []

        def store(raw: bytes) -> None:
            """Take a message, and most of the five seconds with it."""
            got.append(raw)
            monkeypatch.setattr(time, "monotonic", lambda now=time.monotonic: now() + 4.0)

        host.adapter.pull(store)
        monkeypatch.undo()
        assert got == [first]
        assert self.pulled(host) == [second]


class TestThePromiseByMail(Promised):
    """Class C: at most one mail, and a person is told."""

    vendor = "email"
    options = OPTIONS
    base_url = None


# -- what an answer says


def test_numbers_and_a_parcel_are_proposed_and_the_words_are_kept() -> None:
    (case,) = said(letter("reply"))
    assert (case.client_reference, case.is_proposal, case.status) == ("FAULT-000412", True, VendorStatus.UNKNOWN)
    assert (case.vendor_case_number, case.rma_number) == ("00451-A", "R-88213")
    assert [(one.carrier, one.tracking_number) for one in case.shipments] == [("UPS", "1Z999AA10123456784")]
    (note,) = case.notes
    assert (note.note_id, note.is_news) == ("<20261124.1@vendor.example>", True)
    assert note.at is not None
    assert note.at.isoformat() == "2026-11-24T14:04:05+00:00"
    assert note.text.startswith("Good afternoon")
    assert "R-00000" not in note.text


def test_another_subject_still_matches_by_the_thread_and_a_page_is_read_as_text() -> None:
    (case,) = said(letter("reply_other_subject"))
    assert case.client_reference == "FAULT-000412"
    assert (case.rma_number, case.vendor_case_number) == ("R-4711", "2026-00077")
    assert "für das Gerät" in case.notes[0].text
    assert "color" not in case.notes[0].text


def test_a_token_in_the_subject_is_enough() -> None:
    (case,) = said(letter("reply_token_only"))
    assert (case.client_reference, case.rma_number, case.alarm) == ("FAULT-000412", None, "")
    assert case.notes[0].text == "Which firmware does it run?"


@pytest.mark.parametrize("name", ["away", "late"])
def test_what_a_program_answers_is_kept_and_is_no_news(name: str) -> None:
    (case,) = said(letter(name))
    assert (case.rma_number, case.alarm) == (None, "")
    assert [note.is_news for note in case.notes] == [False]


@pytest.mark.parametrize(
    ("name", "words"), [("bounce", "550 5.1.1 no such user here"), ("bounce_in_prose", "no mailbox")]
)
def test_a_bounce_says_that_the_claim_did_not_arrive(name: str, words: str) -> None:
    (case,) = said(letter(name))
    assert case.alarm.startswith("The claim did not arrive at rma@vendor.example")
    assert words in case.alarm


@pytest.mark.parametrize("name", ["loop", "foreign"])
def test_our_own_message_and_other_peoples_say_nothing(name: str) -> None:
    assert said(letter(name)) == ()


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("RMA#: 12345", ["12345"]),
        ("Your RMA is R/2026/7.", ["R/2026/7"]),
        ("return authorization no. AB-12-CD", ["AB-12-CD"]),
        ("RMA 4711 and RMA 4712, RMA 4711", ["4711", "4712"]),
        ("the RMA request of 2026-11-24", [None]),
        ("RMA number: 24.11.2026", [None]),
        ("RMA: FAULT-000412", [None]),
        ("RMA number follows; RMA procedures 9", [None]),
        ("in any case 123456 of them", [None]),
    ],
)
def test_a_number_is_read_where_a_label_announces_it(words: str, numbers: list[str | None]) -> None:
    raw = f"Subject: [FAULT-000412]\r\n\r\n{words}\r\n".encode()
    assert [case.rma_number for case in said(raw)] == numbers
    assert {case.vendor_case_number for case in said(raw)} == {None}


def test_a_label_for_the_way_back_is_no_parcel_to_us() -> None:
    raw = b"Subject: [FAULT-000412]\r\n\r\nReturn label, tracking number: 1Z999AA10123456784\r\n"
    assert said(raw)[0].shipments == ()
