"""Archives that are damaged, incomplete, or made by somebody else: nothing is restored from them."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from backend.ops.backup import secrets_file
from backend.ops.backup.archive import FORMAT, ArchiveWriter, Facts, facts_json
from backend.ops.backup.verify import verify
from backend.schema.revisions import head_revision
from tests.ops.backup.conftest import Install, Installation

FACTS = Facts(FORMAT, "0.1.0", head_revision(), "sqlite", "2026-01-01T00:00:00+00:00", {"users": 1}, 1)
KEY = "attachments/2026-01-01/abcdefgh"
SECRETS = {"SECRET_KEY": "s" * 40, "JWT_SECRET_KEY": "j" * 40}
MEMBERS = {
    "backup.json": facts_json(FACTS),
    "secrets.env": secrets_file.render(SECRETS).encode(),
    "database.sqlite": b"the database" * 1000,
    f"files/{KEY}": b"a file" * 1000,
}


def write(path: Path, members: dict[str, bytes] = MEMBERS, *, is_compressed: bool = False) -> Path:
    """Write an archive of *members*, with their manifest."""
    with path.open("wb") as file, ArchiveWriter(file, is_compressed=is_compressed, modified_at=0) as archive:
        for name, data in members.items():
            archive.add_bytes(name, data)
        archive.finish()
    return path


CheckRefused = Callable[..., str]


@pytest.fixture(scope="module")
def empty() -> Iterator[list[Installation]]:
    """Empty installations. A test takes one out, and puts it back if it is still empty."""
    kept: list[Installation] = []
    yield kept
    for each in kept:
        each.dispose()


@pytest.fixture
def check_refused(empty: list[Installation], install: Install) -> CheckRefused:
    """Assert that an empty installation refuses the archive, and stays empty. Returns what was printed."""

    def act(path: Path, reason: str = "") -> str:
        target = empty.pop() if empty else install("sqlite")
        told = target.flask("backup", "restore", str(path), code=1)
        assert "Nothing was changed" in told
        assert reason in told
        assert "Traceback" not in told
        assert sorted(each.name for each in target.folder.iterdir()) == ["jwt_secret_key", "secret_key"]
        empty.append(target)
        return told

    return act


def place(path: Path, name: str) -> tuple[int, int]:
    """The offset and the size of a member."""
    with tarfile.open(path) as tar:
        info = tar.getmember(name)
        return info.offset_data, info.size


@pytest.mark.parametrize("name", [*MEMBERS, "manifest.jsonl"])
@pytest.mark.parametrize("where", [0.0, 0.5, 1.0])
def test_a_changed_byte(check_refused: CheckRefused, tmp_path: Path, name: str, where: float) -> None:
    path = write(tmp_path / "backup.tar")
    offset, size = place(path, name)
    data = bytearray(path.read_bytes())
    data[offset + min(int(size * where), size - 1)] ^= 1
    path.write_bytes(data)
    check_refused(path, "damaged or incomplete")


def test_a_changed_byte_of_a_compressed_archive(check_refused: CheckRefused, tmp_path: Path) -> None:
    path = write(tmp_path / "backup.tar.gz", is_compressed=True)
    whole = path.read_bytes()
    for place in range(10, len(whole), len(whole) // 12):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(Exception, match="Nothing was changed") as refusal:
            verify(path)
        assert type(refusal.value).__name__ == "ClickException"
    check_refused(path)


@pytest.mark.parametrize("is_compressed", [False, True])
def test_a_truncated_archive(check_refused: CheckRefused, tmp_path: Path, is_compressed: bool) -> None:
    path = write(tmp_path / "backup", is_compressed=is_compressed)
    whole = path.read_bytes()
    end = len(whole) * 9 // 10 if is_compressed else sum(place(path, "manifest.jsonl"))  # blocks of zeros follow
    for size in (0, 1, 100, 512, end // 2, end - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(Exception, match="damaged or incomplete") as refusal:
            verify(path)
        assert type(refusal.value).__name__ == "ClickException"
    check_refused(path)


def test_an_archive_that_ends_between_two_members(check_refused: CheckRefused, tmp_path: Path) -> None:
    path = write(tmp_path / "backup.tar")
    for name in [*MEMBERS, "manifest.jsonl"]:
        with tarfile.open(path) as tar:
            end = tar.getmember(name).offset
        (tmp_path / "cut.tar").write_bytes(path.read_bytes()[:end] + b"\0" * 1024)
        check_refused(tmp_path / "cut.tar", "damaged or incomplete")


def test_something_else(check_refused: CheckRefused, tmp_path: Path) -> None:
    path = tmp_path / "x"
    for data in (b"", b"junk" * 1000, gzip.compress(b"junk"), b"SQLite format 3\0" + b"\0" * 1000):
        path.write_bytes(data)
        check_refused(path, "damaged or incomplete")


@pytest.mark.parametrize(
    "name",
    [
        "../evil", "/etc/evil", "files/../evil", "files/attachments/../../evil", "files//etc/evil", "files/attachments//evil",
        "files/attachments/./evil", "files/attachments/.evil", "files/evil", "files/other/evil", "files/attachments",
        "files/attachments/a\\b", "files/attachments/a\nb", "files/attachments/" + "a" * 300, "evil", "secrets.env/evil",
    ],
)  # fmt: skip
def test_a_name_that_no_backup_has(check_refused: CheckRefused, tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "backup.tar", {**MEMBERS, name: b"evil"})
    check_refused(path, "is not a backup")
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_a_member_that_is_no_regular_file(check_refused: CheckRefused, tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "backup.tar"
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo(f"files/{KEY}")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)
    check_refused(path, "is not a backup")


def test_members_that_the_manifest_does_not_name(check_refused: CheckRefused, tmp_path: Path) -> None:
    path = write(tmp_path / "backup.tar")
    with tarfile.open(path) as tar:
        manifest = tar.extractfile("manifest.jsonl").read()  # type: ignore[union-attr]
    extra = f"files/{KEY}x"

    def assemble(members: dict[str, bytes]) -> None:
        with tarfile.open(path, "w") as tar:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))

    assemble({**MEMBERS, extra: b"x", "manifest.jsonl": manifest})
    check_refused(path, "does not name every member")
    assemble({**MEMBERS, "manifest.jsonl": manifest, extra: b"x"})
    check_refused(path, "continues after")
    assemble({**dict(list(MEMBERS.items())[:-1]), "manifest.jsonl": manifest})
    check_refused(path, "differs from the manifest")
    for line in (b"junk\n", b"[]\n", b"{}\n", b"\xff\n"):
        assemble({**MEMBERS, "manifest.jsonl": manifest + line})
        check_refused(path, "damaged or incomplete")


@pytest.mark.parametrize("missing", ["backup.json", "secrets.env", "database.sqlite"])
def test_a_missing_member(check_refused: CheckRefused, tmp_path: Path, missing: str) -> None:
    members = {name: data for name, data in MEMBERS.items() if name != missing}
    check_refused(write(tmp_path / "backup.tar", members), "a member is missing")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({**asdict(FACTS), "format": 2, "version": "9.1"}, "Restore it with version 9.1"),
        ({**asdict(FACTS), "revision": "9999", "version": "9.1"}, "Install version 9.1 or a newer one"),
        ([], "backup.json cannot be read"),
        ({"format": FORMAT}, "backup.json cannot be read"),
        ({**asdict(FACTS), "more": 1}, "backup.json cannot be read"),
    ],
    ids=["format", "revision", "list", "missing", "more"],
)
def test_a_backup_of_another_version(check_refused: CheckRefused, tmp_path: Path, facts: Any, reason: str) -> None:
    members = {**MEMBERS, "backup.json": json.dumps(facts).encode()}
    check_refused(write(tmp_path / "backup.tar", members), reason)


@pytest.mark.parametrize(
    "value", ["simple+/=_-.:@", "with space", "it's", 'a"b', "a\\b", "a#b", "$HOME ${x}", "å🙂", "\\'"]
)
def test_any_secret_survives(value: str) -> None:
    secrets = {"SECRET_KEY": value, "JWT_SECRET_KEY": "other"}
    assert secrets_file.parse(secrets_file.render(secrets)) == secrets


def test_the_database_of_an_archive_is_checked_before_anything_is_changed(
    check_refused: CheckRefused, tmp_path: Path
) -> None:
    """The hashes are right, and the database is not one."""
    check_refused(write(tmp_path / "backup.tar"), "is not a backup of a SQLite database")
    damaged = {**MEMBERS, "database.sqlite": b"SQLite format 3\0" + b"x" * 4096}
    check_refused(write(tmp_path / "backup.tar", damaged), "database is damaged")
