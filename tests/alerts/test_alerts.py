"""Each alert asks for what is measured, and whoever it calls finds what to do; promtool plays them in `make chaos`."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.alerts.measurements import NAME, alerts, text_of_an_empty_installation
from tests.house import ROOT
from warranty.cli import main

PAGE = (ROOT / "docs" / "alarms.md").read_text(encoding="utf-8")
CASES = ROOT / "tests" / "alerts" / "cases.yml"


@pytest.fixture(scope="session")
def printed() -> str:
    return text_of_an_empty_installation()


def test_every_measurement_that_an_alert_asks_for_is_printed_with_the_labels_that_it_asks_for(printed: str) -> None:
    for alert in alerts():
        asked = set(NAME.findall(str(alert["expr"])))
        assert asked, alert["alert"]
        for name in asked:
            samples = [line for line in printed.splitlines() if re.match(rf"{name}[ {{]", line)]
            assert samples, f"{alert['alert']} asks for {name}"
            for labels in re.findall(rf'{name}{{([a-z]+="[a-z_]+")}}', str(alert["expr"])):
                assert any(labels in line for line in samples), f"{alert['alert']} asks for {name}{{{labels}}}"


def test_every_alert_says_how_bad_it_is_and_where_to_read_on() -> None:
    for alert in alerts():
        said: Any = alert
        assert said["labels"]["severity"] in {"critical", "warning"}, said["alert"]
        assert said["annotations"]["summary"].endswith(".")
        assert said["annotations"]["runbook"] == f"docs/alarms.md#{said['alert'].lower()}"


def test_every_alert_has_its_section_and_every_section_its_alert() -> None:
    assert re.findall(r"^## (\w+)$", PAGE, re.MULTILINE) == [alert["alert"] for alert in alerts()]


def test_every_section_says_what_it_means_what_it_does_and_what_to_do() -> None:
    for section in PAGE.split("\n## ")[1:]:
        assert [word in section for word in ("**Means:**", "**Does:**", "**Do:**")] == [True] * 3, section


def test_every_command_of_the_page_exists() -> None:
    for words in re.findall(r"`warranty ([a-z -]+)", PAGE):
        command: Any = main
        for word in words.split():
            if not hasattr(command, "commands") and not hasattr(command, "list_commands"):
                break
            command = command.get_command(None, word)
            assert command is not None, f"warranty {words}"


def test_what_promtool_plays_names_alerts_that_there_are() -> None:
    played = yaml.safe_load(CASES.read_text(encoding="utf-8"))
    named = {case["alertname"] for test in played["tests"] for case in test["alert_rule_test"]}

    assert named <= {alert["alert"] for alert in alerts()}
