"""What becomes of one message: taken, refused, not taken, or nobody knows, at a real SMTP server."""

from __future__ import annotations

import contextlib
import datetime as dt
import smtplib
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.mail import Mailbox
from vendors import mail
from vendors.contract import MailServer
from vendors.mail import Fate
from warranty import config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MESSAGE = b"Subject: [F-1] news\r\n\r\nGood day,\r\n.\r\n..two dots\r\n"
SECRET = "Pa55-word-Canary"


def server(url: str) -> MailServer:
    found = config.load({"WARRANTY_MODE": "development", "SMTP_URL": url}).mail_server
    assert found is not None
    return found


def send(url: str, *, to: str = "mia@client.example", leaves: bool = True, deadline_s: float = 5.0) -> Any:
    return mail.send(
        server(url),
        MESSAGE,
        sender="warranty@msp.example",
        receiver=to,
        deadline_s=deadline_s,
        may_leave=lambda _rest_s: leaves,
    )


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of development make secrets where they are read."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with Mailbox() as made:
        yield made


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of `localhost` that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@contextmanager
def mute() -> Iterator[int]:
    """A server that takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_message_is_handed_over_as_it_is_lines_of_one_dot_too(box: Mailbox) -> None:
    outcome = send(box.url())

    assert outcome.fate is Fate.TAKEN
    (got,) = box.received
    assert (got.sender, got.receivers, got.content) == ("warranty@msp.example", ["mia@client.example"], MESSAGE)


@pytest.mark.parametrize(
    ("told", "fate"),
    [
        ({"on_rcpt": "550 5.1.1 nobody of this name"}, Fate.REFUSED),
        ({"on_rcpt": "450 4.2.1 come back later"}, Fate.NOT_TAKEN),
        ({"on_data": "554 5.7.1 this is spam"}, Fate.REFUSED),
        ({"on_data": "451 4.3.0 the disk is full"}, Fate.NOT_TAKEN),
        ({"hangs_up_at": "RCPT"}, Fate.NOT_TAKEN),
        ({"hangs_up_at": "DATA"}, Fate.UNKNOWN),
    ],
    ids=["no receiver", "not now", "spam", "disk full", "gone before the message", "gone after the message"],
)
def test_what_became_of_it_follows_from_where_the_server_stopped(
    box: Mailbox, told: dict[str, str], fate: Fate
) -> None:
    for name, value in told.items():
        setattr(box, name, value)

    outcome = send(box.url())

    assert outcome.fate is fate
    for said in told.values():
        assert said in outcome.said or said in {"RCPT", "DATA"}


def test_where_nobody_listens_nothing_was_taken() -> None:
    with mute() as port:
        pass

    assert send(f"smtp://localhost:{port}").fate is Fate.NOT_TAKEN


def test_a_server_that_says_nothing_costs_no_more_than_the_deadline() -> None:
    with mute() as port:
        outcome = send(f"smtp://127.0.0.1:{port}", deadline_s=0.2)

    assert outcome.fate is Fate.NOT_TAKEN


def test_what_may_not_leave_at_the_last_moment_does_not_leave(box: Mailbox) -> None:
    assert send(box.url(), leaves=False) is None
    assert box.received == []


def test_no_address_says_a_second_command(box: Mailbox) -> None:
    send(box.url(), to="mia@client.example>\r\nRCPT TO:<eve@evil.example")

    assert [got.receivers for got in box.received] in ([], [["mia@client.example"]])


def test_an_international_address_needs_a_server_that_takes_it() -> None:
    with Mailbox(utf8=True) as able, Mailbox(utf8=False) as unable:
        taken = send(able.url(), to="jürgen@client.example")
        refused = send(unable.url(), to="jürgen@client.example")

        assert taken.fate is Fate.TAKEN
        assert able.received[0].receivers == ["jürgen@client.example"]
        assert refused.fate is Fate.REFUSED
        assert "outside ASCII" in refused.said


def test_who_must_sign_in_does_and_no_answer_repeats_the_password(box: Mailbox) -> None:
    box.users = {"us": SECRET}

    right = send(box.url(login=f"us:{SECRET}"))
    wrong = send(box.url(login=f"us:not-{SECRET}"))

    assert right.fate is Fate.TAKEN
    assert box.received[0].username == "us"
    assert wrong.fate is Fate.NOT_TAKEN
    assert "535" in wrong.said
    assert SECRET not in wrong.said


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_an_encrypted_way_is_taken(certificate: Path, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    made = Mailbox(users={"us": SECRET}, tls=server_side(certificate), implicit_tls=scheme == "smtps")
    with made as box:
        outcome = send(box.url(scheme, f"us:{SECRET}"))

        assert outcome.fate is Fate.TAKEN, outcome.said
        assert box.received[0].content == MESSAGE


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_a_certificate_that_nobody_vouches_for_gets_no_password(certificate: Path, scheme: str) -> None:
    made = Mailbox(users={"us": SECRET}, tls=server_side(certificate), implicit_tls=scheme == "smtps")
    with made as box:
        outcome = send(box.url(scheme, f"us:{SECRET}"))

        assert outcome.fate is Fate.NOT_TAKEN
        assert (box.logins, box.received) == ([], [])


def test_where_starttls_is_wanted_and_not_there_nothing_goes_in_the_clear(box: Mailbox) -> None:
    box.users = {"us": SECRET}

    outcome = send(box.url("smtp+starttls", f"us:{SECRET}"))

    assert outcome.fate is Fate.NOT_TAKEN
    assert (box.logins, box.received) == ([], [])


# --- the setting ---


def faults(**environment: str) -> list[str]:
    with pytest.raises(config.SettingsError) as err:
        config.load({"WARRANTY_MODE": "development", **environment})
    return err.value.faults


@pytest.mark.parametrize(
    "url", ["mail.example", "http://mail.example", "smtp://", "smtp://host:port", "smtp://h:99999"]
)
def test_an_address_that_is_none_is_refused_at_the_start(url: str) -> None:
    assert "SMTP_URL is none" in faults(SMTP_URL=url)[0]


def test_a_password_in_the_clear_is_refused_but_to_this_machine() -> None:
    assert "in the clear" in faults(SMTP_URL=f"smtp://us:{SECRET}@mail.example")[0]
    assert SECRET not in faults(SMTP_URL=f"smtp://us:{SECRET}@mail.example")[0]
    assert server(f"smtp://us:{SECRET}@localhost").password == SECRET


def test_names_and_passwords_may_hold_any_sign_and_ports_follow_the_scheme() -> None:
    found = server("smtps://us%40msp.example:p%3A%2F%20@mail.example")

    assert (found.username, found.password, found.port) == ("us@msp.example", "p:/ ", 465)
    assert server("smtp+starttls://mail.example").port == 587


def test_mails_are_from_this_host_unless_told_otherwise() -> None:
    def sender(**environment: str) -> str:
        return config.load({"WARRANTY_MODE": "development", **environment}).mail_from

    assert sender() == "warranty@localhost"
    assert sender(WARRANTY_BASE_URL="https://desk.msp.example") == "warranty@desk.msp.example"
    assert sender(WARRANTY_MAIL_FROM="support@msp.example") == "support@msp.example"
    assert "one mail address" in faults(WARRANTY_MAIL_FROM="Support <support@msp.example>")[0]


def test_a_message_whose_time_has_run_out_does_not_leave(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.monotonic() + 10
    box.when_asked = lambda: monkeypatch.setattr(time, "monotonic", lambda: later)
    outcome = send(box.url())
    assert (outcome.fate, "run out" in outcome.said, box.received) == (Fate.NOT_TAKEN, True, [])


def test_a_line_that_is_closed_already_is_given_up() -> None:
    with pytest.raises(smtplib.SMTPServerDisconnected):
        mail._within(smtplib.SMTP(), time.monotonic() + 5)


# --- reading a mailbox ---

GREETING = b"* OK [CAPABILITY IMAP4rev1] ready"
ANSWERS = {
    "CAPABILITY": [b"* CAPABILITY IMAP4rev1"],
    "LOGIN": [],
    "EXAMINE": [b"* OK [UIDVALIDITY 7] numbered"],
    "UID SEARCH": [b"* SEARCH 4 9"],
    "LOGOUT": [b"* BYE"],
}


@contextmanager
def imap(answers: dict[str, Any] | None = None, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that says what it is told: untagged lines for a command, or the word of its answer (`NO gone`)."""
    told = ANSWERS | (answers or {})

    def serve(connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as wire:
            wire.write(GREETING + b"\r\n")
            wire.flush()
            while line := wire.readline():
                tag, _, rest = line.decode().strip().partition(" ")
                name = next((one for one in told if rest.startswith(one)), "")
                says = told.get(name, "BAD what?")
                if says is None:
                    return
                lines = says if isinstance(says, list) else []
                word = says if isinstance(says, str) else "OK done"
                wire.write(b"".join(one + b"\r\n" for one in lines) + f"{tag} {word}\r\n".encode())
                wire.flush()

    def accept() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listening.accept()
            serve(tls.wrap_socket(connection, server_side=True) if tls else connection)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"localhost:{listening.getsockname()[1]}"
    thread.join(5)


def mailbox(where: str, scheme: str = "imap", login: str = "us:them@", deadline_s: float = 5.0) -> mail.Mailbox:
    found = config.load({"WARRANTY_MODE": "development", "IMAP_URL": f"{scheme}://{login}{where}"}).mailbox_server
    assert found is not None
    return mail.Mailbox(found, deadline_s=deadline_s)


def trouble(box: mail.Mailbox) -> mail.MailboxTrouble:
    with pytest.raises(mail.MailboxTrouble) as caught, box:
        list(box.headers(box.newer(3, dt.date(2026, 11, 5))))
    return caught.value


def test_a_mailbox_gives_what_is_above_the_last_uid_and_its_numbering() -> None:
    with imap() as where, mailbox(where) as box:
        assert (box.validity, box.newer(4, dt.date(2026, 11, 5)), box.is_late) == ("7", [9], False)


def test_a_uid_may_stand_behind_the_text_and_what_has_none_is_left_out() -> None:
    fetched = [
        b"* 1 FETCH (BODY[] {3}\r\nabc UID 4)",
        b"* 2 FETCH (FLAGS (\\Seen))",
        b"* 3 FETCH (BODY[] {3}\r\ndef FLAGS ())",
    ]
    with imap({"UID FETCH": fetched}) as where, mailbox(where) as box:
        assert (box.message(4), box.message(5)) == (b"abc", None)


def test_a_mailbox_over_tls_is_one_whose_certificate_holds(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with imap(tls=server_side(certificate)) as where:
        said = trouble(mailbox(where, "imaps"))
    assert ("certificate" in str(said).lower(), said.is_refused) == (True, False)

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with imap(tls=server_side(certificate)) as where, mailbox(where, "imaps") as box:
        assert box.validity == "7"


@pytest.mark.parametrize(
    ("told", "scheme", "login", "words", "is_refused"),
    [
        ({"LOGIN": "NO wrong password"}, "imap", f"us:{SECRET}@", "wrong password", True),
        ({"EXAMINE": "NO no such mailbox"}, "imap", "us:them@", "no such mailbox", True),
        ({"UID SEARCH": "NO busy"}, "imap", "us:them@", "busy", False),
        ({"UID SEARCH": "BAD what"}, "imap", "us:them@", "what", False),
        ({"UID SEARCH": None}, "imap", "us:them@", "", False),
        ({"LOGIN": None}, "imap", "us:them@", "", False),
        ({}, "imap+starttls", "us:them@", "TLS", False),
        ({}, "imap", "us:gr%C3%B6%C3%9Fer@", "Unicode", False),
    ],
)
def test_a_mailbox_that_cannot_be_read_says_why_without_what_we_signed_in_with(
    told: dict[str, Any], scheme: str, login: str, words: str, *, is_refused: bool
) -> None:
    with imap(told) as where:
        said = trouble(mailbox(where, scheme, login))
    assert words in str(said)
    assert SECRET not in str(said)
    assert said.is_refused is is_refused


def test_a_mailbox_that_says_nothing_is_given_up_in_time() -> None:
    with mute() as port:
        said = trouble(mailbox(f"localhost:{port}", deadline_s=0.2))
    assert not said.is_refused
    assert "run out" in str(trouble(mailbox("localhost:9", deadline_s=0.0)))


@pytest.mark.parametrize(
    "url", ["smtp://us@localhost", "imap://", "imap://localhost", "imaps://us@h/%0a", "imap://us:them@mail.example"]
)
def test_an_address_of_a_mailbox_is_read_and_refused_where_it_is_none(url: str) -> None:
    with pytest.raises(config.SettingsError, match="IMAP_URL"):
        config.load({"WARRANTY_MODE": "development", "IMAP_URL": url})


def test_a_server_is_greeted_without_a_message(box: Mailbox) -> None:
    found = mail.try_to_send(server(box.url()), sender="warranty@msp.example", deadline_s=5)
    assert (found.fate, box.received) == (Fate.TAKEN, [])
    box.users["us"] = "them"
    refused = mail.try_to_send(server(box.url(login=f"us:{SECRET}")), sender="warranty@msp.example", deadline_s=5)
    assert (refused.fate, refused.code, SECRET in refused.said) == (Fate.NOT_TAKEN, 535, False)
