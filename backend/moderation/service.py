"""Reports: users report messages, and superusers resolve or dismiss the reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import exc, select

from backend.audit.log import record
from backend.errors import NotFound
from backend.messages.access import get_message_for
from backend.messages.fields import MESSAGE_COLUMNS
from backend.messages.serialise import messages_json
from backend.models import Message, Report, User
from backend.models.base import db, insert_on_conflict, utcnow
from backend.pagination import Page, PageRequest
from backend.users.access import keep_active


def report_message(user: User, message_id: int, reason: str) -> dict[str, Any]:
    """Report a message that *user* can see. A second report of the same message by the same user changes nothing.

    Returns the report as its author sees it. Raises NotFound, and TokenRevoked for a user who was erased or deactivated
    meanwhile.
    """
    keep_active(user)
    get_message_for(user, message_id)
    row = insert_on_conflict(Report).values(message_id=message_id, reporter_id=user.id, reason=reason)
    try:
        db.session.execute(row.on_conflict_do_nothing())
    except exc.IntegrityError as error:  # the message was deleted with its room meanwhile
        db.session.rollback()
        raise NotFound from error
    of_user = (Report.message_id == message_id, Report.reporter_id == user.id)
    answer = own_report_json(db.session.scalars(select(Report).where(*of_user)).one())
    db.session.commit()
    return answer


def list_reports(page_request: PageRequest, status: str | None = None) -> Page[dict[str, Any]]:
    """All reports, or those of one *status*, newest first. Each has its message in its present state."""
    statement = select(Report).order_by(Report.id.desc())
    if status is not None:
        statement = statement.where(Report.status == status)
    rows = db.session.scalars(statement.offset(page_request.skip).limit(page_request.limit + 1)).all()
    page = Page.from_rows(rows, page_request)
    return Page(reports_json(page.items), page.next)


def settle_report(actor: User, report_id: int, status: str, note: str | None = None) -> dict[str, Any]:
    """Set the outcome of a report, also of one that has an outcome already. Raises NotFound."""
    report = db.session.scalars(select(Report).where(Report.id == report_id).with_for_update()).one_or_none()
    if report is None:
        raise NotFound
    report.status, report.note = status, note
    report.settled_by_id, report.settled_at = actor.id, utcnow()
    record("report.settled", actor.id, f"report:{report.id}", {"status": status, "message_id": report.message_id})
    db.session.flush()
    answer = reports_json([report])[0]
    db.session.commit()
    return answer


def own_report_json(report: Report) -> dict[str, Any]:
    """A report as its author sees it, in responses and in the export."""
    return {
        "id": report.id,
        "message_id": report.message_id,
        "reason": report.reason,
        "status": report.status,
        "created_at": report.created_at,
    }


def reports_json(reports: Sequence[Report]) -> list[dict[str, Any]]:
    """Reports as superusers see them. Reads the messages of all in one query."""
    statement = select(*MESSAGE_COLUMNS).where(Message.id.in_({report.message_id for report in reports}))
    rows = db.session.execute(statement).all() if reports else []
    messages = {message["id"]: message for message in messages_json(rows, None, db.session)}
    return [
        own_report_json(report)
        | {
            "reporter_id": report.reporter_id,
            "note": report.note,
            "settled_by_id": report.settled_by_id,
            "settled_at": report.settled_at,
            "message": messages.get(report.message_id),
        }
        for report in reports
    ]
