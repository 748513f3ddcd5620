"""What a backup contains, and that a restored installation has all of it."""

from __future__ import annotations

import json
import os
import stat
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.ops.backup import create
from backend.state import confab_state
from backend.storage import Storage
from tests.attachments.conftest import picture, send, uploaded
from tests.factories import Factory
from tests.ops.backup.conftest import Fill, Install, Installation, fill
from tests.storage.test_storage import bucket


def kind_of(installation: Installation) -> str:
    return installation.engine.dialect.name


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["backup.tar", "backup.tar.gz"])
def test_a_restored_installation_has_everything(
    source: Installation, install: Install, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    assert f"Wrote {path}" in source.flask("backup", "create", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == [name], "nothing else is left"
    assert "is whole" in source.flask("backup", "verify", str(path))
    target = install(kind_of(source))
    told = target.flask("backup", "restore", str(path))
    assert "flask doctor" in told
    assert "flask db upgrade" not in told
    assert target.content() == source.content()
    assert target.content()["messages"][0] == 2
    assert target.files() == source.files()
    assert len(target.files()) == 5, "an avatar, three attachments, and a thumbnail"
    assert target.secrets() == source.secrets()
    assert target.flask("doctor") == "Nothing is wrong.\n"
    assert "no gaps" in target.flask("messages", "verify")
    assert "deleted 0 files without a row, 0 incomplete files and 0 rows without a file" in target.flask(
        "attachments", "sweep"
    )
    assert {path.name for path in target.folder.iterdir()} <= {
        "confab.db", "confab.db-shm", "confab.db-wal", "uploads", "secret_key", "jwt_secret_key",
    }  # fmt: skip
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in target.folder.rglob("*") if "secret" in path.name}
    assert modes == {0}


def test_the_manifest(original: Installation, archive: Path) -> None:
    found = members(archive)
    names = list(found)
    assert names[:2] == ["backup.json", "secrets.env"]
    assert names[-1] == "manifest.jsonl"
    facts = json.loads(found["backup.json"])
    assert (facts["format"], facts["database"], facts["files"]) == (1, kind_of(original), 5)
    assert facts["revision"] == original.one("SELECT version_num FROM alembic_version")
    assert (facts["rows"]["messages"], facts["rows"]["attachments"]) == (2, 3)
    lines = [json.loads(line) for line in found["manifest.jsonl"].splitlines()]
    assert [(line["name"], line["size"]) for line in lines] == [(name, len(found[name])) for name in names[:-1]]
    assert all(len(line["sha256"]) == 64 for line in lines)


@pytest.mark.parametrize(
    ("kind", "target_kind"), [("postgresql", "sqlite"), ("postgresql", "postgresql"), ("sqlite", "postgresql")]
)
def test_a_portable_backup_is_restored_into_another_kind_of_database(
    install: Install, install_filled: Fill, tmp_path: Path, kind: str, target_kind: str
) -> None:
    source, path = install_filled(kind), tmp_path / "backup.tar"
    source.flask("backup", "create", "--portable", str(path))
    target = install(target_kind)
    target.flask("backup", "restore", str(path))
    assert target.content() == source.content()
    assert target.files() == source.files()
    assert target.flask("doctor") == "Nothing is wrong.\n"
    assert "search finds them" in target.flask("messages", "verify")
    target.run("INSERT INTO audit_events (action) VALUES ('new')")
    assert target.one("SELECT max(id) FROM audit_events") > 1 + source.one(
        "SELECT coalesce(max(id), 0) FROM audit_events"
    )


def test_without_pg_dump_the_rows_are_copied(
    install: Install, install_filled: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, path = install_filled("postgresql"), tmp_path / "backup.tar"
    with monkeypatch.context() as patched:
        patched.setenv("PATH", "/nonexistent")
        source.flask("backup", "create", str(path))
    assert "database.sqlite" in members(path)
    target = install("postgresql")
    target.flask("backup", "restore", str(path))
    assert target.content() == source.content()


def test_an_earlier_revision_is_restored_as_it_is(install: Install, tmp_path: Path) -> None:
    source, path = install("sqlite"), tmp_path / "backup.tar"
    source.flask("db", "upgrade", "0013")
    source.run("INSERT INTO users (username, email) VALUES ('ann', 'ann@example.com')")
    source.flask("backup", "create", str(path))
    target = install("sqlite")
    assert "Run: flask db upgrade" in target.flask("backup", "restore", str(path))
    assert target.one("SELECT version_num FROM alembic_version") == "0013"
    target.flask("db", "upgrade")
    assert target.one("SELECT username FROM users") == "ann"
    other = install("postgresql")
    assert "Run: flask db upgrade" in other.flask("backup", "restore", str(path)), "but a copy of rows needs the newest"
    assert other.one("SELECT username FROM users") == "ann"


@pytest.fixture
def after_snapshot(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Calls a function between the snapshot of the database and the copies of the files."""

    def act(function: Any) -> None:
        copy = create.copy_database

        def copy_and_call(*args: Any) -> Any:
            found = copy(*args)
            function()
            return found

        monkeypatch.setattr(create, "copy_database", copy_and_call)

    return act


def test_files_are_those_of_the_snapshot(
    source: Installation, install: Install, tmp_path: Path, after_snapshot: Any
) -> None:
    """A file that was deleted after the snapshot is reported. A file that was sent after it is not in the backup."""
    path, before = tmp_path / "backup.tar", source.files()
    [gone] = source.rows("SELECT storage_key FROM attachments WHERE thumbnail_key IS NOT NULL")
    client = Factory(source.app).client()

    def change() -> None:
        confab_state(source.app).storage().delete(gone[0])
        send(client, attachment_ids=[uploaded(client, picture(), "late.png")["id"]])

    after_snapshot(change)
    told = source.flask("backup", "create", str(path))
    assert f"missing in the storage: {gone[0]}" in told
    assert "1 files are not in the backup" in told
    target = install(kind_of(source))
    assert gone[0] in target.flask("backup", "restore", str(path))
    del before[gone[0]]
    assert target.files() == before
    assert target.content()["attachments"][0] == 3


def test_nobody_else_can_read_the_archive_while_it_is_written(
    original: Installation, tmp_path: Path, after_snapshot: Any
) -> None:
    modes: list[str] = []

    def look() -> None:
        modes.extend(
            f"{each.name} {stat.S_IMODE(each.stat().st_mode):o}" for each in tmp_path.rglob(".backup.tar.part*")
        )
        modes.extend(f"{each.name} {stat.S_IMODE(each.stat().st_mode):o}" for each in tmp_path.rglob("database"))

    after_snapshot(look)
    former = os.umask(0)
    try:
        original.flask("backup", "create", str(tmp_path / "backup.tar"))
    finally:
        os.umask(former)
    assert modes == [".backup.tar.part 700", "database 600"]
    assert stat.S_IMODE((tmp_path / "backup.tar").stat().st_mode) == 0o600


def test_a_large_file_is_never_in_memory_as_a_whole(install: Install, install_filled: Fill, tmp_path: Path) -> None:
    source, path = install_filled("sqlite"), tmp_path / "backup.tar"
    size = 48 * 2**20
    key = source.one("SELECT max(storage_key) FROM attachments")
    with (source.folder / "uploads" / key).open("wb") as file:
        file.truncate(size)
    target = install("sqlite")
    tracemalloc.start()
    try:
        source.flask("backup", "create", str(path))
        target.flask("backup", "restore", str(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (target.folder / "uploads" / key).stat().st_size == size
    assert peak < size / 3


def test_a_backup_has_what_was_committed_while_others_write(
    source: Installation, install: Install, tmp_path: Path
) -> None:
    """On SQLite the committed row is only in the WAL, because a connection is open."""
    path, insert = tmp_path / "backup.tar", "INSERT INTO audit_events (action) VALUES ('{}')"
    with source.engine.connect() as connection:
        connection.exec_driver_sql(insert.format("committed"))
        connection.commit()
        expected = source.content()
        connection.exec_driver_sql(insert.format("uncommitted"))
        source.flask("backup", "create", str(path))
        connection.rollback()
    target = install(kind_of(source))
    target.flask("backup", "restore", str(path))
    assert target.content() == expected
    assert target.rows("SELECT action FROM audit_events WHERE action LIKE '%committed'") == [("committed",)]


@pytest.fixture
def prefixes() -> Iterator[list[Storage]]:
    """Two prefixes of one bucket."""
    for found in bucket("first"):
        from backend.storage.bucket import BucketStorage

        yield [found, BucketStorage("s3://files/second")]


def test_files_in_a_bucket(install: Install, tmp_path: Path, prefixes: list[Storage]) -> None:
    source, target, path = install("sqlite"), install("sqlite"), tmp_path / "backup.tar"
    for installation, files in zip((source, target), prefixes, strict=True):
        confab_state(installation.app).storage = lambda files=files: files
    fill(source)
    source.flask("backup", "create", str(path))
    target.flask("backup", "restore", str(path))
    for (key,) in source.rows("SELECT storage_key FROM attachments"):
        first, second = (b"".join(files.read(key)) for files in prefixes)
        assert first == second
    again = install("sqlite")
    confab_state(again.app).storage = lambda: prefixes[1]
    assert "The storage has files" in again.flask("backup", "restore", str(path), code=1)


def test_an_existing_file_is_not_replaced(original: Installation, tmp_path: Path) -> None:
    path = tmp_path / "backup.tar"
    path.write_bytes(b"mine")
    assert "already exists" in original.flask("backup", "create", str(path), code=1)
    assert path.read_bytes() == b"mine"


def test_a_backup_that_fails_leaves_nothing(
    original: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(create, "publish", fail)
    before = sorted(tmp_path.iterdir())
    (tmp_path / ".backup.tar.part").mkdir()  # as a killed process leaves it
    (tmp_path / ".backup.tar.part" / "archive").write_bytes(b"half")
    assert "No space left" in original.flask("backup", "create", str(tmp_path / "backup.tar"), code=1)
    assert sorted(tmp_path.iterdir()) == before
