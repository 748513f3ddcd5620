"""Files in a folder and in a bucket: the same behaviour."""

from __future__ import annotations

import errno
import functools
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from backend.errors import NotFound
from backend.ops.doctor import examine
from backend.storage import FileMissing, Storage, StorageAway, check_key, open_storage, storage
from backend.storage.base import CHUNK
from backend.storage.folder import FolderStorage
from backend.threadpool import DISK, READS, Offload
from tests.processes import wait_until

DATA = bytes(range(256)) * 5000


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    if request.param == "folder":
        yield FolderStorage(str(tmp_path / "uploads"))
    else:
        yield from bucket()


def bucket(prefix: str = "some/prefix") -> Iterator[Any]:
    import boto3
    from moto import mock_aws

    from backend.storage.bucket import BucketStorage

    names = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    names["MOTO_S3_DEFAULT_KEY_BUFFER_SIZE"] = str(2**26)  # moto does not close the files that it makes beyond it
    with pytest.MonkeyPatch.context() as patched:
        for name, value in names.items():
            patched.setenv(name, value)
        with mock_aws():
            patched.setattr(boto3, "DEFAULT_SESSION", _boto3_session())
            boto3.client("s3").create_bucket(Bucket="files")
            yield BucketStorage(f"s3://files/{prefix}")


@functools.cache
def _boto3_session() -> Any:
    """The same for every bucket: a new one reads its description of S3 again, which takes 0.1 s."""
    import boto3

    return boto3.Session()


def test_a_written_file_can_be_read(store: Storage) -> None:
    assert store.write("a/b.bin", BytesIO(DATA)) == len(DATA)
    assert store.size("a/b.bin") == len(DATA)
    assert b"".join(store.read("a/b.bin")) == DATA
    assert b"".join(store.read("a/b.bin", 1000)) == DATA[1000:]
    assert b"".join(store.read("a/b.bin", 300_000, 600_000)) == DATA[300_000:900_000]
    assert b"".join(store.read("a/b.bin", 5, 0)) == b""
    store.write("a/b.bin", BytesIO(b"other"))
    assert b"".join(store.read("a/b.bin")) == b"other"


def test_a_missing_file(store: Storage) -> None:
    store.delete("never.bin")
    store.write("x", BytesIO(b""))
    store.delete("x")
    for call in (store.read, store.size):
        with pytest.raises(FileMissing) as caught:
            call("x")
        assert isinstance(caught.value, NotFound)


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../x", "a/../x", "a//b", "a/", ".x", "a/.x", "a b", "a\0", "a\n", "é", "a.b.c", "x" * 256],
)
def test_a_key_cannot_leave_the_storage(store: Storage, key: str) -> None:
    for call in (store.read, store.size, store.delete, lambda k: store.write(k, BytesIO(b"x"))):
        with pytest.raises(ValueError, match="not the key of a file"):
            call(key)
    assert check_key("a/b-c_d.webp")


def test_a_check_of_a_working_storage(store: Storage) -> None:
    store.check()


def test_a_check_of_a_broken_storage(store: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(store), "read", lambda *_: iter([b"other"]))
    with pytest.raises(StorageAway, match="other bytes"):
        store.check()


def test_a_failing_source_leaves_no_file(tmp_path: Path) -> None:
    store = FolderStorage(str(tmp_path))

    class Broken(BytesIO):
        def read(self, *_: Any) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(StorageAway, match="Input/output"):
        store.write("a", Broken())
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_written_file_is_on_the_disk_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    FolderStorage(str(tmp_path / "u")).write("a/b", BytesIO(b"x"))
    assert synced[1:] == [str(tmp_path / "u" / "a"), str(tmp_path / "u")]
    assert Path(synced[0]).parent == tmp_path / "u", "the draft, before it is renamed"


def test_a_folder_is_private(tmp_path: Path) -> None:
    FolderStorage(str(tmp_path / "u")).write("a/b", BytesIO(b"x"))
    assert stat.S_IMODE(os.stat(tmp_path / "u" / "a").st_mode) == 0o700
    assert stat.S_IMODE(os.stat(tmp_path / "u" / "a" / "b").st_mode) == 0o600


def test_a_folder_that_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    store = FolderStorage(str(tmp_path / "file" / "below"))
    for call in (store.check, lambda: store.read("a"), lambda: store.delete("a")):
        with pytest.raises(StorageAway):
            call()


