"""What `/metrics` prints: the names of the measurements, and the text itself."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import yaml

from tests import factories
from tests.app import environment_of
from tests.house import ROOT
from warranty import config, db
from warranty.runtime import Runtime
from warranty.web import create_app

NAME = re.compile(r"\bwarranty_[a-z_]+\b")


def alerts() -> list[dict[str, object]]:
    """Every alert of the rules that go with the product."""
    rules = yaml.safe_load((ROOT / "docs" / "alerts.yml").read_text(encoding="utf-8"))
    return [alert for group in rules["groups"] for alert in group["rules"]]


def text_of_an_empty_installation() -> str:
    """What `/metrics` prints where nothing but one account is, whose name has every sign that must be escaped."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        environment = environment_of(f"sqlite:///{path / 'warranty.sqlite3'}", path, f"unix://{path}/none.sock")
        runtime = Runtime.of(config.load(environment))
        db.upgrade(runtime.database.url)
        with runtime.database.begin(db.EVERYBODY) as session:
            factories.make_account(session, runtime, name='Quotes " and \\ and\nlines')
        try:
            return create_app(runtime).test_client().get("/metrics").get_data(as_text=True)
        finally:
            runtime.database.dispose()
