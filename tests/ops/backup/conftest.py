"""Installations of tests: a database, a storage and secrets, which a backup is made of and restored to."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from backend.models.base import Base
from backend.schema.move import fingerprint
from tests.attachments.conftest import form, picture, send, uploaded
from tests.factories import Factory
from tests.plugin_services import Services
from tests.schema.conftest import Database

Install = Callable[..., "Installation"]
Fill = Callable[[str], "Installation"]
KINDS = ["sqlite", "postgresql"]


class Installation(Database):
    """A database with the INSTANCE_DIR of its server."""

    @property
    def folder(self) -> Path:
        """INSTANCE_DIR."""
        return Path(self.app.config["CONFAB"].instance_dir)

    def files(self) -> dict[str, bytes]:
        """The files of the storage, by their keys."""
        root = self.folder / "uploads"
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def secrets(self) -> dict[str, str]:
        """The secrets in files of INSTANCE_DIR."""
        return {name: (self.folder / name).read_text() for name in ("secret_key", "jwt_secret_key")}

    def content(self) -> dict[str, tuple[int, str]]:
        """The number and hash of the rows of each table."""
        tables = [table for table in Base.metadata.sorted_tables if not table.info.get("is_derived")]
        with self.engine.connect() as connection:
            return {table.name: fingerprint(connection, table) for table in tables}


@pytest.fixture
def install(make_app: Callable[..., Flask], tmp_path: Path, services: Services, worker: str) -> Iterator[Install]:
    """Makes an empty installation: `install("sqlite", environ)`."""
    numbers, made = count(1), []

    def act(kind: str, environ: dict[str, str] | None = None, *, folder: Path | None = None) -> Installation:
        number = next(numbers)
        values = dict(environ or {})
        if kind == "postgresql":
            values.setdefault("DATABASE_URL", services.new_database(f"{worker}_backup{number}"))
        made.append(_installation(make_app, values, folder or tmp_path / f"instance{number}"))
        return made[-1]

    yield act
    for each in made:
        each.dispose()


def _installation(make_app: Callable[..., Flask], environ: dict[str, str], folder: Path) -> Installation:
    app = make_app(environ, instance_dir=folder)
    return Installation(app, sa.create_engine(app.config["CONFAB"].database_url))


@pytest.fixture(scope="session")
def filled(
    make_app: Callable[..., Flask], tmp_path_factory: pytest.TempPathFactory, services: Services, worker: str
) -> Callable[[str], Path]:
    """The INSTANCE_DIR of an installation with content, of a kind. It is made once, to be copied."""
    made: dict[str, Path] = {}

    def act(kind: str) -> Path:
        if kind not in made:
            environ = {} if kind == "sqlite" else {"DATABASE_URL": services.new_database(f"{worker}_backup_filled")}
            made[kind] = fill(_installation(make_app, environ, tmp_path_factory.mktemp("filled") / kind)).folder
        return made[kind]

    return act


@pytest.fixture
def install_filled(
    install: Install, filled: Callable[[str], Path], tmp_path: Path, services: Services, worker: str
) -> Fill:
    """Makes an installation with content: a copy of `filled`."""

    def act(kind: str) -> Installation:
        folder = shutil.copytree(filled(kind), tmp_path / "filled")
        if kind == "sqlite":
            return install(kind, folder=folder)
        url = services.new_database(f"{worker}_backup_copy", f"{worker}_backup_filled")
        return install(kind, {"DATABASE_URL": url}, folder=folder)

    return act


@pytest.fixture(params=KINDS)
def source(request: pytest.FixtureRequest, install_filled: Fill) -> Installation:
    """An installation with content, once on each kind of database."""
    return install_filled(request.param)


@pytest.fixture(scope="session", params=KINDS)
def original(
    request: pytest.FixtureRequest,
    make_app: Callable[..., Flask],
    filled: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
    services: Services,
    worker: str,
) -> Iterator[Installation]:
    """Like `source`, for tests that do not change it: they share it."""
    folder = shutil.copytree(filled(request.param), tmp_path_factory.mktemp("original") / "instance")
    environ = {}
    if request.param == "postgresql":
        environ["DATABASE_URL"] = services.new_database(f"{worker}_backup_original", f"{worker}_backup_filled")
    found = _installation(make_app, environ, folder)
    yield found
    found.dispose()


@pytest.fixture(scope="session")
def archive(original: Installation) -> Path:
    """A backup of `original`."""
    path = original.folder.parent / "backup.tar"
    original.flask("backup", "create", str(path))
    return path


def fill(installation: Installation) -> Installation:
    """Add accounts, an avatar, messages, and attachments with and without a thumbnail."""
    installation.flask("db", "upgrade")
    make = Factory(installation.app)
    ann, bo = make.client(make.user("ann", bio="Å\\\tñ\n 🙂")), make.client()
    assert ann.put("/api/users/me/avatar", **form(picture(), "me.png")).status_code == 200
    room = make.room(ann, "room", bo)
    send(ann, room_id=room["id"], attachment_ids=[uploaded(ann)["id"], uploaded(ann, picture(), "a.png")["id"]])
    send(bo, room_id=room["id"])
    uploaded(bo, b"not sent yet")
    installation.run(
        "INSERT INTO audit_events (action) VALUES ('gone')", "DELETE FROM audit_events WHERE action = 'gone'"
    )
    installation.dispose()
    return installation
