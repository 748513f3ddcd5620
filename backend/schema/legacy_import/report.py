"""The report of an adoption: the rows of each table before and after, and the reasons for differences."""

from __future__ import annotations

from collections import Counter, defaultdict


class Report:
    """Collects counts during the adoption. `lines` is the report."""

    def __init__(self) -> None:
        self.before: dict[str, int] = {}
        self.after: dict[str, int] = {}
        self.kept_as: dict[str, str] = {}
        self._notes: dict[str, Counter[str]] = defaultdict(Counter)
        self._named: list[str] = []

    def note(self, table: str, reason: str, count: int = 1) -> None:
        """Count rows of *table* that were changed, created or not adopted for *reason*."""
        if count:
            self._notes[table][reason] += count

    def name(self, sentence: str) -> None:
        """Add a sentence about a single row."""
        self._named.append(sentence)

    def notes(self, table: str) -> dict[str, int]:
        """The count of each reason for *table*."""
        return dict(self._notes[table])

    def lines(self) -> list[str]:
        """The lines of the report."""
        tables = [t for t in self.after if t in self.before or self.after[t]]
        tables += [t for t in self.before if t not in self.after]
        lines = [self._line(table) for table in sorted(tables)]
        lines += [f"kept: {table} as {name}" for table, name in sorted(self.kept_as.items())]
        return lines + self._named

    def _line(self, table: str) -> str:
        line = f"{table}: {self.before.get(table, 0)} rows before, {self.after.get(table, 0)} after"
        notes = [f"{count} {reason}" for reason, count in self._notes[table].items()]
        return f"{line} ({'; '.join(notes)})" if notes else line
