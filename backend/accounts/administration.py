"""Administration of accounts, by superusers and on the command line. The audit log records every change."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from backend.audit.log import record, user_target
from backend.auth.api_tokens import drop_privileges
from backend.auth.sessions import end_sessions
from backend.errors import Conflict, Forbidden, NotFound
from backend.events import publish_on_commit, revoked_event
from backend.models import User, UserSession, WsTicket
from backend.models.base import db
from backend.users.roles import set_roles
from backend.users.serialise import own_json, user_json


class LastSuperuser(Conflict):
    code = "last_superuser"
    detail = "This is the last active superuser. Make another user a superuser first."


def update_account(actor: User | None, user_id: int, changes: dict[str, Any]) -> dict[str, Any]:
    """Change is_active, is_superuser, roles (names) or full_name of an account. Fields that are not in *changes* stay.

    The sessions and sockets of a deactivated account end at once. *actor* is None on the command line. Raises NotFound,
    LastSuperuser, ValidationFailed for an unknown role, and Forbidden if *actor* is not a superuser any more.
    """
    actor_id = actor.id if actor is not None else None
    user = lock_account(user_id, actor)
    before = (user.is_active, user.is_superuser, user.full_name)
    if changes.get("is_active", user.is_active) != user.is_active:
        _set_active(actor_id, user, changes["is_active"])
    if changes.get("is_superuser", user.is_superuser) != user.is_superuser:
        _set_superuser(actor_id, user, changes["is_superuser"])
    if "full_name" in changes and changes["full_name"] != user.full_name:
        user.full_name = changes["full_name"]
        record("account.updated", actor_id, user_target(user_id), {"fields": ["full_name"]})
    db.session.flush()
    has_new_roles = "roles" in changes and set_roles(actor_id, user_id, changes["roles"])
    if has_new_roles:
        db.session.refresh(user, ["role_names"])
    answer = own_json(user) if actor is None else user_json(user, actor)
    if has_new_roles or before != (user.is_active, user.is_superuser, user.full_name):
        db.session.commit()
    else:
        db.session.rollback()
    return answer


def lock_account(user_id: int, actor: User | None = None) -> User:
    """Lock the account *user_id* and all superusers, in the order of their ids, and return the account.

    Raises NotFound if it is erased, and Forbidden if *actor* is not a superuser any more.
    """
    powerful = User.is_superuser & User.is_active & User.deleted_at.is_(None)
    statement = select(User).where(powerful | (User.id == user_id)).order_by(User.id).with_for_update()
    found = {user.id: user for user in db.session.scalars(statement.execution_options(populate_existing=True))}
    if actor is not None and (actor.id not in found or not found[actor.id].is_superuser):
        raise Forbidden("Only a superuser may do this.")
    user = found.get(user_id)
    if user is None or user.deleted_at is not None:
        raise NotFound
    return user


def ensure_not_last_superuser(user: User) -> None:
    """Raise LastSuperuser if *user*, which `lock_account` returned, is the only superuser who can sign in."""
    others = select(User.id).where(
        User.id != user.id, User.is_superuser, User.is_active, User.deleted_at.is_(None)
    )  # locked by lock_account, so they stay superusers until the commit
    if user.is_superuser and user.is_active and db.session.scalars(others.limit(1)).first() is None:
        raise LastSuperuser


def end_access(user_id: int) -> int:
    """End all sessions, tickets and sockets of the account in the current transaction. Returns the number of sessions."""
    count = len(end_sessions(UserSession.user_id == user_id))
    db.session.execute(delete(WsTicket).where(WsTicket.user_id == user_id))
    publish_on_commit(revoked_event(user_id))  # including sockets that API tokens opened
    return count


def _set_active(actor_id: int | None, user: User, is_active: bool) -> None:
    if is_active:
        user.is_active = True
        record("account.activated", actor_id, user_target(user.id))
        return
    ensure_not_last_superuser(user)
    user.is_active = False
    record("account.deactivated", actor_id, user_target(user.id), {"sessions": end_access(user.id)})


def _set_superuser(actor_id: int | None, user: User, is_superuser: bool) -> None:
    if not is_superuser:
        ensure_not_last_superuser(user)
        drop_privileges(user.id)
    user.is_superuser = is_superuser
    record("superuser.granted" if is_superuser else "superuser.revoked", actor_id, user_target(user.id))
