"""A backup is only restored into an empty installation with the right secrets."""

from __future__ import annotations

import stat
from pathlib import Path
from secrets import token_hex

import pytest
from dotenv import dotenv_values

from tests.ops.backup.conftest import KINDS, Fill, Install, Installation, fill
from tests.ops.backup.test_round_trip import kind_of


def test_an_installation_with_content_is_refused(original: Installation, archive: Path) -> None:
    before = (original.content(), original.files(), original.secrets())
    assert "The database is not empty" in original.flask("backup", "restore", str(archive), code=1)
    assert (original.content(), original.files(), original.secrets()) == before


def test_an_empty_database_at_head_is_accepted(original: Installation, archive: Path, install: Install) -> None:
    target = install(kind_of(original))
    target.flask("db", "upgrade")
    target.flask("backup", "restore", str(archive))
    assert target.content() == original.content()


def test_a_table_of_another_program_is_refused(original: Installation, archive: Path, install: Install) -> None:
    target = install(kind_of(original))
    target.run("CREATE TABLE invoices (id integer)")
    assert "its table invoices" in target.flask("backup", "restore", str(archive), code=1)
    assert target.tables() == {"invoices"}


def test_a_storage_with_files_is_refused(original: Installation, archive: Path, install: Install) -> None:
    target = install(kind_of(original))
    for key in ("avatars/1/x.webp", "attachments/2026-01-01/x"):
        file = target.folder / "uploads" / key
        file.parent.mkdir(parents=True)
        file.write_bytes(b"mine")
        assert "The storage has files" in target.flask("backup", "restore", str(archive), code=1)
        assert list(target.files()) == [key]
        file.unlink()
    assert target.tables() == set()


def test_a_dump_of_postgresql_is_not_for_sqlite(install: Install, install_filled: Fill, tmp_path: Path) -> None:
    source, path = install_filled("postgresql"), tmp_path / "backup.tar"
    source.flask("backup", "create", str(path))
    target = install("sqlite")
    assert "flask backup create --portable" in target.flask("backup", "restore", str(path), code=1)
    assert not (target.folder / "confab.db").exists()


def test_a_dump_needs_pg_restore(
    install: Install, install_filled: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target, path = install_filled("postgresql"), install("postgresql"), tmp_path / "backup.tar"
    source.flask("backup", "create", str(path))
    with monkeypatch.context() as patched:
        patched.setenv("PATH", "/nonexistent")
        assert "pg_restore is not installed" in target.flask("backup", "restore", str(path), code=1)
    assert (target.tables(), target.files()) == (set(), {})
    target.flask("backup", "restore", str(path))
    assert target.content() == source.content()


def test_secrets_of_another_installation_are_kept(
    original: Installation, archive: Path, install: Install, tmp_path: Path
) -> None:
    """Files of secrets that were there before may belong to another database, unless the database is beside them."""
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "secret_key").write_text(token_hex(32))
    elsewhere = {"DATABASE_URL": f"sqlite:///{tmp_path / 'elsewhere.db'}"} if kind_of(original) == "sqlite" else {}
    target = install(kind_of(original), elsewhere, folder=folder)
    before = target.secrets()
    told = target.flask("backup", "restore", str(archive), code=1)
    assert f"{folder / 'secret_key'} is a secret of another installation" in told
    assert target.secrets() == before
    assert (target.tables(), target.files()) == (set(), {})
    beside = install("sqlite", {}, folder=folder)
    if kind_of(original) == "sqlite":
        beside.flask("backup", "restore", str(archive))
        assert beside.secrets() == original.secrets()


@pytest.mark.parametrize("kind", KINDS)
def test_secrets_of_the_environment(install: Install, tmp_path: Path, kind: str) -> None:
    """They are in the archive, and the environment must have them before anything is restored."""
    first, second = ({"SECRET_KEY": token_hex(32), "JWT_SECRET_KEY": token_hex(32)} for _ in range(2))
    production = {"APP_ENV": "production", "JWT_SECRET_KEY_PREVIOUS": token_hex(32)}
    source, path = fill(install(kind, {**production, **first})), tmp_path / "backup.tar"
    source.flask("backup", "create", str(path))
    target = install(kind, {"APP_ENV": "production", **second})
    told = target.flask("backup", "restore", str(path), code=1)
    written = target.folder / "secrets.env"
    assert f"They were written to {written}" in told
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    expected = {**first, "JWT_SECRET_KEY_PREVIOUS": production["JWT_SECRET_KEY_PREVIOUS"]}
    assert dotenv_values(written) == expected
    assert not any(secret in told for secret in (*expected.values(), *second.values()))
    assert (target.tables(), target.files()) == (set(), {})
    written.unlink()
    database = {"DATABASE_URL": target.app.config["CONFAB"].database_url}
    again = install(kind, {"APP_ENV": "production", **first, **database}, folder=target.folder)
    assert "JWT_SECRET_KEY_PREVIOUS" in again.flask("backup", "restore", str(path))
    assert again.content() == source.content()
    assert not list(target.folder.glob("*secret*"))
