"""What every answer tells the browser to refuse, and the one page that may see through the camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Response

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "font-src": "'self'",
    "img-src": "'self' data: blob:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}


def _policy(**instead: str) -> str:
    parts = _POLICY | {what.replace("_", "-"): whence for what, whence in instead.items()}
    return "; ".join(f"{what} {whence}" for what, whence in parts.items())


HEADERS = {
    "Content-Security-Policy": _policy(),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

# What reads codes is compiled to WebAssembly: a page that scans may run that, and nothing else that others may not.
SCANNING = {
    "Content-Security-Policy": _policy(script_src="'self' 'wasm-unsafe-eval'"),
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}


def let_scan(response: Response) -> Response:
    """Let the page of this answer ask for the camera, and read codes in what it sees."""
    response.headers.update(SCANNING)
    return response
