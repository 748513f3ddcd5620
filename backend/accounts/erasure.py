"""Erasing an account: personal data is deleted, and messages stay under "deleted user".

An erasure runs in small transactions, and a crash may end it after any of them. The first closes the account and clears its
row; `flask users purge` finishes the rest. The row itself stays without personal data, because its id is part of the ids of
direct conversations and stands in the audit log.

No message that the user sends at the same time is missed. A send checks under the lock of its conversation whether its sender is
erased, and this module locks every conversation that the user could write to after it has closed the account.
"""

from __future__ import annotations

import logging
import time

from sqlalchemy import Table, delete, exc, exists, or_, select, update

from backend.accounts.administration import end_access, ensure_not_last_superuser, lock_account
from backend.audit.log import record, user_target
from backend.auth.api_tokens import revoke
from backend.auth.otp import use_code
from backend.auth.passwords import confirm_password
from backend.conversations.contacts import contacts_of
from backend.errors import ChatError, NotFound, TokenRevoked, ValidationFailed
from backend.events import offline_event, publish_on_commit
from backend.identity.identity import Identity
from backend.messages.anonymise import anonymise_messages
from backend.models import (
    ApiToken,
    Attachment,
    AuditEvent,
    ConversationEntry,
    Message,
    OtpCode,
    Report,
    Room,
    RoomMembership,
    User,
)
from backend.models.base import Base, db, utcnow
from backend.rooms.succession import leave_all_rooms
from backend.storage import storage
from backend.traces import wipe_traces_soon
from backend.users.serialise import avatar_version
from backend.users.tombstone import FULL_NAME, tombstone_id

log = logging.getLogger("confab.users")

SECONDS_IN_REQUEST = 4.0
"""How long the request rewrites messages. `flask users purge` rewrites the rest, in which nothing is personal."""

KEPT = {"room_memberships", "messages"}
"""Tables whose references to users are handled elsewhere, or stay."""

PERSONAL = (
    "email", "mail_address", "hashed_password", "mobile", "first_name", "last_name", "bio", "avatar", "email_verified_at",
    "mobile_verified_at", "last_seen_at",
)  # fmt: skip


def erase_self(caller: Identity, password: str | None = None, code: str | None = None) -> None:
    """Erase the caller's account. The *password* or a fresh one-time *code* confirms it.

    Raises InvalidPassword, InvalidOtp, LastSuperuser, TokenRevoked if it is erased already, and ValidationFailed if neither is
    given.
    """
    user = caller.user
    if password is not None and user.hashed_password:
        confirm_password(user, password)
    elif code is not None and user.mobile is not None and user.mobile_verified_at is not None:
        use_code(user.mobile, code)
        db.session.commit()
    else:
        field = "password" if user.hashed_password else "code"
        raise ValidationFailed.of(field, "Confirm with your password, or with a code sent to your number.")
    try:
        erase_user(user, user.id)
    except NotFound:  # another request erased the account meanwhile
        raise TokenRevoked from None
    finish(user.id, SECONDS_IN_REQUEST)
    wipe_traces_soon(db.engine)


def erase_user(actor: User | None, user_id: int) -> None:
    """Close the account and clear the personal data in its row. `finish` does the rest. Raises NotFound and LastSuperuser."""
    user = lock_account(user_id, actor if actor is not None and actor.id != user_id else None)
    ensure_not_last_superuser(user)
    mobile, email = user.mobile, user.email
    picture = user.avatar if avatar_version(user) is not None else None
    end_access(user_id)
    for column in PERSONAL:
        setattr(user, column, None)
    user.username, user.full_name = f"deleted user {user_id}", FULL_NAME
    user.is_active = user.is_superuser = False
    user.deleted_at = utcnow()
    db.session.flush()
    publish_on_commit(*(offline_event(other_id, user_id) for other_id in contacts_of(user_id)))
    revoke(ApiToken.user_id == user_id)
    record("account.erased", actor.id if actor is not None else None, user_target(user_id))
    _forget_words(user_id)
    _forget(user_id)
    if mobile is not None:
        db.session.execute(delete(OtpCode).where(OtpCode.mobile == mobile))
    db.session.commit()
    _discard(picture)
    log.info("an account was erased", extra={"data": {"user_id": user_id, "had_email": email is not None}})


