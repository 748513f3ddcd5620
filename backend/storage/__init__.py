"""Where files are: a folder, or a bucket. STORAGE_URL says which; nobody else knows."""

from __future__ import annotations

from flask import current_app

from backend.storage.base import FileMissing, Storage, StorageAway, check_key
from backend.storage.bucket import BucketStorage
from backend.storage.folder import FolderStorage

__all__ = ["FileMissing", "Storage", "StorageAway", "check_key", "open_storage", "storage"]


def storage() -> Storage:
    """The storage of the current application, opened with its first use."""
    found: Storage | None = current_app.extensions.get("confab-storage")
    if found is None:
        url: str = current_app.config["CONFAB"].storage_url
        found = current_app.extensions["confab-storage"] = open_storage(url)
    return found


def open_storage(url: str) -> Storage:
    """The storage that *url* names (STORAGE_URL). Raises StorageAway where it cannot be opened."""
    if url.startswith("s3://"):
        return BucketStorage(url)
    return FolderStorage(url.removeprefix("file://"))
