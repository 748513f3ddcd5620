"""What a batch of sends asks of its tables, however many sends there are: three statements.

PostgreSQL gets each batch as one value (an array, or JSON) in a statement that never changes. With a parameter for each value
of each row, quoting and counting them took longer than anything else about a batch. SQLite takes parameters as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, cast

import orjson
from sqlalchemy import Connection, Table, bindparam, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql

from backend.models import Conversation, Message, RoomMembership

_messages = cast(Table, Message.__table__)
_conversations = cast(Table, Conversation.__table__)
_memberships = cast(Table, RoomMembership.__table__)

ROW = (
    "conversation_id", "seq", "modseq", "sender_id", "recipient_id", "room_id", "parent_id", "content",
    "client_message_id", "request_hash", "has_extras", "created_at", "updated_at",
)  # fmt: skip
"""What the row of a new message is given; the rest has defaults."""

HEAD = ("id", "last_seq", "last_modseq", "last_message_at", "updated_at")
"""What is written of a conversation that a batch adds to."""


def _record(table: Table, names: Iterable[str]) -> str:
    """The columns *names* of *table* with their types, as PostgreSQL wants a record described."""
    dialect = postgresql.dialect()
    return ", ".join(f"{name} {table.c[name].type.compile(dialect)}" for name in names)


_NUMBERS = ", ".join(HEAD[:-1])
_LOCK = f"SELECT {_NUMBERS} FROM conversations WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"  # noqa: S608
_MEMBERS = """
SELECT room_id, user_id FROM room_memberships JOIN unnest(%s::bigint[], %s::bigint[]) AS pair (room, member)
ON room_id = room AND user_id = member WHERE left_at IS NULL
"""

_names = ", ".join(ROW)
_WRITE = f"""
WITH moved AS (
  UPDATE conversations SET {", ".join(f"{name} = head.{name}" for name in HEAD[1:])}
  FROM json_to_recordset(%s) AS head({_record(_conversations, HEAD)})
  WHERE conversations.id = head.id
)
INSERT INTO messages ({_names})
SELECT {_names} FROM json_to_recordset(%s) AS message({_record(_messages, ROW)})
RETURNING conversation_id, seq, id
"""  # noqa: S608  # made of names that are written above

# Made once: to build a statement anew takes about as long as to execute it.
_SELECT_HEADS = select(*(_conversations.c[name] for name in HEAD[:-1])).where(
    _conversations.c.id.in_(bindparam("ids", expanding=True))
)
_SELECT_MEMBERS = select(_memberships.c.room_id, _memberships.c.user_id).where(
    tuple_(_memberships.c.room_id, _memberships.c.user_id).in_(bindparam("pairs", expanding=True)),
    _memberships.c.left_at.is_(None),
)
_INSERT = insert(_messages).returning(_messages.c.conversation_id, _messages.c.seq, _messages.c.id)
_MOVE = (
    update(_conversations)
    .where(_conversations.c.id == bindparam("of"))
    .values({name: bindparam(f"new_{name}") for name in HEAD[1:]})
)


def lock_heads(connection: Connection, ids: Collection[str]) -> Sequence[Any]:
    """Lock conversations, and return what `HEAD` names of each, but for its last column.

    They are locked in the order of their ids, so that two batches never wait for each other in a circle. SQLite's one writer
    has its lock already.
    """
    if connection.dialect.name == "postgresql":
        return connection.exec_driver_sql(_LOCK, (sorted(ids),)).all()
    return connection.execute(_SELECT_HEADS, {"ids": sorted(ids)}).all()


def members_among(connection: Connection, pairs: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those of *pairs*, each a room and a user, that are a membership now."""
    if not pairs:
        return set()
    if connection.dialect.name == "postgresql":
        rooms, users = zip(*pairs, strict=True)
        return {(room, user) for room, user in connection.exec_driver_sql(_MEMBERS, (list(rooms), list(users)))}
    return {(room, user) for room, user in connection.execute(_SELECT_MEMBERS, {"pairs": list(pairs)})}


def write_rows(
    connection: Connection, rows: Sequence[dict[str, Any]], heads: Sequence[dict[str, Any]]
) -> dict[tuple[str, int], int]:
    """Insert *rows* (of `ROW`) and set *heads* (of `HEAD`). Returns the messages' ids by conversation and seq."""
    if connection.dialect.name == "postgresql":
        written = connection.exec_driver_sql(_WRITE, (orjson.dumps(heads).decode(), orjson.dumps(rows).decode())).all()
    else:
        written = connection.execute(_INSERT, rows).all()
        connection.execute(_MOVE, [{"of": h["id"], **{f"new_{name}": h[name] for name in HEAD[1:]}} for h in heads])
    return {(conversation_id, seq): id_ for conversation_id, seq, id_ in written}
