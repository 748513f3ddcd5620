"""The SQL of a batch of sends: two round trips to the database, however many sends there are.

The first begins the transaction, locks the conversations and reads what most sends depend on. The second writes everything and
commits. PostgreSQL gets each as one text with one value (an array, or JSON) for each column or table. With a parameter for
each value of each row, quoting the parameters was the largest cost of a batch. Each round trip costs both processes a context
switch, and a single sender waits for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, cast

import orjson
from sqlalchemy import Connection, Engine, Table, bindparam, exc, insert, select, text, tuple_, update
from sqlalchemy.dialects import postgresql

from backend.database import ensure_prepared, read_engine
from backend.messages.fields import INSERT_COLUMNS
from backend.messages.singly import SHORT_TIMEOUTS
from backend.models import Attachment, Conversation, Message, MessageMention, RoomMembership
from backend.search import postgresql as postgresql_index
from backend.search import sqlite as sqlite_index
from backend.search.documents import Document

_messages = cast(Table, Message.__table__)
_mentions = cast(Table, MessageMention.__table__)
_attachments = cast(Table, Attachment.__table__)
_conversations = cast(Table, Conversation.__table__)
_memberships = cast(Table, RoomMembership.__table__)

ATTACHED = ("id", "message_id", "position")
MENTION = ("message_id", "user_id", "conversation_id", "seq")
HEAD = ("id", "last_seq", "last_modseq", "last_message_at", "updated_at")
"""The columns of a conversation that a batch updates."""

Key = tuple[int, str]
"""A sender and a client_message_id."""

Pair = tuple[int, int]
"""Two ids, the second of a user: (room, user) or (user, user)."""

ConversationHead = tuple[str, int, int, datetime | None]
"""The columns of `HEAD` without the last."""


@dataclass(frozen=True)
class LockedState:
    """What `Batch.open` read under the locks. It holds until the end of the transaction."""

    heads: list[ConversationHead]
    """The conversations that exist."""

    members: set[Pair]
    """The (room, user) pairs that are memberships."""

    has_repeats: bool
    """False only if no message was sent under any of the keys before."""

    ids: list[int]
    """As many new message ids as were asked for, ascending."""


@dataclass(frozen=True)
class NewRows:
    """What a batch writes."""

    messages: list[dict[str, Any]]
    """Rows of `INSERT_COLUMNS`, to insert."""

    mentions: list[dict[str, Any]]
    """Rows of `MENTION`, to insert."""

    heads: list[dict[str, Any]]
    """The new values of `HEAD`."""

    documents: Sequence[Document] = ()
    """To index for search."""

    attachments: Sequence[dict[str, Any]] = ()
    """The new values of `ATTACHED` of attachments, which are locked: they are assigned to their messages."""


class Batch(Protocol):
    """One transaction. It is rolled back unless it reaches `write`."""

    connection: Connection

    def open(
        self, conversations: Collection[str], pairs: Collection[Pair], keys: Collection[Key], count: int
    ) -> LockedState:
        """Lock *conversations*, read what `LockedState` holds of them, of *pairs* and of *keys*, and allocate *count* ids.

        Conversations are locked in the order of their ids, so that two batches cannot deadlock.
        """

    def write(self, new: NewRows) -> None:
        """Write *new*, and commit."""


@contextmanager
def begin_batch(engine: Engine, has_timeouts: bool = False) -> Iterator[Batch]:
    """A batch on *engine*'s database. With *has_timeouts*, it fails if a lock takes 0.3 s, or a statement 1 s."""
    if engine.dialect.name != "postgresql":
        with engine.begin() as connection:
            yield _SqliteBatch(connection)
        return
    with read_engine(engine).connect() as connection:  # in autocommit mode: the batch sends BEGIN and COMMIT itself
        batch = _PostgresBatch(connection, _OPEN_WITH_TIMEOUTS if has_timeouts else _OPEN)
        try:
            yield batch
        finally:
            batch.end()


def _record(table: Table, names: Iterable[str]) -> str:
    """The columns *names* of *table* with their types, as the definition of a PostgreSQL record."""
    dialect = postgresql.dialect()
    return ", ".join(f"{name} {table.c[name].type.compile(dialect)}" for name in names)


