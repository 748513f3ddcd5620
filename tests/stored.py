"""The files in the storage of an application of the tests."""

from __future__ import annotations

from pathlib import Path

from flask import Flask


def files(app: Flask) -> list[Path]:
    return [path for path in Path(app.config["CONFAB"].storage_url).rglob("*") if path.is_file()]


def empty_storage(app: Flask) -> None:
    """Remove all files. An application serves many tests, and only the rows are deleted after each."""
    for path in files(app):
        path.unlink()
