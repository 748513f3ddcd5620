"""Roles: names for groups of users. Superusers manage them, and everybody can read them. In Confab itself they grant nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, exc, func, select

from backend.audit.log import record, user_target
from backend.errors import Conflict, NotFound, ValidationFailed
from backend.models import Role, User, UserRole
from backend.models.base import db, insert_on_conflict
from backend.pagination import Page, PageRequest
from backend.users.access import get_user


class RoleTaken(Conflict):
    code = "role_taken"
    detail = "A role with this name exists."


def list_roles(page_request: PageRequest) -> Page[dict[str, Any]]:
    """All roles, by name."""
    rows = db.session.scalars(
        select(Role).order_by(Role.name).offset(page_request.skip).limit(page_request.limit + 1)
    ).all()
    return Page.from_rows([role_json(row) for row in rows], page_request)


def create_role(actor: User, name: str, description: str | None = None) -> dict[str, Any]:
    """Create a role. Raises RoleTaken. Only one of several concurrent callers succeeds."""
    role = Role(name=name, description=description)
    db.session.add(role)
    _flush_name()
    record("role.created", actor.id, f"role:{role.id}")
    answer = role_json(role)
    db.session.commit()
    return answer


def update_role(actor: User, role_id: int, changes: dict[str, Any]) -> dict[str, Any]:
    """Change a role's name or description. Fields that are not in *changes* stay. Raises NotFound and RoleTaken."""
    role = _lock(role_id)
    for field, value in changes.items():
        setattr(role, field, value)
    if db.session.is_modified(role):
        _flush_name()
        record("role.updated", actor.id, f"role:{role_id}", {"fields": sorted(changes)})
    answer = role_json(role)
    db.session.commit()
    return answer


def delete_role(actor: User, role_id: int) -> None:
    """Delete a role, and take it from all users. Raises NotFound."""
    role = _lock(role_id)
    holders = db.session.scalar(select(func.count()).select_from(UserRole).where(UserRole.role_id == role_id))
    db.session.delete(role)
    record("role.deleted", actor.id, f"role:{role_id}", {"holders": holders})
    db.session.commit()


def grant_role(actor: User, user_id: int, role_id: int) -> None:
    """Give the user the role. Repeating it changes nothing. Raises NotFound."""
    get_user(user_id)
    _lock(role_id)
    _grant(actor.id, user_id, [role_id])
    db.session.commit()


def revoke_role(actor: User, user_id: int, role_id: int) -> None:
    """Take the role from the user. Repeating it changes nothing. Raises NotFound."""
    get_user(user_id)
    _lock(role_id)
    _revoke(actor.id, user_id, [role_id])
    db.session.commit()


def set_roles(actor_id: int | None, user_id: int, names: Collection[str]) -> bool:
    """Give the user exactly the roles with these *names*. Returns whether anything changed. Does not commit.

    Raises ValidationFailed if a role does not exist.
    """
    found = db.session.execute(select(Role.name, Role.id).where(Role.name.in_(names)).with_for_update(read=True))
    wanted = {row.name: row.id for row in found}
    if unknown := sorted(set(names) - wanted.keys()):
        raise ValidationFailed.of("roles", f"There is no role {unknown[0]}.")
    present = set(db.session.scalars(select(UserRole.role_id).where(UserRole.user_id == user_id)))
    _grant(actor_id, user_id, sorted(set(wanted.values()) - present))
    _revoke(actor_id, user_id, sorted(present - set(wanted.values())))
    return present != set(wanted.values())


def role_json(role: Role) -> dict[str, Any]:
    """A role as clients see it."""
    return {
        "id": role.id,
        "name": role.name,
        "description": role.description,
        "created_at": role.created_at,
        "updated_at": role.updated_at,
    }


def _grant(actor_id: int | None, user_id: int, role_ids: list[int]) -> None:
    for role_id in role_ids:
        row = insert_on_conflict(UserRole).values(user_id=user_id, role_id=role_id)
        if db.session.execute(row.on_conflict_do_nothing().returning(UserRole.id)).one_or_none() is not None:
            record("role.granted", actor_id, user_target(user_id), {"role_id": role_id})


def _revoke(actor_id: int | None, user_id: int, role_ids: list[int]) -> None:
    for role_id in role_ids:
        held = delete(UserRole).where(UserRole.user_id == user_id, UserRole.role_id == role_id)
        if db.session.execute(held.returning(UserRole.id)).one_or_none() is not None:
            record("role.revoked", actor_id, user_target(user_id), {"role_id": role_id})


def _lock(role_id: int) -> Role:
    role = db.session.scalars(select(Role).where(Role.id == role_id).with_for_update()).one_or_none()
    if role is None:
        raise NotFound
    return role


def _flush_name() -> None:
    try:
        db.session.flush()
    except exc.IntegrityError:
        db.session.rollback()
        raise RoleTaken from None
