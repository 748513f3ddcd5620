"""Loaders of the message fields that come from other tables.

A loader gets the ids of a page of messages and runs one query. It returns the value of each message that has one.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Connection, Select, any_, bindparam, column, func, select

from backend.attachments.serialise import attachment_json
from backend.database import Executor
from backend.models import Attachment, MessageMention, Reaction

Loader = Callable[[Executor, Collection[int]], Mapping[int, Any]]


_reactions, _attachments, _mentions = (
    model.__table__.c for model in (Reaction, Attachment, MessageMention)
)  # columns of tables and not of entities: the ORM would build each row twice


class _PageQuery:
    """A statement about a page of messages. The ids are one parameter, so that it is built and compiled once."""

    def __init__(self, statement: Select[Any], message_id: Any):
        ids = select(func.json_each(bindparam("ids")).table_valued(column("value")).c.value)
        self._by_dialect = {
            "sqlite": statement.where(message_id.in_(ids)),
            "postgresql": statement.where(message_id == any_(bindparam("ids", type_=ARRAY(BigInteger)))),
        }

    def rows(self, executor: Executor, message_ids: Collection[int]) -> Sequence[Any]:
        """The rows of the messages *message_ids*."""
        bind = executor if isinstance(executor, Connection) else executor.get_bind()
        ids: Any = list(message_ids)
        name = bind.dialect.name
        return executor.execute(self._by_dialect[name], {"ids": json.dumps(ids) if name == "sqlite" else ids}).all()


_REACTIONS = _PageQuery(
    select(_reactions.message_id, _reactions.emoji, _reactions.user_id).order_by(_reactions.id), _reactions.message_id
)
_ATTACHMENTS = _PageQuery(
    select(*_attachments).order_by(_attachments.position, _attachments.id), _attachments.message_id
)
_MENTIONS = _PageQuery(select(_mentions.message_id, _mentions.user_id).order_by(_mentions.id), _mentions.message_id)


def load_reaction_pairs(executor: Executor, message_ids: Collection[int]) -> Mapping[int, list[tuple[str, int]]]:
    """The (emoji, user) pairs of each message's reactions, in the order in which they were added."""
    pairs: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for message_id, emoji, user_id in _REACTIONS.rows(executor, message_ids) if message_ids else ():
        pairs[message_id].append((emoji, user_id))
    return pairs


def load_reactions(executor: Executor, message_ids: Collection[int]) -> Mapping[int, list[dict[str, Any]]]:
    """The reactions of each message, grouped by emoji, in the order in which they were added."""
    pairs = load_reaction_pairs(executor, message_ids)
    return {message_id: group_reactions(own) for message_id, own in pairs.items()}


def group_reactions(pairs: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    """The field `reactions`, from (emoji, user) pairs in the order in which they were added."""
    user_ids: dict[str, list[int]] = {}
    for emoji, user_id in pairs:
        user_ids.setdefault(emoji, []).append(user_id)
    return [{"emoji": emoji, "count": len(ids), "user_ids": ids} for emoji, ids in user_ids.items()]


def load_attachments(executor: Executor, message_ids: Collection[int]) -> Mapping[int, list[dict[str, Any]]]:
    """The attachments of each message, in the order in which the sender gave them."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in _ATTACHMENTS.rows(executor, message_ids):
        found[row.message_id].append(attachment_json(row))
    return found


def load_mentions(executor: Executor, message_ids: Collection[int]) -> Mapping[int, list[int]]:
    """The ids of the users whom each message mentions, in the order of their first mention."""
    found: dict[int, list[int]] = defaultdict(list)
    for message_id, user_id in _MENTIONS.rows(executor, message_ids):
        found[message_id].append(user_id)
    return found
