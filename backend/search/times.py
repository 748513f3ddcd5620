"""From times to message ids, on PostgreSQL: which ids the messages before or after a time can have.

Within a conversation, later messages have greater ids and never an earlier time. So a binary search over the seqs of each
conversation finds the bound with a few look-ups. An index of times would cost each send more.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, TextClause, text

from backend.database import MAX_ID
from backend.search.documents import Scope


def _bound(is_before: str, result: str) -> TextClause:
    """Search the last seq of each conversation whose message fulfils *is_before*, and select *result* of the messages around it.

    The message with the next lower seq stands for one that is missing.
    """
    of_conversation = "FROM messages AS m WHERE m.conversation_id = step.conversation_id"
    return text(f"""
        WITH RECURSIVE step (conversation_id, low, high) AS (
            SELECT name, 0::bigint, coalesce((SELECT max(seq) FROM messages WHERE conversation_id = name), 0)
            FROM unnest(cast(:conversations AS varchar[])) AS name
          UNION ALL
            SELECT conversation_id,
                CASE WHEN is_before THEN middle ELSE low END,
                CASE WHEN is_before THEN high ELSE middle - 1 END
            FROM step,
                LATERAL (SELECT (low + high + 1) / 2 AS middle) AS half,
                LATERAL (SELECT coalesce(
                    (SELECT m.created_at {is_before} {of_conversation} AND m.seq <= middle ORDER BY m.seq DESC LIMIT 1), true
                ) AS is_before) AS comparison
            WHERE low < high
        )
        SELECT {result.format(of_conversation=of_conversation)} FROM step WHERE low = high""")  # noqa: S608


_LAST_BEFORE = _bound("< :at", "max((SELECT m.id {of_conversation} AND m.seq <= low ORDER BY m.seq DESC LIMIT 1))")
_FIRST_AFTER = _bound("<= :at", "min((SELECT m.id {of_conversation} AND m.seq > low ORDER BY m.seq LIMIT 1))")


def id_range(connection: Connection, scope: Scope) -> range:
    """The ids of the messages in *scope* are in this range."""

    def find(bound: TextClause, at: datetime) -> int | None:
        names: Collection[str] = list(scope.conversation_ids)
        found: int | None = connection.scalar(bound, {"conversations": names, "at": at})
        return found

    start, stop = 0, MAX_ID
    if scope.before is not None:
        stop = (find(_LAST_BEFORE, scope.before) or 0) + 1
    if scope.after is not None:
        start = find(_FIRST_AFTER, scope.after) or stop
    return range(start, stop)
