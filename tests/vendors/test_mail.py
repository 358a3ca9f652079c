"""What becomes of one message: taken, refused, not taken, or nobody knows, at a real SMTP server."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
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
