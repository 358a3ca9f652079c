"""The application for a WSGI server."""

from warranty.web import create_app

app = create_app()
