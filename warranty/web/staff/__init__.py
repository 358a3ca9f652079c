"""The staff's pages, a module a room."""

from warranty.web.staff import board, cases, report
from warranty.web.staff.room import blueprint

__all__ = ["blueprint", "board", "cases", "report"]
