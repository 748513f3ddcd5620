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
from dataclasses import asdict, dataclass
from typing import IO, Any

from backend.storage.base import CHUNK

FORMAT = 1
FACTS, SECRETS, MANIFEST, FILES = "backup.json", "secrets.env", "manifest.jsonl", "files/"
SQLITE_DATABASE, POSTGRESQL_DATABASE = "database.sqlite", "database.dump"
DATABASES = (SQLITE_DATABASE, POSTGRESQL_DATABASE)


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


class ArchiveWriter:
    """Writes an archive to *file*. Holds no member in memory, except those that are given as bytes."""

    def __init__(self, file: IO[bytes], *, is_compressed: bool, modified_at: float):
        self._gzip = gzip.GzipFile(fileobj=file, mode="wb", filename="", compresslevel=6) if is_compressed else None
        self._tar = tarfile.TarFile(fileobj=self._gzip or file, mode="w", copybufsize=CHUNK)
        self._modified_at = modified_at
        self._manifest = tempfile.TemporaryFile()  # noqa: SIM115  # `close` closes it

    def add(self, name: str, size: int, source: IO[bytes]) -> None:
        """Add *size* bytes of *source*. Raises OSError if it has fewer."""
        hashed = HashingReader(source)
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
        self._manifest.write(manifest_line(entry))


def manifest_entry(name: str, size: int, digest: str) -> dict[str, Any]:
    """The entry of a member in the manifest."""
    return {"name": name, "size": size, "sha256": digest}


def facts_json(facts: Facts) -> bytes:
    """*facts* as the content of their member."""
    return json.dumps(asdict(facts), indent=2).encode() + b"\n"


def manifest_line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry).encode() + b"\n"


class HashingReader:
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
