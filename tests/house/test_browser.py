"""The browser of the suite is a real one, sees this machine, and nothing else."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from playwright.sync_api import Error

from tests.browser import NoBrowserError, find


class _Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write("<h1></h1><script>document.querySelector('h1').textContent = 'Gerät läuft'</script>".encode())

    def log_message(self, *args):
        """Keep the lines of each request out of the test's output."""


@pytest.fixture
def page_url():
    server = HTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_the_browser_runs_the_script_of_a_page_on_this_machine(browser, page_url):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(page_url)
        assert page.get_by_role("heading").text_content() == "Gerät läuft"


def test_the_browser_cannot_leave_this_machine(browser):
    with browser.new_context() as context, pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        context.new_page().goto("http://vendor.example/")


def test_a_chromium_that_does_not_run_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("CHROMIUM", "no-such-browser")
    with pytest.raises(NoBrowserError, match="no-such-browser, which does not run"):
        find("/usr/bin/env")


def test_without_any_browser_the_message_holds_the_command_to_run(monkeypatch, tmp_path):
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoBrowserError, match=r"run this, .*: .* install .*chromium$"):
        find(str(tmp_path / "not-installed"))