def _insert(table: Table, names: Sequence[str]) -> str:
    columns = ", ".join(names)
    return f"INSERT INTO {table} ({columns}) SELECT {columns} FROM json_to_recordset($1) AS r ({_record(table, names)})"  # noqa: S608


# These are prepared because PostgreSQL takes longer to plan them than to execute them. By default it plans statements with
# arrays again each time, so connections set `force_generic_plan`. A generic plan must never scan a whole table. PostgreSQL
# overestimates the length of arrays, so each table is accessed by a key that is `ANY` of an array, or row by row (`OFFSET 0`
# prevents another plan). The table may have been small when the plan was made, so sequential scans are off
# (`enable_seqscan`). The lock is as strong as the UPDATE that follows, and does not block foreign keys.
_PREPARED = {
    "confab_lock (text[])": "SELECT FROM conversations WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE",
    "confab_load_context (text[], bigint[], bigint[], bigint[], text[], integer)": f"""SELECT
        (SELECT json_agg(json_build_array({", ".join(HEAD[:-1])})) FROM conversations WHERE id = ANY ($1))::text,
        (SELECT json_agg(json_build_array(room_id, user_id)) FROM unnest($2, $3) AS pair (room_id, user_id)
          WHERE EXISTS (SELECT FROM room_memberships AS m WHERE m.room_id = pair.room_id AND m.user_id = pair.user_id
                          AND m.left_at IS NULL OFFSET 0))::text,
        EXISTS (SELECT FROM unnest($4, $5) AS key (sender_id, id)
          WHERE EXISTS (SELECT FROM messages AS m WHERE m.sender_id = key.sender_id AND m.client_message_id = key.id OFFSET 0)),
        ARRAY(SELECT nextval(pg_get_serial_sequence('messages', 'id')) FROM generate_series(1, $6))""",  # noqa: S608
    "confab_write (json)": _insert(_messages, INSERT_COLUMNS),
    "confab_mention (json)": _insert(_mentions, MENTION),
    "confab_attach (json, bigint[])": f"""UPDATE attachments SET message_id = r.message_id, position = r.position
        FROM json_to_recordset($1) AS r ({_record(_attachments, ATTACHED)})
        WHERE attachments.id = r.id AND attachments.id = ANY ($2)""",  # noqa: S608
    "confab_index (json)": postgresql_index.INSERT.format("$1"),
    "confab_move (json, text[])": f"""UPDATE conversations SET {", ".join(f"{name} = head.{name}" for name in HEAD[1:])}
        FROM json_to_recordset($1) AS head ({_record(_conversations, HEAD)})
        WHERE conversations.id = head.id AND conversations.id = ANY ($2)""",  # noqa: S608
}
_OPEN = """BEGIN; SET LOCAL enable_seqscan = off; EXECUTE confab_lock(%(ids)s);
    EXECUTE confab_load_context(%(ids)s, %(rooms)s, %(users)s, %(senders)s, %(keys)s, %(count)s)"""
_OPEN_WITH_TIMEOUTS = _OPEN.replace(";", f"; {SHORT_TIMEOUTS};", 1)


