"""Faults, cases, claims, jobs and review items by hand."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tests import factories
from tests.cli.conftest import Shell, table
from tests.desk import make_unit, odd_adapters
from warranty import db
from warranty.domain.access import OPERATOR
from warranty.domain.terms import CoverageKind, Fulfilment, ServiceLevel, Share
from warranty.models import Fault
from warranty.runtime import Runtime
from warranty.services import files

FAULT = ("--cause", "hardware_failure", "--component", "disk", "--symptom", "Predictive failure")


@pytest.fixture
def estate(warranty: Shell, runtime: Runtime) -> Shell:
    """A client with a unit under warranty, one that nothing covers, and one that nobody can say anything of."""
    with runtime.database.begin(db.EVERYBODY) as session:
        factories.make_account(session, runtime)
        client = factories.make_client(session, "Town Hall")
        covered, _, unknown = (factories.make_asset(session, client, serial) for serial in ("COV1", "BARE1", "WHO1"))
        factories.make_coverage(session, covered)
        unknown.absence_attested = False
    return warranty


def report(shell: Shell, serial: str) -> Any:
    return shell.gives("fault", "report", serial, *FAULT)


# --- cases ---


def test_a_case_is_found_by_its_reference_its_claims_and_its_id(estate: Shell) -> None:
    made = report(estate, "COV1")
    assert made["rma_id"] is not None

    shown = estate.gives("case", "show", made["reference"])

    assert shown["id"] == made["id"]
    assert shown["rma"] == estate.gives("rma", "show", made["client_reference"])
    assert shown["job"]["id"] == made["job_id"]
    assert [row["action"] for row in shown["timeline"]]
    assert estate.gives("case", "show", made["client_reference"].lower()) == shown
    assert estate.gives("case", "show", made["id"][:8]) == shown


def test_a_note_is_written_listed_and_told_in_the_timeline(estate: Shell) -> None:
    made = report(estate, "COV1")

    note = estate.gives("case", "note", made["reference"], "Slot 3.")
    refused = estate.refuses("case", "note", made["reference"], "Slot 3.", "--to-vendor")

    assert (note["way"], note["state"]) == ("internal", None)
    assert "no case yet" in refused
    assert [one["id"] for one in estate.gives("case", "notes", made["client_reference"])] == [note["id"]]
    assert "note      internal           Slot 3." in estate.says("case", "show", made["reference"])


def test_a_person_sees_verdict_claim_reasons_and_timeline(estate: Shell) -> None:
    made = report(estate, "COV1")

    said = estate.says("case", "show", made["reference"])

    assert "verdict          covered" in said or "partly_covered" in said
    assert f"rma.client_reference    {made['client_reference']}" in said
    assert made["reasons"][0]["code"] in said
    assert "rma       submitted" in said or "rma       draft" in said


def test_a_report_says_what_became_of_it(estate: Shell) -> None:
    said = estate.says("fault", "report", "BARE1", *FAULT)

    assert "not_covered  route ad_hoc" in said
    assert "  job: " in said


def test_cases_are_listed_and_narrowed(estate: Shell) -> None:
    first, second = report(estate, "COV1"), report(estate, "BARE1")

    assert [row["id"] for row in estate.gives("case", "list")] == [second["id"], first["id"]]
    assert [row["id"] for row in estate.gives("case", "list", "--state", "rma_open")] == [first["id"]]
    assert [row["id"] for row in estate.gives("case", "list", "-q", "bare")] == [second["id"]]
    assert [row["reference"] for row in table(estate.says("case", "list", "--client", "Town Hall"))] == [
        second["reference"],
        first["reference"],
    ]


def test_a_case_that_is_not_there_is_one_sentence(estate: Shell) -> None:
    assert "There is no case 'F-0000-0000': `warranty case list` shows" in estate.refuses("case", "show", "F-0000-0000")


# --- claims ---


def test_a_claim_is_listed_shown_and_moved(estate: Shell) -> None:
    made = report(estate, "COV1")
    [row] = table(estate.says("rma", "list", "--client", "Town Hall"))
    assert (row["client_reference"], row["fault"]) == (made["client_reference"], made["reference"])
    assert "no move" in estate.refuses("rma", "move", made["client_reference"], "closed", "--reason", "Over.")

    cancelled = estate.gives("rma", "move", made["client_reference"], "cancelled", "--reason", "Not ours.")

    assert cancelled["state"] == "cancelled"
    assert cancelled["timeline"][-1]["reason"]
    assert estate.gives("rma", "list", "--state", "cancelled")[0]["id"] == made["rma_id"]
    assert "timeline:" in estate.says("rma", "show", made["rma_id"])


def test_the_files_that_go_along_are_named_or_none(warranty: Shell, runtime: Runtime) -> None:
    with odd_adapters():
        with runtime.database.begin(db.EVERYBODY) as session:
            factories.make_account(session, runtime, "stocked")
            unit = make_unit(session, factories.make_client(session))
            factories.make_coverage(session, unit)
        made = report(warranty, unit.serial_number)
        with runtime.database.read(db.EVERYBODY) as session:
            fault, now = session.scalars(select(Fault)).one(), db.now(session)
        files.take(runtime, OPERATOR, fault, files.Upload(b"PSU 2: no power", "log.txt"), now=now)
        give = ("rma", "give", made["client_reference"])

        assert "There is no file 'led.jpg'" in warranty.refuses(*give, "--file", "led.jpg")
        assert "exclude each other" in warranty.refuses(*give, "--file", "log.txt", "--no-files")
        [id_] = warranty.gives(*give, "--file", "log.txt")["files"]
        assert warranty.gives(*give, "--file", id_[:8])["files"] == [id_]
        assert warranty.gives(*give, "--troubleshooting", "x")["files"] == [id_]
        assert warranty.gives(*give, "--no-files")["files"] == []


# --- jobs ---


def test_a_job_is_listed_shown_and_moved(estate: Shell) -> None:
    made = report(estate, "BARE1")
    [job] = estate.gives("job", "list", "--state", "draft")
    assert job["id"] == made["job_id"]
    assert "lines:" in estate.says("job", "show", job["reference"])
    assert estate.gives("job", "show", job["reference"]) == job

    moved = estate.gives("job", "move", job["reference"], "waived", "--reason", "Goodwill.")

    assert moved == job | {"state": "waived"}
    assert "no move" in estate.refuses("job", "move", job["reference"], "approved", "--reason", "Yes.")


# --- review items ---


def test_a_review_item_is_listed_shown_and_resolved(estate: Shell) -> None:
    made = report(estate, "WHO1")
    [item] = estate.gives("review", "list", "--client", "Town Hall", "--kind", "review")
    assert item["id"] == made["review_item_id"]
    assert estate.gives("review", "show", item["id"][:8]) == item

    fault = estate.gives("review", "resolve", item["id"][:8], "attest_absence", "--reason", "I looked.")

    assert (fault["verdict"], fault["route"]) == ("not_covered", "ad_hoc")
    assert estate.gives("review", "list") == []
    assert estate.gives("review", "list", "--settled")[0]["resolution"]
    again = ("review", "resolve", item["id"], "reject", "--reason", "No.")
    assert "settled" in estate.refuses(*again)


def test_an_unknown_serial_is_identified(estate: Shell) -> None:
    made = estate.gives("fault", "report", "C0V1", *FAULT, "--client", "Town Hall")

    fault = estate.gives(
        "review", "resolve", made["review_item_id"], "identify", "--asset", "cov1", "--reason", "A typo."
    )

    assert (fault["serial_number"], fault["state"]) == ("COV1", "rma_open")


def test_a_verdict_is_overridden_with_the_coverage_that_wins(estate: Shell, runtime: Runtime) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        client = factories.find_client(session, "Town Hall")
        unit = factories.make_asset(session, client, "OVR1")
        facts = {"kind": CoverageKind.MANUFACTURER_WARRANTY, "fulfilment": Fulfilment.VENDOR_RMA}
        coverage = factories.make_coverage(
            session, unit, covers=[Share.PARTS], service_level=ServiceLevel.UNKNOWN, **facts
        )
        wins = str(coverage.public_id)
    made = report(estate, "OVR1")
    item = made["review_item_id"]
    assert item is not None
    wish = (
        "--verdict",
        "partly_covered",
        "--parts",
        wins[:8],
        "--reason-code",
        "other",
        "--reason",
        "The vendor said so.",
    )

    fault = estate.gives("review", "resolve", item, "override", *wish)

    assert (fault["verdict"], fault["route"]) == ("partly_covered", "rma")


def test_a_replay_counts_what_it_decided_again(estate: Shell) -> None:
    report(estate, "BARE1")

    assert estate.gives("replay") == {"replayed": 1, "differences": []}
