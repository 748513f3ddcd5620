"""Blocks. A blocked user cannot send direct messages to the blocker, and learns of the block only when they try.

A blocked user does not see the presence of the blocker either: neither whether they are online nor when they last were.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from backend.errors import Conflict, ValidationFailed
from backend.events import block_event, publish_on_commit
from backend.models import Block, User
from backend.models.base import db, insert_on_conflict
from backend.pagination import Page, PageRequest
from backend.users.access import get_user_for, lock_self
from backend.users.serialise import public_users_json

MAX_BLOCKS = 1_000


class TooManyBlocks(Conflict):
    code = "too_many_blocks"
    detail = f"You block {MAX_BLOCKS:,} users. Lift a block first."


def block_user(user: User, user_id: int) -> None:
    """Block *user_id* on behalf of *user*. Repeating it changes nothing.

    Raises NotFound, TooManyBlocks, and ValidationFailed if both are the same user.
    """
    if user_id == user.id:
        raise ValidationFailed("You cannot block yourself.")
    lock_self(user)
    get_user_for(user, user_id)
    if len(db.session.scalars(select(Block.id).where(Block.user_id == user.id).limit(MAX_BLOCKS)).all()) >= MAX_BLOCKS:
        raise TooManyBlocks
    row = insert_on_conflict(Block).values(user_id=user.id, blocked_id=user_id)
    if db.session.scalar(row.on_conflict_do_nothing().returning(Block.id)) is not None:
        publish_on_commit(block_event(user_id, user.id))
    db.session.commit()


def unblock_user(user: User, user_id: int) -> None:
    """Lift a block. If there is none, nothing changes."""
    block = delete(Block).where(Block.user_id == user.id, Block.blocked_id == user_id)
    if db.session.scalar(block.returning(Block.id)) is not None:
        publish_on_commit(block_event(user_id, user.id))
    db.session.commit()


def is_blocked(blocked_id: int, by_id: int) -> bool:
    """Whether *by_id* blocks *blocked_id*."""
    wanted = select(Block.id).where(Block.user_id == by_id, Block.blocked_id == blocked_id)
    return db.session.scalar(wanted) is not None


def list_blocks(user: User, page_request: PageRequest) -> Page[dict[str, Any]]:
    """The public profiles of the users that *user* blocks, latest block first."""
    statement = (
        select(User)
        .join(Block, Block.blocked_id == User.id)
        .where(Block.user_id == user.id)
        .order_by(Block.id.desc())
        .offset(page_request.skip)
        .limit(page_request.limit + 1)
    )
    page = Page.from_rows(db.session.scalars(statement).all(), page_request)
    return Page(public_users_json(page.items, user), page.next)
