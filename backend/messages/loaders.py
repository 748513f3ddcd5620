"""Loaders of the message fields that come from other tables.

A loader gets the ids of a page of messages and runs one query. It returns the value of each message that has one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session, scoped_session

from backend.attachments.serialise import attachment_json
from backend.models import Attachment, MessageMention, Reaction

Executor = Connection | Session | scoped_session[Any]
Loader = Callable[[Executor, Collection[int]], Mapping[int, Any]]


def load_reactions(executor: Executor, message_ids: Collection[int]) -> Mapping[int, list[dict[str, Any]]]:
    """The reactions of each message, grouped by emoji, in the order in which they were added."""
    statement = (
        select(Reaction.message_id, Reaction.emoji, Reaction.user_id)
        .where(Reaction.message_id.in_(message_ids))
        .order_by(Reaction.id)
    )
    pairs: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for message_id, emoji, user_id in executor.execute(statement):
        pairs[message_id].append((emoji, user_id))
    return {message_id: group_reactions(own) for message_id, own in pairs.items()}


def group_reactions(pairs: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    """The field `reactions`, from (emoji, user) pairs in the order in which they were added."""
    user_ids: dict[str, list[int]] = {}
    for emoji, user_id in pairs:
        user_ids.setdefault(emoji, []).append(user_id)
    return [{"emoji": emoji, "count": len(ids), "user_ids": ids} for emoji, ids in user_ids.items()]


def load_attachments(executor: Executor, message_ids: Collection[int]) -> Mapping[int, list[dict[str, Any]]]:
    """The attachments of each message, in the order in which the sender gave them."""
    columns = Attachment.__table__.c
    statement = (
        select(Attachment.__table__).where(columns.message_id.in_(message_ids)).order_by(columns.position, columns.id)
    )
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in executor.execute(statement):
        found[row.message_id].append(attachment_json(row))
    return found


def load_mentions(executor: Executor, message_ids: Collection[int]) -> Mapping[int, list[int]]:
    """The ids of the users whom each message mentions, in the order of their first mention."""
    statement = (
        select(MessageMention.message_id, MessageMention.user_id)
        .where(MessageMention.message_id.in_(message_ids))
        .order_by(MessageMention.id)
    )
    found: dict[int, list[int]] = defaultdict(list)
    for message_id, user_id in executor.execute(statement):
        found[message_id].append(user_id)
    return found
