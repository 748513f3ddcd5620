"""A restoration that was interrupted is repeated, or says what to do."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backend.ops.backup import restore
from backend.storage.folder import FolderStorage
from tests.ops.backup.conftest import Fill, Install, Installation
from tests.ops.backup.test_round_trip import kind_of
from tests.processes import wait_until
from tests.servers import ROOT, environment


class Killed(BaseException):
    """Ends a command at once."""


def interrupt(target: Installation, archive: Path, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    """Restore *archive*, and end it at *stage*."""

    def kill(*_: Any, **__: Any) -> None:
        raise Killed

    writes = []

    def write_two(self: FolderStorage, *args: Any) -> Any:
        writes.append(args)
        return kill() if len(writes) == 3 else write(self, *args)

    write = FolderStorage.write
    with monkeypatch.context() as patched:
        if stage == "files":
            patched.setattr(FolderStorage, "write", write_two)
        else:
            patched.setattr(restore, stage, kill)
        with pytest.raises(Killed):
            target.flask("backup", "restore", str(archive))
    target.dispose()


def restarted(install: Install, target: Installation) -> Installation:
    """The same installation in a new process."""
    return install(kind_of(target), {"DATABASE_URL": target.app.config["CONFAB"].database_url}, folder=target.folder)


@pytest.mark.parametrize("stage", ["files", "write_secrets", "restore_database", "restore", "check_restored"])
def test_an_interrupted_restoration_is_repeated(
    original: Installation, archive: Path, install: Install, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    target = install(kind_of(original))
    interrupt(target, archive, monkeypatch, stage)
    target = restarted(install, target)
    assert "interrupted" in target.flask("doctor", code=1)
    target.flask("backup", "restore", str(archive))
    assert target.content() == original.content()
    assert target.files() == original.files()
    assert target.secrets() == original.secrets()
    assert target.flask("doctor") == "Nothing is wrong.\n"
    assert "not empty" in target.flask("backup", "restore", str(archive), code=1)


def test_another_backup_is_refused_after_an_interruption(
    archive: Path, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, original: Installation
) -> None:
    other = install("sqlite")
    other.flask("db", "upgrade")
    other.flask("backup", "create", str(tmp_path / "later.tar"))
    target = install(kind_of(original))
    interrupt(target, archive, monkeypatch, "write_secrets")
    before = target.files()
    told = target.flask("backup", "restore", str(tmp_path / "later.tar"), code=1)
    assert f"delete {target.folder / 'restore.json'}" in told
    assert target.files() == before


def test_a_database_that_something_else_changed_is_reported(
    original: Installation, archive: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = install(kind_of(original))
    interrupt(target, archive, monkeypatch, "check_restored")
    target.run("DELETE FROM audit_events", "INSERT INTO audit_events (action) VALUES ('x'), ('y'), ('z'), ('a')")
    target = restarted(install, target)
    assert "something else changed the database" in target.flask("backup", "restore", str(archive), code=1)


def test_a_lost_file_is_reported(
    original: Installation, archive: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = install(kind_of(original))
    check = restore.check_restored

    def lose(*args: Any) -> None:
        next((target.folder / "uploads").rglob("*.webp")).unlink()
        check(*args)

    with monkeypatch.context() as patched:
        patched.setattr(restore, "check_restored", lose)
        assert "1 files are not in the storage" in target.flask("backup", "restore", str(archive), code=1)
    target = restarted(install, target)
    target.flask("backup", "restore", str(archive))
    assert target.files() == original.files()


def test_a_killed_process(install: Install, install_filled: Fill, tmp_path: Path) -> None:
    """The database is locked, so the process waits there when it is killed, and has written the files and secrets."""
    source, archive = install_filled("sqlite"), tmp_path / "backup.tar"
    source.flask("backup", "create", str(archive))
    folder = tmp_path / "target"
    folder.mkdir()
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "backup", "restore", str(archive)]
    env = environment({"INSTANCE_DIR": str(folder)})
    with closing(sqlite3.connect(folder / "confab.db", isolation_level=None)) as lock:
        lock.execute("PRAGMA journal_mode=WAL")
        lock.execute("BEGIN IMMEDIATE")
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=log)
        wait_until(lambda: "Restoring the database" in (tmp_path / "log").read_text(), "the restoration", 60)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL
    assert (folder / "restore.json").exists()
    target = install("sqlite", {}, folder=folder)
    target.flask("backup", "restore", str(archive))
    assert target.content() == source.content()
    assert target.files() == source.files()
    assert target.secrets() == source.secrets()
    assert not (folder / ".restore").exists()
