"""The blueprint of the staff's pages: each room of this package adds its own to it."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("staff", __name__)
