"""Clients that generators make of the OpenAPI document: their types are exact, and they work with a running server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask

from backend.http.openapi import document
from tests.factories import Factory
from tests.openapi.node import PACKAGES, installed
from tests.openapi.node import run as run_node
from tests.servers import Server

CLIENTS = Path(__file__).parent / "clients"
GENERATOR_SETTINGS = """\
post_hooks: []
"""
MYPY_SETTINGS = """\
[mypy]
strict = true
"""


@dataclass
class Account:
    """A user of a running server who is in a room."""

    arguments: list[str]
    username: str

    def check_answers(self, output: str) -> None:
        """Compare what a client printed with what happened."""
        assert json.loads(output) == {
            "room": "den",
            "last": [1, "hello", True],
            "edited": False,
            "lobby": False,
            "members": [self.username],
            "seqs": [1],
            "gone": [],
        }


@pytest.fixture(scope="module")
def server(sqlite_app: Flask) -> Iterator[Server]:
    config = sqlite_app.config["CONFAB"]
    secrets = {"SECRET_KEY": config.secret_key, "JWT_SECRET_KEY": config.jwt_secret_key}
    settings = {"APP_ENV": "testing", "RATE_LIMITS": "off", "DATABASE_URL": config.database_url, **secrets}
    with Server(settings) as running:
        yield running


@pytest.fixture
def account(sqlite_app: Flask, server: Server) -> Account:
    make = Factory(sqlite_app)
    owner = make.client()
    room = make.room(owner, "den")
    return Account([server.url, str(owner.token), str(room["id"])], owner.user.username)  # type: ignore[attr-defined]


@pytest.fixture
def described(sqlite_app: Flask, tmp_path: Path) -> Path:
    """The document, in a file of the folder that a client is generated in."""
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(document(sqlite_app)))
    return path


def run_python(folder: Path, *arguments: str | Path) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=folder, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_typescript(folder: Path, *command: str | Path) -> str:
    done = run_node(*command, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_generated_python_client(described: Path, account: Account) -> None:
    folder = described.parent
    (folder / "generator.yml").write_text(GENERATOR_SETTINGS)
    (folder / "mypy.ini").write_text(MYPY_SETTINGS)
    shutil.copy(CLIENTS / "client_usage.py", folder)
    generate = ("generate", "--path", described, "--meta", "none", "--output-path", folder / "confab_client")
    run_python(folder, "-m", "openapi_python_client", *generate, "--config", "generator.yml")
    run_python(folder, "-m", "mypy", "client_usage.py")
    account.check_answers(run_python(folder, "client_usage.py", *account.arguments))


def test_generated_typescript_types(described: Path, account: Account) -> None:
    folder = described.parent
    installed("openapi-typescript")
    (folder / "node_modules").symlink_to(PACKAGES)
    (folder / "package.json").write_text(json.dumps({"type": "module"}))
    shutil.copy(CLIENTS / "client_usage.ts", folder)
    programs = PACKAGES / ".bin"
    run_typescript(folder, programs / "openapi-typescript", described, "--output", "confab.ts")
    options = (
        "--strict",
        "--noEmit",
        "--skipLibCheck",
        "--target",
        "es2022",
        "--module",
        "esnext",
        "--moduleResolution",
        "bundler",
    )
    run_typescript(folder, programs / "tsc", *options, "client_usage.ts")
    account.check_answers(run_typescript(folder, "node", "client_usage.ts", *account.arguments))
