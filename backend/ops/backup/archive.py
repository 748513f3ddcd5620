"""The archive of a backup: a tar file, compressed if its name ends with `gz`.

Its members are, in this order:

- `backup.json`: what the backup is of (`Facts`);
- `secrets.env`: the secrets, as lines NAME=value;
- `database.sqlite`, or `database.dump` of pg_dump;
- `files/KEY` for each file of the storage;
- `manifest.jsonl`: a line for each member before it, with its name, size and SHA-256, and a line for each file that was missing.

The sizes and hashes are known only after the members are written, so the manifest is the last member. An archive without it is
incomplete.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from click import ClickException

from backend.ops.backup import secrets_file
from backend.ops.backup.files import is_key
from backend.ops.backup.progress import Progress
from backend.storage.base import CHUNK

FORMAT = 1
FACTS, SECRETS, MANIFEST, FILES = "backup.json", "secrets.env", "manifest.jsonl", "files/"
SQLITE_DATABASE, POSTGRESQL_DATABASE = "database.sqlite", "database.dump"
DATABASES = (SQLITE_DATABASE, POSTGRESQL_DATABASE)
MAX_SMALL_MEMBER = 2**20
"""The largest size of a member that is held in memory."""

UNREADABLE = (tarfile.TarError, EOFError, zlib.error, OSError)
"""What the libraries raise for a damaged archive."""


@dataclass(frozen=True)
class Facts:
    """What a backup is of. `rows` has the number of rows of each table, and `files` the number of files that rows name."""

    format: int
    version: str
    revision: str
    database: str
    created_at: str
    rows: dict[str, int]
    files: int


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


class ArchiveWriter:
    """Writes an archive to *file*. Holds no member in memory, except those that are given as bytes."""

    def __init__(self, file: IO[bytes], *, is_compressed: bool, modified_at: float):
        self._gzip = gzip.GzipFile(fileobj=file, mode="wb", filename="", compresslevel=6) if is_compressed else None
        self._tar = tarfile.TarFile(fileobj=self._gzip or file, mode="w", copybufsize=CHUNK)
        self._modified_at = modified_at
        self._manifest = tempfile.TemporaryFile()  # noqa: SIM115  # `close` closes it

    def add(self, name: str, size: int, source: IO[bytes]) -> None:
        """Add *size* bytes of *source*. Raises OSError if it has fewer."""
        hashed = _HashingReader(source)
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, 0o600, int(self._modified_at)
        self._tar.addfile(info, hashed)
        self._tar.members.clear()  # type: ignore[attr-defined]  # otherwise it holds an object for each member
        self._note(manifest_entry(name, size, hashed.digest))

    def add_bytes(self, name: str, data: bytes) -> None:
        """Add a small member."""
        self.add(name, len(data), io.BytesIO(data))

    def add_missing(self, name: str) -> None:
        """Note that a file is not in the archive, because the storage does not have it."""
        self._note({"name": name, "missing": True})

    def finish(self) -> None:
        """Write the manifest and the end of the archive."""
        size = self._manifest.tell()
        self._manifest.seek(0)
        manifest, self._manifest = self._manifest, tempfile.TemporaryFile()  # noqa: SIM115
        with manifest:
            self.add(MANIFEST, size, manifest)
        self._tar.close()
        if self._gzip is not None:
            self._gzip.close()

    def close(self) -> None:
        """Release the resources. The archive is incomplete without `finish`."""
        self._manifest.close()

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _note(self, entry: dict[str, Any]) -> None:
        self._manifest.write(_line(entry))


def manifest_entry(name: str, size: int, digest: str) -> dict[str, Any]:
    """The entry of a member in the manifest."""
    return {"name": name, "size": size, "sha256": digest}


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
            computed.write(_line(manifest_entry(name, size, _hash(member, kept))))
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


def facts_json(facts: Facts) -> bytes:
    """*facts* as the content of their member."""
    return json.dumps(asdict(facts), indent=2).encode() + b"\n"


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry).encode() + b"\n"


def _hash(member: IO[bytes], copy: IO[bytes] | None) -> str:
    hashed = _HashingReader(member)
    while piece := hashed.read(CHUNK):
        if copy is not None:
            copy.write(piece)
    return hashed.digest


class _HashingReader:
    """Reads from *source*, and hashes what it reads."""

    def __init__(self, source: IO[bytes]):
        self._source = source
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._hash.update(data)
        return data

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()
