"""Permissions of the server's files: only its own account can read them, and no other account of the machine.

Gunicorn's master uses this module, so it imports nothing of `backend`.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from config import SECRET_FILES, SECRETS_ENV, Config

OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OWN_FOLDERS = re.compile(r"uploads|metrics-[0-9]+|\.restore|lost\+found")


def set_umask() -> None:
    """Deny other accounts access to files that this process creates from now on: database, WAL, uploads, copies."""
    os.umask(OTHERS)


def write_private(path: Path, data: bytes) -> None:
    """Write *data* to *path*, completely or not at all, with mode 600 from the first byte. Replaces an existing file."""
    draft = path.with_name(f".{path.name}.part")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def work_folder(path: Path) -> Iterator[Path]:
    """Make an empty folder of mode 700 at *path*, and remove it at the end. It replaces what a killed process left there."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def private_paths(config: Config) -> Iterator[Path]:
    """Yield the existing paths of INSTANCE_DIR, its secrets and uploads, and the SQLite database with its WAL and copies."""
    folder = config.instance_dir
    names = [folder, *(folder / name for name in (*SECRET_FILES, SECRETS_ENV)), folder / "uploads"]
    database = config.database_file
    if database is not None:
        names += sorted(database.parent.glob(f"{glob.escape(database.name)}*"))
    return (path for path in names if path.exists())


def is_open(path: Path) -> bool:
    """Return whether the mode of *path* gives other accounts any access."""
    return bool(path.stat().st_mode & OTHERS)


def tighten(config: Config) -> None:
    """Remove other accounts' access to files of an earlier release, or to copied files.

    Files of another account do not change, and neither does a folder with foreign content. `flask doctor` reports them.
    """
    for path in private_paths(config):
        with suppress(OSError):  # the file is gone, or its file system has no modes
            if is_open(path) and _is_ours(path):
                path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS)


def _is_ours(path: Path) -> bool:
    found = path.stat()
    if found.st_uid != os.geteuid():
        return False
    if not path.is_dir():
        return True
    is_shared = found.st_mode & stat.S_ISVTX or path == Path(path.anchor)
    return path.name == "uploads" or not (is_shared or any(map(_is_foreign, path.iterdir())))


def _is_foreign(path: Path) -> bool:
    return path.is_dir() and not _OWN_FOLDERS.fullmatch(path.name)
