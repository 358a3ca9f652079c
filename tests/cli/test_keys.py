"""Keys that secrets are kept with, changed by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.conftest import Shell
from warranty import db
from warranty.crypto import SecretBox
from warranty.models import VendorAccount

if TYPE_CHECKING:
    from warranty.runtime import Runtime

NEW = "N" * 43 + "="
ACCOUNT = ("servicenow", "--name", "Desk", "--base-url", "http://127.0.0.1:9", "--secret", "username=us")


def test_an_old_key_is_taken_out_once_nothing_stands_under_it(
    warranty: Shell, runtime: Runtime, environment: dict[str, str]
) -> None:
    warranty.says("vendor", "add", *ACCOUNT, "--secret", "password=them")
    both = ",".join([NEW, *runtime.settings.encryption_keys])
    rotating = Shell(environment | {"WARRANTY_ENCRYPTION_KEYS": both})
    said = rotating("doctor").output
    assert (
        "1 of 1 secrets are still under an older encryption key. -> Before it is taken out: warranty keys rotate"
        in said
    )

    assert rotating.gives("keys", "rotate") == {"secrets": 1, "resealed": 1, "under_old_keys": 0}

    assert "may be taken out of WARRANTY_ENCRYPTION_KEYS" in rotating.says("keys", "rotate")
    alone = Shell(environment | {"WARRANTY_ENCRYPTION_KEYS": NEW})
    assert alone.gives("vendor", "show", "Desk")["secrets_set"] == ["password", "username"]
    with runtime.database.read(db.EVERYBODY) as session:
        sealed = session.query(VendorAccount).one().secrets
    assert SecretBox([NEW]).open(sealed) == {"username": "us", "password": "them"}
    assert "No key of WARRANTY_ENCRYPTION_KEYS opens the secrets of the vendor account Desk" in warranty.refuses(
        "keys", "rotate"
    )


def test_secrets_whose_key_is_lost_are_given_anew(warranty: Shell, environment: dict[str, str]) -> None:
    warranty.says("vendor", "add", *ACCOUNT, "--secret", "password=them")
    other = Shell(environment | {"WARRANTY_ENCRYPTION_KEYS": NEW})
    change = ("vendor", "change", "Desk", "--reason", "The key is lost.", "--secret", "username=us")
    assert "servicenow needs username and password" in other.refuses(*change)

    other.says(*change, "--secret", "password=another")

    assert other.gives("vendor", "show", "Desk")["secrets_set"] == ["password", "username"]
