"""Profiles and directory of users."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import or_, select, true

from backend.models import User
from backend.models.base import db
from backend.pagination import Page, PageRequest
from backend.users.access import get_user_for, is_directory_searchable, is_shown, is_visible_to
from backend.users.serialise import user_json, users_json
from backend.users.tombstone import is_tombstone

_SEARCHED = (User.username, User.full_name, User.first_name, User.last_name)


def get_profile(viewer: User, user_id: int) -> dict[str, Any]:
    """The profile of *user_id* as *viewer* may see it. Raises NotFound, also if the directory hides it from *viewer*.

    A deactivated account is still shown, with `is_active` false, because its messages stay and need an author. So is the
    "deleted user", to whom the messages of erased users belong.
    """
    found = db.session.get(User, user_id)
    return user_json(found if found is not None and is_tombstone(found) else get_user_for(viewer, user_id), viewer)


def list_users(
    viewer: User, page_request: PageRequest, q: str = "", ids: Collection[int] | None = None
) -> Page[dict[str, Any]]:
    """The users whose username or name contains *q*, in the order of their usernames. With *ids*, only those of them.

    *q* is literal, and its case does not matter. Erased accounts are never listed. Without *ids*, deactivated ones are only for
    superusers, because others use the list to find users to talk to. With *ids*, whoever `get_profile` shows is listed. The
    directory may hide users.
    """
    statement = select(User).where(is_visible_to(viewer)).order_by(User.username)
    if ids is not None:
        statement = statement.where(User.id.in_(ids), is_shown())
    elif not is_directory_searchable() and not viewer.has_admin_power:
        return Page([])
    else:
        statement = statement.where(User.deleted_at.is_(None), true() if viewer.has_admin_power else User.is_active)
    if q:
        statement = statement.where(or_(*(column.icontains(q, autoescape=True) for column in _SEARCHED)))
    users = db.session.scalars(statement.offset(page_request.skip).limit(page_request.limit + 1)).all()
    page = Page.from_rows(users, page_request)
    return Page(users_json(page.items, viewer), page.next)
