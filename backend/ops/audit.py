"""The audit trail: who did what to whom, when and from where. It is only ever added to.

`record` puts an event into the transaction of what it tells of, so neither is ever there without the other.
"""

from __future__ import annotations

from typing import Any

from flask import g
from sqlalchemy import insert

from backend.models import AuditEvent
from backend.models.base import db

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
    "report.reopened": "A settled report was opened again.",
}
"""Every action that is recorded, with what it means. A test holds the calls of `record` to this list."""


def record(action: str, actor_id: int | None, target: str | None = None, data: dict[str, Any] | None = None) -> None:
    """Add an event to the current transaction of `db.session`; whoever calls commits.

    *actor_id* is who did it; None for nobody that is known (a failed sign-in) and for the command line. *target* is
    `user:7`, `room:3`, `session:5` and the like. *data* holds ids, names of fields and numbers: never a secret, and nothing
    that would have to go when a user is erased.
    """
    row = {"action": action, "actor_id": actor_id, "target": target, "data": data, "ip_address": g.get("address")}
    db.session.execute(insert(AuditEvent), [row])


def user_target(user_id: int) -> str:
    """How an event names an account."""
    return f"user:{user_id}"
