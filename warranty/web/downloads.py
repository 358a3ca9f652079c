"""Files as they leave: the only place that sends a content, to programs and to pages."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response

from warranty.domain.media import SUFFIXES
from warranty.models.files import File
from warranty.services import files
from warranty.web.errors import Problem
from warranty.web.guards import call

SAFELY = "default-src 'none'; sandbox"


def there(file: File) -> File:
    """The file, where it is there for the caller.

    Raises:
        Problem: ``not_found``.
    """
    found = files.find(call().session, call().principal, file)
    if found is None:
        raise Problem("not_found")
    return found


def download(file: File) -> Response:
    """The content of a file."""
    return _sent(there(file), small=False)


def thumbnail(file: File) -> Response:
    """A small picture of an image, without a word of where it was taken."""
    if not there(file).has_thumbnail:
        raise Problem("not_found")
    return _sent(file, small=True)


def _sent(file: File, *, small: bool) -> Response:
    response = Response(files.read(call().runtime.store, file, small=small))
    response.mimetype = files.THUMBNAIL_TYPE if small else file.media_type
    if not small:
        response.content_length = file.size
        names = {"filename": f"file{SUFFIXES[file.media_type][0]}", "filename*": f"UTF-8''{quote(file.name, safe='')}"}
        response.headers.set("Content-Disposition", "attachment", **names)  # the first is for who reads ASCII only
    response.headers["Content-Security-Policy"] = SAFELY  # whatever it is, it loads nothing and runs nothing
    return response
