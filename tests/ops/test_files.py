"""Files that no other account of the machine may read: new files, files of earlier runs, and what doctor reports of them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from flask import Flask

import private_files
from backend.ops.doctor import examine
from tests.plugin_services import Services
from tests.processes import Folder
from tests.realtime.conftest import migrate
from tests.servers import ROOT, Server, environment
from tests.users.test_avatars import picture

KEY = "metrics-token-1234"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other accounts may enter, and a umask that lets them read new files, as on most machines."""
    made, before = Folder(), os.umask(0o022)
    made.path.chmod(0o755)
    yield made.path
    os.umask(before)
    made.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, folder: Path, services: Services, worker: str) -> dict[str, str]:
    found = {"APP_ENV": "development", "INSTANCE_DIR": str(folder / "instance"), "METRICS_TOKEN": KEY}
    if request.param == "postgresql":
        found["DATABASE_URL"] = services.new_database(f"{worker}_files")
    return found


def flask(settings: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-m", "flask", "--app", "wsgi", *command]
    return subprocess.run(
        arguments, cwd=ROOT, env=environment(settings), capture_output=True, text=True, check=False, timeout=120
    )


def open_ones(top: Path) -> list[str]:
    """The names of the files that other accounts may use."""
    return [str(path) for path in (top, *top.rglob("*")) if stat.S_IMODE(path.stat().st_mode) & 0o077]


def use(server: Server) -> None:
    """Sign up and upload a picture, so that every kind of file exists."""
    account = {"email": "ann@example.com", "password": "password123"}
    token = requests.post(f"{server.url}/api/auth/register", json=account, timeout=10).json()["access_token"]
    done = requests.put(
        f"{server.url}/api/users/me/avatar",
        files={"file": ("me.png", picture())},
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    assert done.status_code == 200


def test_files_are_private_and_readable_ones_become_so_at_start(
    settings: dict[str, str], folder: Path, make_app: Callable[..., Flask]
) -> None:
    instance = folder / "instance"
    app = make_app(settings, instance_dir=instance)
    migrate(app)
    (instance / "uploads").mkdir()
    left = [instance, instance / "secret_key", instance / "uploads"]
    if "DATABASE_URL" not in settings:
        copy = instance / "confab.db.before-0123"
        copy.touch()
        left += [instance / "confab.db", copy]
    for path in left:
        path.chmod(0o755 if path.is_dir() else 0o644)
    told = app.test_cli_runner().invoke(args=["doctor"])
    assert told.exit_code == 1
    for path in left:
        assert f"Run: chmod {700 if path.is_dir() else 600} {path}" in told.output
    with Server(settings) as server:
        assert [path for path in left if str(path) in open_ones(instance)] == []
        use(server)
        names = {path.name for path in instance.rglob("*")}
        assert {"secret_key", "jwt_secret_key", "avatars", f"metrics-{server.port}"} <= names
        assert ("confab.db-wal" in names) is ("DATABASE_URL" not in settings)
        assert open_ones(instance) == []
    assert "chmod" not in app.test_cli_runner().invoke(args=["doctor"]).output


def test_the_files_of_a_command_are_private(folder: Path) -> None:
    settings = {"APP_ENV": "development", "INSTANCE_DIR": str(folder / "instance")}
    assert flask(settings, "db", "upgrade").returncode == 0
    assert {"secret_key", "jwt_secret_key", "confab.db"} <= {path.name for path in (folder / "instance").iterdir()}
    assert open_ones(folder / "instance") == []


def test_a_folder_with_files_of_others_is_not_changed(
    folder: Path, make_app: Callable[..., Flask], sqlite_app: Flask
) -> None:
    (folder / "somebody-elses").mkdir()
    (folder / "confab.db-wal").touch(0o644)
    (folder / "other.db").touch(0o644)
    app = make_app(instance_dir=folder, database_url=f"sqlite:///{folder}/confab.db")
    private_files.tighten(app.config["CONFAB"])
    assert open_ones(folder)[0] == str(folder)
    assert {Path(name).name for name in open_ones(folder)} == {folder.name, "somebody-elses", "other.db"}
    [finding] = [found for found in examine(app) if found.part == "files"]
    assert finding.remedy == f"Run: chmod 700 {folder}"


def test_a_folder_of_all_accounts_is_not_changed(folder: Path, make_app: Callable[..., Flask]) -> None:
    folder.chmod(0o1777)
    app = make_app(instance_dir=folder, database_url="postgresql+psycopg2://127.0.0.1/x")
    private_files.tighten(app.config["CONFAB"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o1777
