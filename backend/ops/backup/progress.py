"""Lines about the progress of long work, on standard error."""

from __future__ import annotations

import time

import click

SECONDS = 5.0
"""The time between two lines."""


class Progress:
    """Counts the items of one task, and prints a line every few seconds."""

    def __init__(self, task: str, total: int | None = None):
        self.task = task
        self.of_total = f" of {total:,}" if total is not None else ""
        self.count = self.size = 0
        self._next = time.monotonic() + SECONDS
        say(f"{task} …")

    def add(self, size: int) -> None:
        """Count an item of *size* bytes."""
        self.count += 1
        self.size += size
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + SECONDS
            say(f"{self.task}: {self.count:,}{self.of_total}, {size_text(self.size)}")


def say(line: str) -> None:
    """Print *line* to standard error."""
    click.echo(line, err=True)


def size_text(size: int) -> str:
    """*size* in bytes, for people."""
    return f"{size:,} bytes" if size < 2**20 else f"{size / 2**20:,.1f} MiB"