def finish(user_id: int, seconds: float | None = None) -> bool:
    """Continue an erasure for at most *seconds*, and return whether it is complete. Safe to repeat.

    A failure is logged and not raised, because `erase_user` has deleted the personal data already.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    try:
        _forget_words(user_id)
        _delete_files(user_id)
        leave_all_rooms(user_id)
        is_done = anonymise_messages(user_id, tombstone_id(), deadline)
        _forget(user_id)
        db.session.commit()
    except (exc.SQLAlchemyError, ChatError) as error:
        db.session.rollback()
        log.warning("an erasure was interrupted", extra={"data": {"user_id": user_id, "reason": type(error).__name__}})
        return False
    if not is_done:
        log.info("an erasure is unfinished: run `flask users purge`", extra={"data": {"user_id": user_id}})
    return is_done


def list_unfinished() -> list[int]:
    """The erased accounts that still have messages, rooms, memberships, files or inbox entries."""
    left = (
        exists().where(or_(Message.sender_id == User.id, Message.recipient_id == User.id)),
        exists().where(Room.owner_id == User.id, Room.deleted_at.is_(None)),
        exists().where(RoomMembership.user_id == User.id, RoomMembership.left_at.is_(None)),
        exists().where(Attachment.user_id == User.id),
        exists().where(ConversationEntry.user_id == User.id),
    )
    statement = select(User.id).where(User.deleted_at.is_not(None), User.id != tombstone_id(), or_(*left))
    return list(db.session.scalars(statement.order_by(User.id)))


def _forget(user_id: int) -> None:
    """Delete the rows that belong to the user (ON DELETE CASCADE), and clear references to the user (ON DELETE SET NULL)."""
    for table in reversed(Base.metadata.sorted_tables):
        for key in table.foreign_keys:
            if key.column.table.name == "users" and table.name not in KEPT:
                _forget_in(table, key.parent.name, key.ondelete, user_id)


def _forget_words(user_id: int) -> None:
    """Clear the addresses in audit events by and about the user, and the texts of reports by and about them.

    This comes before messages lose their sender, because reports about the user are found by it. `finish` repeats it for what
    arrived in between.
    """
    about = or_(AuditEvent.actor_id == user_id, AuditEvent.target == user_target(user_id))
    with_address = (about, AuditEvent.ip_address.is_not(None))
    db.session.execute(update(AuditEvent).where(*with_address).values(ip_address=None))
    said = select(Message.id).where(Message.sender_id == user_id)
    reported = or_(Report.reporter_id == user_id, Report.message_id.in_(said))
    db.session.execute(update(Report).where(reported).values(reason="", note=None))


def _forget_in(table: Table, column: str, ondelete: str | None, user_id: int) -> None:
    if ondelete == "CASCADE" and table.name not in ("attachments", "reactions", "message_mentions"):
        db.session.execute(delete(table).where(table.c[column] == user_id))
    elif ondelete == "SET NULL":
        db.session.execute(update(table).where(table.c[column] == user_id).values({column: None}))


def _delete_files(user_id: int) -> None:
    """Delete the files before their rows, so that a crash leaves no file without a row."""
    rows = select(Attachment.storage_key, Attachment.thumbnail_key).where(Attachment.user_id == user_id)
    for row in db.session.execute(rows).all():
        for key in row:
            _discard(key)
    # The rows of sent attachments are deleted with the rewriting of their messages.
    db.session.execute(delete(Attachment).where(Attachment.user_id == user_id, Attachment.message_id.is_(None)))
    db.session.commit()


def _discard(key: str | None) -> None:
    if key is not None:
        storage().delete(key)
