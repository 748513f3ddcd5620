"""Reads archives, which may be damaged, incomplete, or made by somebody else."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO, cast

from click import ClickException

from backend.ops.backup import secrets_file
from backend.ops.backup.archive import (
    DATABASES,
    FACTS,
    FILES,
    FORMAT,
    MANIFEST,
    SECRETS,
    Facts,
    HashingReader,
    manifest_entry,
    manifest_line,
)
from backend.ops.backup.files import is_key
from backend.ops.backup.progress import Progress
from backend.storage.base import CHUNK

MAX_SMALL_MEMBER = 2**20
"""The largest size of a member that is held in memory."""

UNREADABLE = (tarfile.TarError, EOFError, zlib.error, OSError)
"""What the libraries raise for a damaged archive."""


@dataclass
class Contents:
    """A verified archive. `digest` is the SHA-256 of its manifest, and so identifies it."""

    path: Path
    facts: Facts
    secrets: dict[str, str]
    database: str
    digest: str
    files: int = 0
    missing: list[str] = field(default_factory=list)


def verify(path: Path) -> Contents:
    """Read the whole archive, and compare the name, size and hash of each member with the manifest.

    Raises ClickException if anything differs. Changes nothing.
    """
    small: dict[str, bytes] = {}
    database, digest, files, missing = "", "", 0, list[str]()
    progress = Progress("Checking the archive")
    with _readable(path), tempfile.TemporaryFile() as computed:
        for name, size, member in read_members(path):
            if digest:
                raise damaged(path, f"it continues after {MANIFEST}")
            if name == MANIFEST:
                computed.seek(0)
                missing, digest = _compare(path, member, computed)
                continue
            kept = io.BytesIO() if name in (FACTS, SECRETS) and size <= MAX_SMALL_MEMBER else None
            computed.write(manifest_line(manifest_entry(name, size, _hash(member, kept))))
            progress.add(size)
            files += name.startswith(FILES)
            database = name if name in DATABASES else database
            if kept is not None:
                small[name] = kept.getvalue()
    if not digest:
        raise damaged(path, "its end is missing")
    if not (database and FACTS in small and SECRETS in small):
        raise damaged(path, "a member is missing")
    secrets = secrets_file.parse(small[SECRETS].decode())
    return Contents(path, _facts(path, small[FACTS]), secrets, database, digest, files, missing)


def read_members(path: Path) -> Iterator[tuple[str, int, BinaryIO]]:
    """Yield the name, size and content of each member, in order. Raises ClickException if one is not a member of a backup."""
    with _readable(path), tarfile.open(path) as tar:
        while (info := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # otherwise it holds an object for each member
            if not (info.isreg() and _is_member(info.name)):
                raise ClickException(f"{path} is not a backup: it has a member {info.name!r}. Nothing was changed.")
            member = tar.extractfile(info)
            if member is not None:
                yield info.name, info.size, cast(BinaryIO, member)


def damaged(path: Path, reason: str) -> ClickException:
    """The error about a damaged archive."""
    return ClickException(f"{path} is damaged or incomplete: {reason}. Nothing was changed. Use another backup.")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        reason = str(error).partition("\n")[0].rstrip(".:") or type(error).__name__
        raise damaged(path, reason) from error


def _is_member(name: str) -> bool:
    if name.startswith(FILES):
        return is_key(name.removeprefix(FILES))
    return name in (FACTS, SECRETS, MANIFEST, *DATABASES)


def _compare(path: Path, manifest: IO[bytes], computed: IO[bytes]) -> tuple[list[str], str]:
    """Compare the lines of both. Returns the missing files that the manifest names, and the hash of the manifest."""
    digest, missing = hashlib.sha256(), []
    for line in manifest:
        digest.update(line)
        try:
            entry = json.loads(line)
            name = str(entry["name"])
        except (ValueError, TypeError, KeyError):
            raise damaged(path, "its manifest cannot be read") from None
        if entry.get("missing"):
            missing.append(name.removeprefix(FILES))
        elif line != computed.readline():
            raise damaged(path, f"{name} differs from the manifest")
    if computed.readline():
        raise damaged(path, "the manifest does not name every member")
    return missing, digest.hexdigest()


def _facts(path: Path, data: bytes) -> Facts:
    try:
        found = json.loads(data)
        if found["format"] != FORMAT:
            raise ClickException(
                f"{path} has format {found['format']}, and this version of Confab reads format {FORMAT}. "
                f"Nothing was changed. Restore it with version {found['version']}."
            )
        return Facts(**found)
    except (ValueError, TypeError, KeyError):
        raise damaged(path, f"{FACTS} cannot be read") from None


def _hash(member: IO[bytes], copy: IO[bytes] | None) -> str:
    hashed = HashingReader(member)
    while piece := hashed.read(CHUNK):
        if copy is not None:
            copy.write(piece)
    return hashed.digest
