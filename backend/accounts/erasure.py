"""Erasing an account: what is personal goes, what was said stays under "deleted user".

It is done in small transactions, each of which may be the last that happens: the account is shut and emptied in the first, and
`flask users purge` ends what a crash left undone. The row stays as a name without a face (its id is in the ids of direct
conversations, and in the audit trail).

Nothing that the erased send at that moment is missed: a send looks whether its sender lives under the lock of its
conversation, and every conversation that they could write to is locked here, after the account was shut.
"""

from __future__ import annotations

import logging
import time

from sqlalchemy import Table, delete, exc, exists, or_, select, update

from backend.accounts.administration import end_access, ensure_not_last_superuser, lock_account
from backend.accounts.anonymise import leave_conversations
from backend.audit.log import record, user_target
from backend.auth.api_tokens import revoke
from backend.auth.otp import use_code
from backend.auth.passwords import confirm_password
from backend.conversations.contacts import contacts_of
from backend.errors import ChatError, ValidationFailed
from backend.events import offline_event, publish_on_commit
from backend.identity.identity import Identity
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
from backend.storage import storage
from backend.traces import wipe_traces_soon
from backend.users.serialise import avatar_version
from backend.users.tombstone import FULL_NAME, tombstone_id

log = logging.getLogger("confab.users")

SECONDS_IN_REQUEST = 4.0
"""How long the request goes on moving messages. `flask users purge` does the rest; nothing of it is personal."""

KEPT = {"room_memberships", "messages"}
"""Tables that refer to users and are emptied of them in their own way, or not at all."""

PERSONAL = (
    "email", "mail_address", "hashed_password", "mobile", "first_name", "last_name", "bio", "avatar", "email_verified_at",
    "mobile_verified_at", "last_seen_at",
)  # fmt: skip


def erase_self(caller: Identity, password: str | None = None, code: str | None = None) -> None:
    """Erase the caller's account, which its *password* or a fresh one-time *code* confirms.

    Raises InvalidPassword, InvalidOtp, ValidationFailed where neither is given, and LastSuperuser.
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
    erase_user(user, user.id)
    finish(user.id, SECONDS_IN_REQUEST)
    wipe_traces_soon(db.engine)


def erase_user(actor: User | None, user_id: int) -> None:
    """Shut the account and take everything personal out of its row. `finish` does the rest. Raises NotFound, LastSuperuser."""
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
    """Do what is left to do of an erasure, until done or until *seconds* have passed. Returns whether nothing is left.

    Safe to repeat. A failure is logged: what is personal went before.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    try:
        _forget_words(user_id)
        _delete_files(user_id)
        is_done = leave_conversations(user_id, tombstone_id(), deadline)
        _forget(user_id)
        db.session.commit()
    except (exc.SQLAlchemyError, ChatError) as error:
        db.session.rollback()
        log.warning("an erasure waits", extra={"data": {"user_id": user_id, "reason": type(error).__name__}})
        return False
    if not is_done:
        log.info("an erasure is unfinished: run `flask users purge`", extra={"data": {"user_id": user_id}})
    return is_done


def list_unfinished() -> list[int]:
    """The erased accounts of which something is left: messages, rooms, memberships, files."""
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
    """Delete every row that the data model gives to a user (ON DELETE CASCADE), and the user's name on what others keep."""
    for table in reversed(Base.metadata.sorted_tables):
        for key in table.foreign_keys:
            if key.column.table.name == "users" and table.name not in KEPT:
                _forget_in(table, key.parent.name, key.ondelete, user_id)


def _forget_words(user_id: int) -> None:
    """Delete addresses from the trail of what the user did and what was done to them, and the texts of reports by and about them.

    Before the messages lose their sender, by whom reports are about somebody. What comes in meanwhile goes in `finish`.
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
    """Delete the files first and their rows after: what a crash leaves is found again."""
    rows = select(Attachment.storage_key, Attachment.thumbnail_key).where(Attachment.user_id == user_id)
    for row in db.session.execute(rows).all():
        for key in row:
            _discard(key)
    # The rows go with the messages that they hang on; those of no message go here.
    db.session.execute(delete(Attachment).where(Attachment.user_id == user_id, Attachment.message_id.is_(None)))
    db.session.commit()


def _discard(key: str | None) -> None:
    if key is not None:
        storage().delete(key)
