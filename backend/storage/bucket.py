"""Files in a bucket of S3 or of a compatible server (AWS_ENDPOINT_URL). Requires boto3, an optional dependency."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from backend.storage.base import CHUNK, FileMissing, Storage, StorageAway, StoredFile, check_key

PART_SIZE = 5 * 2**20
"""Bytes of a part of a multipart upload: the minimum of S3. An upload may have 10,000 parts."""

MISSING = ("404", "NoSuchKey", "NotFound")


class BucketStorage(Storage):
    """Files below a prefix of a bucket. boto3 finds the credentials and the endpoint."""

    def __init__(self, url: str):
        try:
            import boto3
            from boto3.s3.transfer import TransferConfig
            from botocore.config import Config
        except ImportError as error:
            raise StorageAway("STORAGE_URL names a bucket and needs boto3. Run: pip install boto3") from error
        parts = urlsplit(url)
        self.bucket, prefix = parts.netloc, parts.path.strip("/")
        self.prefix = f"{prefix}/" if prefix else ""
        options = Config(connect_timeout=3, read_timeout=8, retries={"max_attempts": 2, "mode": "standard"})
        # One part at a time is held in memory. With threads, each thread of boto3 would hold a part.
        self._transfer = TransferConfig(
            multipart_threshold=PART_SIZE, multipart_chunksize=PART_SIZE, max_concurrency=1, use_threads=False
        )
        with _as_away():
            self.client: Any = boto3.client("s3", config=options)

    def write(self, key: str, source: BinaryIO) -> int:
        counted = _Counted(source)
        with _as_away():
            self.client.upload_fileobj(counted, self.bucket, self._name(key), Config=self._transfer)
        return counted.count

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        if length == 0:
            return iter(())
        end = "" if length is None else start + length - 1
        with _as_away():
            wanted = {} if not start and length is None else {"Range": f"bytes={start}-{end}"}
            body = self.client.get_object(Bucket=self.bucket, Key=self._name(key), **wanted)["Body"]
        pieces: Iterator[bytes] = body.iter_chunks(CHUNK)
        return pieces

    def size(self, key: str) -> int:
        with _as_away():
            return int(self.client.head_object(Bucket=self.bucket, Key=self._name(key))["ContentLength"])

    def delete(self, key: str) -> None:
        with _as_away():
            self.client.delete_object(Bucket=self.bucket, Key=self._name(key))

    def folders(self, prefix: str) -> list[str]:
        start = self._name(prefix) + "/"
        found = []
        with _as_away():
            for page in self._pages(start):
                found += [entry["Prefix"][len(start) :].strip("/") for entry in page.get("CommonPrefixes", ())]
        return sorted(found)

    def files(self, prefix: str) -> Iterator[list[StoredFile]]:
        start = self._name(prefix) + "/"
        with _as_away():
            for page in self._pages(start):
                names = ((entry["Key"], entry["LastModified"]) for entry in page.get("Contents", ()))
                yield [StoredFile(name[len(self.prefix) :], modified_at) for name, modified_at in names]

    def remove_incomplete(self, before: datetime) -> int:
        count = 0
        with _as_away():
            pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket, Prefix=self.prefix)
            for page in pages:
                for entry in page.get("Uploads", ()):
                    if entry["Initiated"] < before:
                        self.client.abort_multipart_upload(
                            Bucket=self.bucket, Key=entry["Key"], UploadId=entry["UploadId"]
                        )
                        count += 1
        return count

    def _pages(self, start: str) -> Iterator[dict[str, Any]]:
        pages: Iterator[dict[str, Any]] = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=start, Delimiter="/"
        )
        return pages

    def _name(self, key: str) -> str:
        return self.prefix + check_key(key)


class _Counted:
    """A source that counts the bytes that are read. If boto3 closes it, the wrapped source stays open."""

    def __init__(self, source: BinaryIO):
        self.source = source
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self.source.read(size)
        self.count += len(data)
        return data


@contextmanager
def _as_away() -> Iterator[None]:
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        kind = error.response.get("Error", {}).get("Code", "")
        if kind in MISSING:
            raise FileMissing from error
        raise StorageAway(f"The file storage is not available ({kind}).") from error
    except (BotoCoreError, Boto3Error, OSError) as error:
        raise StorageAway(f"The file storage is not available ({type(error).__name__}).") from error
