"""The `--map` options of an upgrade: which legacy tables and columns stand for which of Confab's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from click import ClickException
from sqlalchemy import Connection

from backend.schema.legacy_import.tables import TABLES, canonical_column


@dataclass(frozen=True)
class TableMap:
    """What the operator says about a legacy database. Keys are its names, values are Confab's."""

    tables: dict[str, str] = field(default_factory=dict)
    columns: dict[str, dict[str, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.tables or self.columns)

    def options(self) -> list[str]:
        """The values of `--map` that say the same."""
        columns = (f"{table}.{name}={ours}" for table, names in self.columns.items() for name, ours in names.items())
        return [*(f"{table}={ours}" for table, ours in self.tables.items()), *columns]

    def taken(self, existing: Iterable[str], own: Iterable[str]) -> dict[str, str]:
        """The legacy table for each table of Confab: the mapped one, else the one of the same name. *own* are Confab's."""
        same = {name: name for name in set(existing) & set(own) if name not in self.tables}
        return dict(sorted({**same, **{ours: legacy for legacy, ours in self.tables.items()}}.items()))


def parse_map(options: Iterable[str]) -> TableMap:
    """The options `LEGACY=TABLE` and `LEGACY.COLUMN=COLUMN`. Raises ClickException if one has another form."""
    found = TableMap()
    for option in options:
        legacy, _, ours = (part.strip() for part in option.rpartition("="))
        if not legacy or not ours:
            raise ClickException(f"--map {option}: write LEGACY=TABLE or LEGACY.COLUMN=COLUMN.")
        table, _, column = legacy.rpartition(".")
        if table:
            found.columns.setdefault(table, {})[column] = ours
        else:
            found.tables[legacy] = ours
    return found


def check_map(connection: Connection, mapping: TableMap) -> TableMap:
    """*mapping* with the column names that an adoption reads.

    Raises ClickException, with what to write instead, if the database or Confab lacks a name, or a name is used twice.
    """
    inspector = sa.inspect(connection)
    existing = set(inspector.get_table_names())
    for legacy, ours in mapping.tables.items():
        _check_table(legacy, ours, existing)
    _refuse_twice(mapping.tables)
    columns: dict[str, dict[str, str]] = {}
    for legacy, names in mapping.columns.items():
        if legacy not in existing:
            raise ClickException(f"--map {legacy}.…: {_absent(legacy, existing)}")
        table = mapping.tables.get(legacy, legacy)
        if table not in TABLES:
            raise ClickException(f"--map {legacy}.…: map the table too, for example --map {legacy}=chat_rooms.")
        present = {str(column["name"]) for column in inspector.get_columns(legacy)}
        columns[legacy] = {name: _check_column(legacy, name, table, ours, present) for name, ours in names.items()}
        _refuse_twice({f"{legacy}.{name}": ours for name, ours in columns[legacy].items()})
    return TableMap(mapping.tables, columns)


def _check_table(legacy: str, ours: str, existing: set[str]) -> None:
    if legacy not in existing:
        hint = f" Did you mean --map {ours}={legacy}?" if ours in existing and legacy in TABLES else ""
        raise ClickException(f"--map {legacy}={ours}: {_absent(legacy, existing)}{hint}")
    if ours not in TABLES:
        raise ClickException(f"--map {legacy}={ours}: {ours} is not adopted. The tables are {', '.join(TABLES)}.")


def _check_column(legacy: str, name: str, table: str, ours: str, present: set[str]) -> str:
    canonical = canonical_column(table, ours)
    if name not in present:
        hint = f" Did you mean --map {legacy}.{ours}={name}?" if ours in present else ""
        raise ClickException(
            f"--map {legacy}.{name}={ours}: {legacy} has no column {name}. It has {', '.join(sorted(present))}.{hint}"
        )
    if canonical is None:
        known = ", ".join(TABLES[table])
        raise ClickException(
            f"--map {legacy}.{name}={ours}: {ours} is not adopted. The columns of {table} are {known}."
        )
    return canonical


def _absent(legacy: str, existing: set[str]) -> str:
    return f"the database has no table {legacy}. It has {', '.join(sorted(existing)) or 'none'}."


def _refuse_twice(names: Mapping[str, str]) -> None:
    for ours in set(names.values()):
        both = sorted(legacy for legacy, value in names.items() if value == ours)
        if len(both) > 1:
            raise ClickException(f"--map names {' and '.join(both)} for {ours}. Only one of them can be adopted.")
