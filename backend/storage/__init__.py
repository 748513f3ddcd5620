"""The storage of files: a folder or a bucket, as STORAGE_URL says. Other modules do not know which."""

from __future__ import annotations

from backend.state import confab_state
from backend.storage.base import FileMissing, Storage, StorageAway, StoredFile, check_key
from backend.storage.bucket import BucketStorage
from backend.storage.folder import FolderStorage

__all__ = ["FileMissing", "Storage", "StorageAway", "StoredFile", "check_key", "open_storage", "storage"]


def storage() -> Storage:
    """The storage of the current application. The first call opens it."""
    found: Storage = confab_state().storage()
    return found


def open_storage(url: str) -> Storage:
    """Open the storage that *url* names (STORAGE_URL). Raises StorageAway if it cannot be opened."""
    if url.startswith("s3://"):
        return BucketStorage(url)
    return FolderStorage(url.removeprefix("file://"))
