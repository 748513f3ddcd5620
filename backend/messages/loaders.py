"""Loaders of the message fields that come from other tables: one query for all of them, however many messages there are.

Each loader declares the rows that its field is made of. The database returns all rows of a loader as one JSON value with an
array for each column, because that costs less than a row for each reaction. On PostgreSQL the query is prepared, because
planning it takes nearly as long as executing it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection

from backend.attachments.serialise import attachment_json
from backend.database import Executor, ensure_prepared

Row = tuple[Any, ...]
RowsByMessage = Mapping[int, list[Row]]
"""The rows of a loader without the message's id, by message id."""


@dataclass(frozen=True)
class Loader:
    """The rows of `table` that a field is made of.

    `value` gets the `columns` of one message's rows, in the order of `order_by`, and returns the field.
    """

    table: str
    columns: tuple[str, ...]
    order_by: str
    value: Callable[[list[Row]], Any]


class _Attachment(NamedTuple):
    id: int
    filename: str
    content_type: str
    size: int
    width: int | None
    height: int | None
    thumbnail_key: str | None


def group_reactions(pairs: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """The field `reactions`, from (emoji, user) pairs in the order in which they were added."""
    user_ids: dict[str, list[int]] = {}
    for emoji, user_id in pairs:
        user_ids.setdefault(emoji, []).append(user_id)
    return [{"emoji": emoji, "count": len(ids), "user_ids": ids} for emoji, ids in user_ids.items()]


REACTIONS = Loader("reactions", ("emoji", "user_id"), "id", group_reactions)
"""The reactions, grouped by emoji, in the order in which they were added."""

ATTACHMENTS = Loader(
    "attachments",
    _Attachment._fields,
    "position, id",
    lambda rows: [attachment_json(_Attachment(*row)) for row in rows],
)
"""The attachments, in the order in which the sender gave them."""

MENTIONS = Loader("message_mentions", ("user_id",), "id", lambda rows: [user_id for (user_id,) in rows])
"""The ids of the mentioned users, in the order of their first mention."""


class DerivedFields:
    """The query for the fields of several loaders."""

    def __init__(self, loaders: Sequence[Loader]):
        self._loaders = loaders
        self._sqlite = _select(
            loaders, "json_array({arrays})", "json_group_array({column})", "IN (SELECT value FROM json_each(:ids))"
        )
        self._postgresql = {
            "confab_derived_fields (bigint[])": _select(
                loaders, "json_build_array({arrays})::text", "array_to_json(array_agg({column}))", "= ANY ($1)"
            )
        }

    def load(self, executor: Executor, message_ids: Collection[int]) -> list[RowsByMessage]:
        """For each loader, the rows of each of the messages that has some."""
        found = self._execute(executor if isinstance(executor, Connection) else executor.connection(), message_ids)
        return [_by_message(array) for array in found]

    def _execute(self, connection: Connection, message_ids: Collection[int]) -> Sequence[str]:
        ids = ",".join(map(str, message_ids))  # one text, which PostgreSQL reads faster than an array of expressions
        if connection.dialect.name == "sqlite":
            return connection.exec_driver_sql(self._sqlite, {"ids": f"[{ids}]"}).one()
        ensure_prepared(connection, self._postgresql)
        return connection.exec_driver_sql("EXECUTE confab_derived_fields(%(ids)s)", {"ids": f"{{{ids}}}"}).one()


def _select(loaders: Sequence[Loader], as_json: str, aggregate: str, is_wanted: str) -> str:
    """A statement with one value for each loader: a JSON array of its columns, the messages' ids first.

    Each column is an array with an element for each row. Without rows it is empty or NULL.
    """
    values = []
    for loader in loaders:
        columns = ("message_id", *loader.columns)
        names, arrays = ", ".join(columns), ", ".join(aggregate.format(column=column) for column in columns)
        rows = f"SELECT {names} FROM {loader.table} WHERE message_id {is_wanted} ORDER BY {loader.order_by}"  # noqa: S608
        values.append(f"(SELECT {as_json.format(arrays=arrays)} FROM ({rows}) AS r)")  # noqa: S608
    return f"SELECT {', '.join(values)}"


def _by_message(columns: str) -> RowsByMessage:
    message_ids, *others = orjson.loads(columns)
    found: dict[int, list[Row]] = defaultdict(list)
    for message_id, row in zip(message_ids or (), zip(*(other or () for other in others), strict=True), strict=True):
        found[message_id].append(row)
    return found