class _PostgresBatch:
    def __init__(self, connection: Connection, opening: str = _OPEN):
        self.connection = connection
        self.is_open = False
        self._opening = opening

    def open(
        self, conversations: Collection[str], pairs: Collection[Pair], keys: Collection[Key], count: int
    ) -> LockedState:
        ensure_prepared(self.connection, _PREPARED)
        self.is_open = True
        given = {
            "ids": sorted(conversations),
            "rooms": [room_id for room_id, _ in pairs],
            "users": [user_id for _, user_id in pairs],
            "senders": [sender_id for sender_id, _ in keys],
            "keys": [key for _, key in keys],
            "count": count,
        }
        heads, members, has_repeats, ids = self.connection.exec_driver_sql(self._opening, given).one()
        return LockedState(
            [(id_, seq, mod, at and datetime.fromisoformat(at)) for id_, seq, mod, at in orjson.loads(heads or "[]")],
            {(room, user) for room, user in orjson.loads(members or "[]")},
            has_repeats,
            ids,
        )

    def write(self, new: NewRows) -> None:
        given = {
            "rows": new.messages,
            "mentions": new.mentions,
            "heads": new.heads,
            "terms": postgresql_index.records(new.documents),
            "attached": new.attachments,
        }
        texts = {name: orjson.dumps(values).decode() for name, values in given.items()}
        mention = "EXECUTE confab_mention(%(mentions)s);" if new.mentions else ""
        attach = "EXECUTE confab_attach(%(attached)s, %(attachment_ids)s);" if new.attachments else ""
        insert = f"EXECUTE confab_write(%(rows)s); {mention} {attach} EXECUTE confab_index(%(terms)s)"
        statement = f"{insert}; EXECUTE confab_move(%(heads)s, %(ids)s); COMMIT"
        ids = {"ids": [head["id"] for head in new.heads], "attachment_ids": [each["id"] for each in new.attachments]}
        self.connection.exec_driver_sql(statement, {**texts, **ids})
        self.is_open = False

    def end(self) -> None:
        """Roll back what was not committed. A connection on which that fails is discarded."""
        if not self.is_open or self.connection.invalidated:
            return
        try:
            with suppress(exc.SQLAlchemyError):
                self.connection.exec_driver_sql("ROLLBACK")
                self.is_open = False
        finally:
            if self.is_open:
                self.connection.invalidate()


# Built once, because building a statement takes about as long as executing it.
_SELECT_HEADS = select(*(_conversations.c[name] for name in HEAD[:-1])).where(
    _conversations.c.id.in_(bindparam("ids", expanding=True))
)
_SELECT_MEMBERS = select(_memberships.c.room_id, _memberships.c.user_id).where(
    tuple_(_memberships.c.room_id, _memberships.c.user_id).in_(bindparam("pairs", expanding=True)),
    _memberships.c.left_at.is_(None),
)
_SELECT_LAST_ID = text("SELECT seq FROM sqlite_sequence WHERE name = 'messages'")
_INSERT, _INSERT_MENTIONS = insert(_messages), insert(_mentions)
_ATTACH = (
    update(_attachments)
    .where(_attachments.c.id == bindparam("new_id"))
    .values({name: bindparam(f"new_{name}") for name in ATTACHED[1:]})
)
_UPDATE_HEAD = (
    update(_conversations)
    .where(_conversations.c.id == bindparam("of"))
    .values({name: bindparam(f"new_{name}") for name in HEAD[1:]})
)


def find_members(connection: Connection, pairs: Collection[Pair]) -> set[Pair]:
    """Which of the (room, user) *pairs* are memberships."""
    if not pairs:
        return set()
    return {(room_id, user_id) for room_id, user_id in connection.execute(_SELECT_MEMBERS, {"pairs": list(pairs)})}


class _SqliteBatch:
    """On SQLite, which has one writer at a time: `BEGIN IMMEDIATE` has locked everything."""

    def __init__(self, connection: Connection):
        self.connection = connection

    def open(
        self, conversations: Collection[str], pairs: Collection[Pair], keys: Collection[Key], count: int
    ) -> LockedState:
        execute = self.connection.execute
        heads = execute(_SELECT_HEADS, {"ids": list(conversations)}).all()
        last_id = execute(_SELECT_LAST_ID).scalar() or 0
        ids = list(range(last_id + 1, last_id + 1 + count))
        return LockedState([tuple(h) for h in heads], find_members(self.connection, pairs), bool(keys), ids)

    def write(self, new: NewRows) -> None:
        execute = self.connection.execute
        execute(_INSERT, new.messages)
        if new.mentions:
            execute(_INSERT_MENTIONS, new.mentions)
        if new.attachments:
            execute(_ATTACH, [{f"new_{name}": each[name] for name in ATTACHED} for each in new.attachments])
        moves = [{"of": head["id"], **{f"new_{name}": head[name] for name in HEAD[1:]}} for head in new.heads]
        execute(_UPDATE_HEAD, moves)
        sqlite_index.index_after_send(self.connection, [document.message_id for document in new.documents])
