"""Sets the pretended MSP up in a fresh instance folder, starts everything, plays the story, and serves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import requests
from rich.console import Console

from warranty import config, db, processes
from warranty.cli.shared import CliProblem
from warranty.demo import estate
from warranty.demo.cases import load_past
from warranty.demo.story import StepMissing, Story
from warranty.domain.access import TokenScope
from warranty.domain.terms import CLIENT_ROLES, Role
from warranty.runtime import Runtime
from warranty.services import people
from warranty.services.moves import Because

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from warranty.config import Settings
    from warranty.models import User

PACE = {  # as in production, but in seconds where production takes minutes
    "WARRANTY_VENDOR_TIMEOUT_SECONDS": "2",
    "WARRANTY_LEASE_SECONDS": "6",
    "WARRANTY_SETTLE_SECONDS": "4",
    "WARRANTY_RETRY_SECONDS": "1",
    "WARRANTY_RELAY_SECONDS": "3",
    "WARRANTY_POLL_SECONDS": "1",
}
START_S = 180.0  # a busy machine imports slowly
NAMES = {
    Role.ADMIN: "Ada Okafor",
    Role.SERVICE_MANAGER: "Marit Søndergaard",
    Role.TECHNICIAN: "Jana Kowalczyk",
    Role.BILLING: "Tobias Brandt",
    Role.AUDITOR: "Ines Almeida",
    Role.CLIENT_VIEWER: "Dr. Annegret Schäfer",
    Role.CLIENT_APPROVER: "Henrik Wüstenhagen",
}


@click.command()
@click.option("--once", is_flag=True, help="Stop after the story; exit status 1 where a step did not happen.")
@click.option("--port", type=click.IntRange(1, 65535), help="Serve here; default: PORT, else 8000.")
def main(once: bool, port: int | None) -> None:  # noqa: FBT001 - click passes it by name
    """Show the product on this machine with pretended clients and pretended vendors."""
    console = Console(soft_wrap=True)
    environment = _environment(port)
    try:
        os.environ.update(environment)
        processes.check_port(int(environment["PORT"]))
        _begin_afresh(Path(environment["WARRANTY_INSTANCE"]))
        settings = config.load()
        with ExitStack() as stack:
            _play(settings, console, stack)
            if not once:
                console.print("\nPress Ctrl-C to stop.")
                while True:
                    time.sleep(3600)
    except KeyboardInterrupt:
        console.print("Stopped.")
    except (processes.CannotServe, db.DatabaseUnavailable, config.SettingsError, StepMissing) as err:
        raise CliProblem(str(err)) from err


def _environment(port: int | None) -> dict[str, str]:
    """The demo's own settings; a ``DATABASE_URL`` of the caller's is not touched, nor is anything but its own folder."""
    chosen = str(port or os.environ.get("PORT") or 8000)
    instance = Path(os.environ.get("WARRANTY_INSTANCE") or "instance").absolute() / "demo"
    return {
        **PACE,
        "WARRANTY_MODE": "development",
        "WARRANTY_INSTANCE": str(instance),
        "WARRANTY_ALLOW_PRIVATE_VENDOR_URLS": "true",
        "WARRANTY_BASE_URL": f"http://127.0.0.1:{chosen}",
        "PORT": chosen,
        "DATABASE_URL": f"sqlite:///{instance / 'warranty.sqlite3'}",
        "REDIS_URL": "",
    }


def _play(settings: Settings, console: Console, stack: ExitStack) -> None:
    now = datetime.now(UTC)
    console.print("Making a fresh database and a pretended MSP …")
    db.upgrade(settings.database_url)
    vendor_url = _start_sandbox(stack)
    requests.post(f"{vendor_url}/_sandbox/tags", json=estate.dell_tags(now.date()), timeout=10).raise_for_status()
    requests.post(
        f"{vendor_url}/_sandbox/behaviour", json={"auto_approve_s": 1.0, "latency": 0.05}, timeout=10
    ).raise_for_status()
    runtime = Runtime.of(settings)
    with runtime.database.begin(db.EVERYBODY) as session:
        world = estate.build(session, runtime, vendor_url=vendor_url, now=now)
        because = Because("system:demo", "the pretended MSP", now)
        logins = [_login(session, role, world, because) for role in Role]
        manager = next(user for user, _ in logins if user.role is Role.SERVICE_MANAGER)
        token = people.add_token(session, manager, [TokenScope.WRITE], because=because).token
    _start_product(settings, stack)
    story = Story(settings.base_url, vendor_url, token, console)
    story.play()
    console.print("\nLoading a past: cases in every state …")
    load_past(runtime, story)
    console.print(f"\n[bold]{settings.base_url}[/bold]")
    for user, password in logins:
        console.print(f"  {user.role.value:<16} {user.email:<36} {password}", highlight=False)


def _begin_afresh(instance: Path) -> None:
    """Every demo begins with nothing: its folder is its own, and the last one's cases would tell another story."""
    try:
        shutil.rmtree(instance, ignore_errors=True)
        instance.mkdir(parents=True)
    except OSError as err:
        raise processes.CannotServe(f"Cannot write {instance}: {err.strerror}. Set WARRANTY_INSTANCE.") from err


def _login(session: Session, role: Role, world: estate.World, because: Because) -> tuple[User, str]:
    client = world.clients[estate.TOWN] if role in CLIENT_ROLES else None
    email = f"{role.value.replace('_', '-')}@demo.example"
    password = people.make_password()
    user = people.add_user(
        session, email=email, role=role, password=password, because=because, client=client, name=NAMES[role]
    )
    return user, password


def _start_sandbox(stack: ExitStack) -> str:
    """The pretended vendors in a process of their own, on a port that is free."""
    command = [sys.executable, "-m", "warranty", "sandbox", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    stack.callback(_stop, process)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    if not url:
        raise StepMissing("the vendor sandbox did not start")
    return url


def _start_product(settings: Settings, stack: ExitStack) -> None:
    command = [sys.executable, "-m", "warranty", "up", "--port", str(settings.port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    stack.callback(_stop, process)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StepMissing("`warranty up` ended; what it said stands above")
        if _is_ready(settings.base_url):
            return
        time.sleep(0.2)
    raise StepMissing(f"the web did not answer within {START_S:g} s")


def _is_ready(base_url: str) -> bool:
    try:
        return requests.get(f"{base_url}/health/ready", timeout=2).ok
    except requests.RequestException:
        return False


def _stop(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()


main(prog_name="warranty.demo")
