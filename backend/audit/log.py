"""The audit trail: who did what to whom, when and from where. It is only ever added to.

`record` puts an event into the transaction of what it tells of, so neither is ever there without the other.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select

from backend.models import AuditEvent
from backend.models.base import db
from backend.pagination import Page, PageRequest
from backend.request_context import address

ACTIONS = {
    "account.created": "An account was made. data.by: register, otp, command.",
    "account.updated": "A superuser or a command changed an account. data.fields: the names of what changed.",
    "account.deactivated": "An account was deactivated; its sessions and sockets ended.",
    "account.activated": "A deactivated account may sign in again.",
    "account.erased": "An account was erased.",
    "account.exported": "A user fetched all of their data.",
    "superuser.granted": "An account became a superuser.",
    "superuser.revoked": "An account is a superuser no longer.",
    "login.ok": "A session began. data.by: register, password, otp. target: session:ID.",
    "login.failed": "A sign-in was refused. target: the account, where there is one. data.by: password, otp, totp.",
    "token.reused": "A refresh token was used a second time; its session ended.",
    "session.ended": "Sessions were ended. data.count, data.why.",
    "session.confirmed": "A user proved again who they are. data.by: password, otp, totp. target: session:ID.",
    "session.confirm_failed": "That was refused. data.by: what was wrong. target: session:ID.",
    "password.changed": "A password was changed or set.",
    "password.reset": "A password was reset by mail.",
    "password.reset_requested": "A reset mail was asked for.",
    "email.changed": "The email of an account changed; the new one is not verified yet.",
    "email.verified": "An email was verified.",
    "mobile.verified": "A number was verified.",
    "totp.enabled": "The second factor was switched on.",
    "totp.disabled": "The second factor was switched off.",
    "totp.recovery_used": "A recovery code took the place of the second factor.",
    "api_token.created": "An API token was made. target: api_token:ID. data.scopes.",
    "api_token.deleted": "An API token was deleted.",
    "role.created": "A role was made. target: role:ID.",
    "role.updated": "A role was changed.",
    "role.deleted": "A role was deleted. data.holders: how many had it.",
    "role.granted": "A role was granted. target: the account. data.role_id.",
    "role.revoked": "A role was taken away. target: the account. data.role_id.",
    "room.deleted": "A superuser deleted a room that they do not own. target: room:ID.",
    "report.settled": "A report was settled. target: report:ID. data.status, data.message_id.",
}
"""Every action that is recorded, with what it means. A test holds the calls of `record` to this list."""


def record(action: str, actor_id: int | None, target: str | None = None, data: dict[str, Any] | None = None) -> None:
    """Add an event to the current transaction of `db.session`; whoever calls commits.

    *actor_id* is who did it; None for nobody that is known (a failed sign-in) and for the command line. *target* is
    `user:7`, `room:3`, `session:5` and the like. *data* holds ids, names of fields and numbers: never a secret, and nothing
    that would have to go when a user is erased.
    """
    row = {"action": action, "actor_id": actor_id, "target": target, "ip_address": address()}
    db.session.execute(insert(AuditEvent), [row if data is None else row | {"data": data}])


def user_target(user_id: int) -> str:
    """How an event names an account."""
    return f"user:{user_id}"


def list_events(
    page_request: PageRequest, *, action: str | None = None, actor_id: int | None = None, target: str | None = None
) -> Page[dict[str, Any]]:
    """The events, newest first; with filters, those alone that equal each of them."""
    statement = select(AuditEvent).order_by(AuditEvent.id.desc())
    wanted = ((AuditEvent.action, action), (AuditEvent.actor_id, actor_id), (AuditEvent.target, target))
    for column, value in wanted:
        if value is not None:
            statement = statement.where(column == value)
    rows = db.session.scalars(statement.offset(page_request.skip).limit(page_request.limit + 1)).all()
    return Page.from_rows([event_json(row) for row in rows], page_request)


def event_json(event: AuditEvent) -> dict[str, Any]:
    """The one shape of an event, for the list and the export alike."""
    return {
        "id": event.id,
        "action": event.action,
        "actor_id": event.actor_id,
        "target": event.target,
        "ip_address": event.ip_address,
        "data": event.data,
        "created_at": event.created_at,
    }
