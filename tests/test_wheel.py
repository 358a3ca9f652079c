"""The wheel, installed where nothing else of ours is: it holds what it needs and no more, migrates, and serves pages."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import sysconfig
import venv
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DATA = "warranty/_data/"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = ["build", "--wheel", "--offline", "--no-build-isolation", "--quiet", "-o", str(folder), str(ROOT)]
    subprocess.run([sys.executable, "-m", "uv", *command], check=True, timeout=60)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment that has the wheel, and of this one only what the wheel depends on."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    bin_ = folder / "venv" / "bin"
    install = ["pip", "install", "--quiet", "--offline", "--no-deps", "--python", str(bin_ / "python"), str(wheel)]
    subprocess.run([sys.executable, "-m", "uv", *install], check=True, timeout=60)
    # A folder that stands in a .pth is searched, and no .pth within it is read: this checkout stays out of sight.
    packages = sysconfig.get_path("purelib", vars={"base": str(folder / "venv")})
    Path(packages, "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return bin_


def environment(folder: Path, **given: str) -> dict[str, str]:
    """Settings of a stranger's machine, and nothing of the developer's."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"WARRANTY_MODE": "development", "WARRANTY_INSTANCE": str(folder / "instance"), **given}


def run(program: Path, *words: str, folder: Path) -> str:
    done = subprocess.run(
        [program, *words], cwd=folder, env=environment(folder), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_code_and_the_four_folders_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as file:
        names = set(file.namelist())
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    code = {name for name in tracked if name.startswith(("warranty/", "vendors/")) and name.endswith(".py")}
    folders = {DATA + name for name in tracked if name.startswith(("templates/", "static/", "locale/", "migrations/"))}

    assert {name for name in names if ".dist-info/" not in name} == code | folders
    for folder in ("templates/", "static/", "locale/de/", "migrations/versions/"):
        assert any(name.startswith(DATA + folder) for name in names)


def test_the_installed_code_is_not_this_checkout(installed: Path, tmp_path: Path) -> None:
    said = run(
        installed / "python",
        "-c",
        "import warranty, vendors; print(warranty.__file__, vendors.__file__)",
        folder=tmp_path,
    )

    assert str(ROOT) not in said
    assert len(re.findall(re.escape(str(installed.parent)), said)) == 2


def test_it_migrates_a_database_and_serves_a_page_with_its_style_sheet_in_two_languages(
    installed: Path, tmp_path: Path
) -> None:
    run(installed / "warranty", "db", "upgrade", folder=tmp_path)
    assert '"agree": true' in run(installed / "warranty", "db", "check", "--json", folder=tmp_path)

    with served(installed, tmp_path) as address, requests.Session() as browser:
        english = browser.get(f"{address}/login", headers={"Accept-Language": "en"}, timeout=30)
        german = browser.get(f"{address}/login", headers={"Accept-Language": "de"}, timeout=30)
        sheets = re.findall(r'<link[^>]+href="([^"]+\.css[^"]*)"', english.text)
        styles = [browser.get(f"{address}{sheet}", timeout=30) for sheet in sheets]

    assert (english.status_code, german.status_code) == (200, 200)
    assert '<html lang="en"' in english.text
    assert "Sign in" in english.text
    assert '<html lang="de"' in german.text
    assert "Anmelden" in german.text
    assert len(styles) >= 2
    for style in styles:
        assert style.status_code == 200
        assert style.headers["Content-Type"].startswith("text/css")


@contextmanager
def served(installed: Path, folder: Path) -> Iterator[str]:
    """The address of ``warranty web`` as it is installed."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    process = subprocess.Popen(
        [installed / "warranty", "web", "--port", str(port)], cwd=folder, env=environment(folder)
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            requests.get(f"{address}/health/live", timeout=30)
        except requests.ConnectionError:
            continue
        return
    raise AssertionError(f"The web server ended with status {process.returncode}.")
