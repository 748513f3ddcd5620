"""The audit trail: who did what to whom, when and from where. Events are only added, never changed.

`record` adds an event in the transaction of the change that it describes, so neither is ever stored without the other.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select

from backend.models import AuditEvent
from backend.models.base import db
from backend.pagination import Page, PageRequest
from backend.request_context import address

ACTIONS = {
    "account.created": "An account was created. data.by: register, otp, command.",
    "account.updated": "A superuser or a command changed an account. data.fields: the names of the changed fields.",
    "account.deactivated": "An account was deactivated; its sessions and sockets ended.",
    "account.activated": "A deactivated account was activated again.",
    "account.erased": "An account was erased.",
    "account.exported": "A user fetched all of their data.",
    "superuser.granted": "An account became a superuser.",
    "superuser.revoked": "An account ceased to be a superuser.",
    "login.ok": "A session began. data.by: register, password, otp. target: session:ID.",
    "login.failed": "A sign-in was refused. target: the account, if it exists. data.by: password, otp, totp.",
    "token.reused": "A refresh token was used a second time; its session ended.",
    "session.ended": "Sessions were ended. data.count, data.why.",
    "session.confirmed": "A user confirmed their identity within a session. data.by: password, otp, totp. target: session:ID.",
    "session.confirm_failed": "A confirmation was refused. data.by: what was wrong. target: session:ID.",
    "password.changed": "A password was changed or set.",
    "password.reset": "A password was reset by mail.",
    "password.reset_requested": "A mail for a new password was requested.",
    "email.changed": "The email of an account changed; the new one is not verified yet.",
    "email.verified": "An email was verified.",
    "mobile.verified": "A telephone number was verified.",
    "totp.enabled": "The second factor was switched on.",
    "totp.disabled": "The second factor was switched off.",
    "totp.recovery_used": "A recovery code was used instead of the second factor.",
    "api_token.created": "An API token was created. target: api_token:ID. data.scopes.",
    "api_token.deleted": "An API token was deleted.",
    "role.created": "A role was created. target: role:ID.",
    "role.updated": "A role was changed.",
    "role.deleted": "A role was deleted. data.holders: the number of its holders.",
    "role.granted": "A role was granted. target: the account. data.role_id.",
    "role.revoked": "A role was revoked. target: the account. data.role_id.",
    "room.deleted": "A superuser deleted a room of another owner. target: room:ID.",
    "report.settled": "A report was settled. target: report:ID. data.status, data.message_id.",
}
"""Every recorded action, with its meaning. A test compares the calls of `record` with this list."""


def record(action: str, actor_id: int | None, target: str | None = None, data: dict[str, Any] | None = None) -> None:
    """Add an event to the current transaction of `db.session`; the caller commits.

    *actor_id* is the acting user; None for an unknown one (a failed sign-in) and for the command line. *target* is `user:7`,
    `room:3`, `session:5` and the like. *data* holds ids, names of fields and numbers: never a secret, and nothing that an
    erasure of the user would have to delete.
    """
    row = {"action": action, "actor_id": actor_id, "target": target, "ip_address": address()}
    db.session.execute(insert(AuditEvent), [row if data is None else row | {"data": data}])


def user_target(user_id: int) -> str:
    """Return the target that stands for an account."""
    return f"user:{user_id}"


def list_events(
    page_request: PageRequest, *, action: str | None = None, actor_id: int | None = None, target: str | None = None
) -> Page[dict[str, Any]]:
    """Return the events, newest first; each filter that is given must be equal."""
    statement = select(AuditEvent).order_by(AuditEvent.id.desc())
    wanted = ((AuditEvent.action, action), (AuditEvent.actor_id, actor_id), (AuditEvent.target, target))
    for column, value in wanted:
        if value is not None:
            statement = statement.where(column == value)
    rows = db.session.scalars(statement.offset(page_request.skip).limit(page_request.limit + 1)).all()
    return Page.from_rows([event_json(row) for row in rows], page_request)


def event_json(event: AuditEvent) -> dict[str, Any]:
    """Serialise an event, for the list and the export alike."""
    return {
        "id": event.id,
        "action": event.action,
        "actor_id": event.actor_id,
        "target": event.target,
        "ip_address": event.ip_address,
        "data": event.data,
        "created_at": event.created_at,
    }
