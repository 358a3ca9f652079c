"""Files that a form brings: looked at beside their field, kept once the record is, and told of where they were not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import flash, request

from warranty.services import files
from warranty.services.estate import Invalid
from warranty.store import StoreUnavailable
from warranty.web.guards import call
from warranty.web.i18n import N_, reader

if TYPE_CHECKING:
    from warranty.models import Asset, Fault

LARGEST_FORM: Final = files.BIGGEST + 64 * 1024
"""A file, and what a form has beside it, at most."""


def uploaded(name: str) -> tuple[files.Upload | None, str]:
    """The file that a form brings in a field, where it is of a kind that is taken; else what is wrong."""
    sent, said = request.files.get(name), reader().text
    content = b""
    if sent is not None:
        with sent.stream as stream:
            content = stream.read()
    if sent is None or not sent.filename:
        return None, said(N_("Choose a file."))
    try:
        files.kind_of(content)
    except Invalid:
        most = files.BIGGEST // 1024 // 1024
        wrong = N_("Taken are JPEG, PNG, WebP, PDF, text and CSV of at most %(most)s MB, whole; this is none of them.")
        return None, said(wrong, most=most)
    return files.Upload(content, sent.filename), ""


def keep(owner: Fault | Asset, upload: files.Upload) -> None:
    """Keep a file of a committed record, by name to whoever sent it where that fails.

    The service opens its own transaction, and knows what it has by its content: sent twice it is one file.
    """
    asked = call()
    try:
        files.take(asked.runtime, asked.principal, owner, upload, now=asked.now)
    except (Invalid, StoreUnavailable):
        flash(reader().text(N_("%(name)s was not kept: add it again here."), name=upload.name), "error")
