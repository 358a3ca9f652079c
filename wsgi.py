"""The WSGI application, for any server."""

from warranty.web import create_app

app = create_app()
