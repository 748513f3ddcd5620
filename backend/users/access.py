"""Access to users. Every way from an id to a user goes through here."""

from __future__ import annotations

from collections.abc import Collection

from flask import current_app
from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select, true, tuple_
from sqlalchemy.orm import aliased

from backend.errors import NotFound, TokenRevoked
from backend.models import ConversationEntry, User
from backend.models.base import db
from backend.models.conversation import LOBBY
from backend.users.tombstone import USERNAME as TOMBSTONE
from config import Config


def get_user(user_id: int) -> User:
    """The account *user_id*, which may be deactivated. Raises NotFound if it does not exist or is erased."""
    user = db.session.get(User, user_id)
    if user is None or user.deleted_at is not None:
        raise NotFound
    return user


def get_user_for(viewer: User, user_id: int) -> User:
    """Like `get_user`. Raises NotFound, too, if the directory hides the account from *viewer*."""
    user = get_user(user_id)
    if (
        is_directory_limited()
        and db.session.scalar(select(User.id).where(User.id == user_id, is_visible_to(viewer))) is None
    ):
        raise NotFound
    return user


def is_directory_limited() -> bool:
    """Whether users see only those with whom they share a room or a direct conversation (DIRECTORY)."""
    config: Config = current_app.config["CONFAB"]
    return config.directory != "everyone"


def is_directory_searchable() -> bool:
    """Whether the search for users finds anybody (DIRECTORY)."""
    config: Config = current_app.config["CONFAB"]
    return config.directory != "off"


def is_visible_to(viewer: User) -> ColumnElement[bool]:
    """The condition that the directory shows a user to *viewer*. The tombstone is always shown."""
    if not is_directory_limited() or viewer.has_admin_power:
        return true()
    mine, theirs = aliased(ConversationEntry), aliased(ConversationEntry)
    is_shared = (
        exists()
        .where(mine.user_id == viewer.id, mine.conversation_id != LOBBY)
        .where(theirs.conversation_id == mine.conversation_id, theirs.user_id == User.id)
    )
    return or_(User.id == viewer.id, User.username == TOMBSTONE, is_shared)


def visible_pairs(connection: Connection, pairs: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Which of the (viewer, user) *pairs* share a room or a direct conversation, or are the same user twice."""
    if not pairs:
        return set()
    mine, theirs = aliased(ConversationEntry), aliased(ConversationEntry)
    statement = (
        select(mine.user_id, theirs.user_id)
        .join(theirs, and_(theirs.conversation_id == mine.conversation_id, mine.conversation_id != LOBBY))
        .where(tuple_(mine.user_id, theirs.user_id).in_(pairs))
        .distinct()
    )
    found = {(viewer_id, user_id) for viewer_id, user_id in connection.execute(statement)}
    return found | {pair for pair in pairs if pair[0] == pair[1]}


def is_shown() -> ColumnElement[bool]:
    """The condition that a user's profile is shown: the account is not erased, or it is the tombstone."""
    return or_(User.deleted_at.is_(None), User.username == TOMBSTONE)


def get_active_user(user_id: int) -> User:
    """Like `get_user`, but a deactivated account raises NotFound too."""
    user = get_user(user_id)
    if not user.is_active:
        raise NotFound
    return user


def _is_active(user_id: int) -> ColumnElement[bool]:
    return and_(User.id == user_id, User.is_active, User.deleted_at.is_(None))


def lock_active_user(user_id: int) -> None:
    """Lock the row of an account. Raises NotFound where it does not exist, or was erased or deactivated."""
    # key_share: does not block inserts that refer to the user, such as messages.
    if db.session.scalar(select(User.id).where(_is_active(user_id)).with_for_update(key_share=True)) is None:
        raise NotFound


def keep_active(caller: User) -> None:
    """Let nobody erase or deactivate the caller until the end of the transaction. Raises TokenRevoked if somebody did already.

    Other transactions of the same user may do so at the same time.
    """
    if db.session.scalar(select(User.id).where(_is_active(caller.id)).with_for_update(read=True)) is None:
        raise TokenRevoked


def lock_self(caller: User) -> User:
    """Lock the caller's own row, and return its present state. Raises TokenRevoked if they were deactivated or erased since."""
    # key_share: does not block inserts that refer to the user, such as a block by another user, and does not wait for them.
    statement = select(User).where(_is_active(caller.id)).with_for_update(key_share=True)
    user = db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    if user is None:
        raise TokenRevoked
    return user
