"""What the server keeps in files is for its own account alone: no other account of the machine reads them.

For gunicorn's master as well, so it imports nothing of `backend`.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from config import SECRET_FILES, Config

OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OWN_FOLDERS = re.compile(r"uploads|metrics-[0-9]+|lost\+found")


def set_umask() -> None:
    """Close what this process makes from now on to every other account: the database beside its WAL, uploads, copies."""
    os.umask(OTHERS)


def private_paths(config: Config) -> Iterator[Path]:
    """What there is of INSTANCE_DIR, the secrets and uploads in it, and the SQLite database with its WAL and copies."""
    folder = config.instance_dir
    names = [folder, *(folder / name for name in SECRET_FILES), folder / "uploads"]
    database = config.database_file
    if database is not None:
        names += sorted(database.parent.glob(f"{glob.escape(database.name)}*"))
    return (path for path in names if path.exists())


def is_open(path: Path) -> bool:
    """Whether the mode of *path* lets other accounts do anything with it."""
    return bool(path.stat().st_mode & OTHERS)


def tighten(config: Config) -> None:
    """Close to other accounts what an earlier release, or a careless copy, left open to them.

    What belongs to another account stays as it is, and so does a folder that holds more than ours; `flask doctor` names them.
    """
    for path in private_paths(config):
        with suppress(OSError):  # it is gone, or on a file system that knows no modes
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
