"""A person at a browser without scripts: reads pages over HTTP, and sends their forms with what these hold."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from warranty.web import guards

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from warranty.models import User

_TAG = re.compile(r"<[^>]*>")


@dataclass(slots=True)
class Visitor:
    """One browser. ``page`` is what it shows; ``headers`` go with every request."""

    browser: FlaskClient
    headers: dict[str, str] = field(default_factory=dict)
    page: str = ""

    def get(self, path: str, **options: Any) -> TestResponse:
        """Open a page."""
        return self._shown(self.browser.get(path, headers=self.headers | options.pop("headers", {}), **options))

    def send(self, path: str, headers: dict[str, str] | None = None, **typed: str) -> TestResponse:
        """Send the form that the page shows, or one of its own names instead where the page shows none."""
        kept = {name: self.hidden(name) for name in ("csrf_token", "idempotency_key")}
        return self.post(path, {name: value for name, value in kept.items() if value} | typed, headers)

    def post(self, path: str, form: dict[str, str], headers: dict[str, str] | None = None) -> TestResponse:
        """Send exactly these fields."""
        return self._shown(self.browser.post(path, data=form, headers=self.headers | (headers or {})))

    def hidden(self, name: str) -> str:
        """What the page's forms send without showing it; empty where there is no such field."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.page)
        return html.unescape(found[1]) if found else ""

    def value(self, name: str) -> str:
        """What a field of the page holds."""
        field_ = re.search(rf'<input[^>]* name="{name}"[^>]* value="([^"]*)"', self.page)
        chosen = re.search(rf'<input type="radio" name="{name}" value="([^"]*)" checked', self.page)
        area = re.search(rf'<textarea[^>]* name="{name}"[^>]*>([^<]*)<', self.page)
        found = chosen or area or field_
        return html.unescape(found[1]) if found else ""

    def error(self, name: str) -> str:
        """What the page says is wrong at a field; empty where nothing is."""
        found = re.search(rf'id="err-{name}">(.*?)</p>', self.page, re.DOTALL)
        return words(found[1]) if found else ""

    def _shown(self, answer: TestResponse) -> TestResponse:
        if answer.get_data().startswith(b"<!doctype html>") and answer.status_code not in {302, 303}:
            self.page = answer.text  # a piece of a page goes into the page
        return answer


def visit(app: Flask, user: User | None = None, **headers: str) -> Visitor:
    """A browser of somebody who is signed in (null: of a stranger); no password is asked, since its check is dear."""
    browser = app.test_client()
    if user is not None:
        with browser.session_transaction() as session:
            session["_user_id"] = guards.SignedIn(user).get_id()
    return Visitor(browser, {name.replace("_", "-"): value for name, value in headers.items()})


def words(page: str) -> str:
    """What a page says, without its markup."""
    return " ".join(html.unescape(_TAG.sub(" ", page)).split())
