"""``warranty audit``: prove that the register is as it was written."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from warranty.cli.shared import CliProblem, answer, open_runtime

if TYPE_CHECKING:
    from warranty.services.audit import Report

TAMPERED = 3
SHOWN = 50

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def audit() -> None:
    """Verify the register, and write down its head outside."""


@audit.command()
@click.option(
    "--anchor",
    "folder",
    type=click.Path(path_type=Path),
    help="Where the anchors are; without it what WARRANTY_AUDIT_ANCHOR says.",
)
@as_json
def verify(folder: Path | None, *, as_json: bool) -> None:
    """Recompute the chain of the register, and compare it with its anchors.

    Exit status: 0 whole, 1 could not be verified, 2 called with wrong words, 3 tampered with.
    """
    from warranty.services import audit as register

    with open_runtime() as runtime:
        try:
            where = folder or register.anchor_folder(runtime.settings.audit_anchor)
            report = register.verify(runtime, register.read_anchors(where) if where else ())
        except register.CannotAnchor as err:
            raise CliProblem(str(err)) from err
    if not report.anchors:
        click.echo("No anchor was compared, so a cut end is not found: see WARRANTY_AUDIT_ANCHOR.", err=True)
    _say(report, as_json=as_json)
    if not report.is_whole:
        raise SystemExit(TAMPERED)


def _say(report: Report, *, as_json: bool) -> None:
    shown: dict[str, Any] = {
        "whole": report.is_whole,
        "sealed": report.sealed,
        "unsealed": report.unsealed,
        "unsealed_since": report.unsealed_since.isoformat() if report.unsealed_since else None,
        "anchors": report.anchors,
        "head": report.head.to_json() if report.head else None,
        "found": report.found,
    }
    restores = [asdict(restored) | {"said": restored.said} for restored in report.restores]
    if as_json:
        head = asdict(report.head) if report.head else None
        findings = [asdict(finding) for finding in report.findings]
        answer(shown | {"head": head, "findings": findings, "restores": restores}, as_json=True)
        return
    answer(shown, as_json=False)
    for restored in restores:
        click.echo(f"restored: {restored['said']}")
    for finding in report.findings[:SHOWN]:
        click.echo(f"{finding.tampering}: {finding.said}")
    if report.found > SHOWN:
        click.echo(f"… and {report.found - SHOWN} more; --json lists the first thousand.")


@audit.command()
@as_json
def anchor(*, as_json: bool) -> None:
    """Write the head of the chain down outside now, as the relay does every hour."""
    from warranty.services import audit as register

    with open_runtime() as runtime:
        try:
            made = register.anchor(runtime)
        except register.CannotAnchor as err:
            raise CliProblem(str(err)) from err
    if made is None:
        raise CliProblem("Nothing is sealed yet: a relay seals what the register holds within seconds.")
    answer(asdict(made), as_json=as_json)