@pytest.mark.parametrize(("size", "turns"), [(0, 1), (1, 1), (CHUNK, 2), (CHUNK + 1, 2), (2 * CHUNK + 1, 3)])
def test_each_piece_of_a_file_takes_one_turn_of_the_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, turns: int
) -> None:
    """Only a file of whole pieces whose size the caller does not give needs one more turn to find its end."""
    store, keys = FolderStorage(str(tmp_path)), []
    store.write("a", BytesIO(bytes(size)))
    run = READS.run
    monkeypatch.setattr(READS, "run", lambda key, *call: (keys.append(key), run(key, *call))[1])
    assert b"".join(store.read("a")) == bytes(size)
    assert len(keys) == turns
    keys.clear()
    assert b"".join(store.read("a", 0, size)) == bytes(size)
    assert len(keys) == max(1, -(-size // CHUNK))
    assert len({*keys}) == 1


def test_concurrent_readers_of_a_file_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, keys = FolderStorage(str(tmp_path)), []
    store.write("a", BytesIO(b"x"))
    run = READS.run
    monkeypatch.setattr(READS, "run", lambda key, *call: (keys.append(key), run(key, *call))[1])
    assert [b"".join(store.read("a")) for _ in range(2)] == [b"x", b"x"]
    assert len({*keys}) == 2


@pytest.mark.parametrize(("method", "threads"), [("delete", DISK), ("size", READS)])
def test_a_file_is_deleted_and_measured_by_the_threads_for_the_disk(
    tmp_path: Path, method: str, threads: Offload
) -> None:
    """While all of these are busy the caller waits. The loop never waits for the disk."""
    store = FolderStorage(str(tmp_path))
    store.write("a/b", BytesIO(b"1"))
    with ExitStack() as stack, ThreadPoolExecutor(1) as pool:
        for number in range(threads.threads):
            stack.enter_context(threads.line.turn(f"{number}"))
        done = pool.submit(getattr(store, method), "a/b")
        try:
            wait_until(lambda: threads.line.waiting == 1, "the call to wait for its turn")
            assert (tmp_path / "a/b").exists()
        finally:
            stack.close()
        assert done.result(10) == (1 if method == "size" else None)
    assert (tmp_path / "a/b").exists() == (method == "size")


def test_a_disk_that_fails_while_a_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderStorage(str(tmp_path))
    (tmp_path / "broken").symlink_to("/proc/self/mem")  # can be opened; reading its first byte is an I/O error
    with pytest.raises(StorageAway, match="Input/output error"):
        store.read("broken")
    store.write("a", BytesIO(bytes(CHUNK + 1)))
    pieces = store.read("a")
    assert len(next(pieces)) == CHUNK
    monkeypatch.setattr(READS, "run", _broken)
    with pytest.raises(StorageAway, match="Input/output error"):
        next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert list(pieces) == []


def _broken(*_: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_missing_bucket() -> None:
    for store in bucket():
        store.bucket = "another"
        with pytest.raises(StorageAway):
            store.check()
        with pytest.raises((StorageAway, FileMissing)):
            store.read("a")


def test_a_bucket_whose_server_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    for store in bucket(prefix=""):
        assert store.prefix == ""
        monkeypatch.setattr(store.client, "get_object", _away)
        with pytest.raises(StorageAway, match="EndpointConnectionError"):
            store.read("a")


def _away(**_: Any) -> None:
    from botocore.exceptions import EndpointConnectionError

    raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")


def test_a_bucket_without_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from backend.storage.bucket import BucketStorage

    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(StorageAway, match="pip install boto3"):
        BucketStorage("s3://files")


def test_the_url_selects_the_storage(make_app: Any, tmp_path: Path) -> None:
    app: Flask = make_app({"STORAGE_URL": str(tmp_path)})
    with app.app_context():
        assert isinstance(storage(), FolderStorage)
        assert storage() is storage()
    for _ in bucket():
        assert type(open_storage("s3://files/p")).__name__ == "BucketStorage"


def test_doctor_checks_the_bucket(make_app: Callable[..., Flask]) -> None:
    for _ in bucket():
        good, bad = (make_app({"STORAGE_URL": f"s3://{name}/p"}) for name in ("files", "another"))
        assert [finding for finding in examine(good) if finding.part == "storage"] == []
        [finding] = [finding for finding in examine(bad) if finding.part == "storage"]
        assert "NoSuchBucket" in finding.problem
