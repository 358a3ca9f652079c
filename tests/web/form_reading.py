"""The forms of a page as a browser sees them: their fields, and what is sent when nothing is typed."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

TYPED = {"text", "search", "email", "tel", "url", "password"}


@dataclass(slots=True)
class Form:
    """One form that is posted: ``values`` is what it holds, ``texts`` where anything may be typed, ``kinds`` the type of others.

    ``choices`` are the values that a select, a radio or a tick box offers, by its name.
    """

    action: str
    values: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_filled_in(self) -> bool:
        """Whether a person types or chooses something in it."""
        return bool(self.texts or self.kinds or self.choices)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._area = self._select = ""

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", "")) if given.get("method", "").lower() == "post" else None
            if self._form is not None:
                self.forms.append(self._form)
        form, name = self._form, given.get("name", "")
        if form is None:
            return
        if tag == "option" and self._select:
            form.choices[self._select].append(given.get("value", ""))
            if "selected" in given:
                form.values[self._select] = given.get("value", "")
        elif not name:
            return
        elif tag == "textarea":
            form.texts.append(name)
            form.values[name] = ""
            self._area = name
        elif tag == "select":
            form.choices.setdefault(name, [])
            self._select = name
        elif tag == "input":
            _take(form, name, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._area = ""
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._area and self._form is not None:
            self._form.values[self._area] += data


def _take(form: Form, name: str, given: dict[str, str]) -> None:
    kind, value = given.get("type", "text"), given.get("value", "")
    if kind in {"radio", "checkbox"}:
        form.choices.setdefault(name, []).append(value or "on")
        if "checked" in given:
            form.values[name] = value or "on"
    elif kind in {"submit", "button", "file"}:
        return
    else:
        form.values[name] = value
        if kind in TYPED and "readonly" not in given:
            form.texts.append(name)
        elif kind != "hidden":
            form.kinds[name] = kind


def forms_of(page: str) -> list[Form]:
    """Every form of a page that is posted."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms
