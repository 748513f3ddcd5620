"""Whether a draft may be sent."""

from __future__ import annotations

from backend.conversations.references import ConversationRef, check_lobby, has_lobby
from backend.errors import ChatError, Conflict, Forbidden, NotFound, TokenRevoked, ValidationFailed
from backend.messages.drafts import Draft
from backend.messages.mentions import names_room
from backend.messages.send_context import SendContext
from backend.models.conversation import LOBBY, dm_peer, room_of
from backend.rooms.access import NotAMember
from backend.users.blocks import is_blocked


class Blocked(Forbidden):
    code = "blocked"
    detail = "This user does not accept direct messages from you."


class IdempotencyConflict(Conflict):
    code = "idempotency_conflict"
    detail = "Another message was sent with this client_message_id. Use a new one for each message."


class AttachmentSent(ValidationFailed):
    """An attachment was sent with another message."""

    def __init__(self) -> None:
        super().__init__(errors={"attachment_ids": ["An attachment was sent before. Upload the file again."]})


def check_not_blocked(user_id: int, place: ConversationRef) -> None:
    """Raise Blocked where *place* is a direct conversation and its other side blocks *user_id*."""
    if place.peer_id is not None and is_blocked(user_id, by_id=place.peer_id):
        raise Blocked


def validate_draft(draft: Draft, context: SendContext) -> None:
    """Raise NotFound, NotAMember, Blocked or ValidationFailed where *draft* may not be sent.

    Raises TokenRevoked where the sender was erased after the request was authenticated.
    """
    check_access(draft, context)
    peer_id = draft.place.peer_id
    if peer_id is not None:
        is_hidden = context.visible is not None and (draft.sender_id, peer_id) not in context.visible
        if is_hidden or peer_id not in context.active_user_ids:
            raise NotFound("There is no such user.")
        if (peer_id, draft.sender_id) in context.blocks:
            raise Blocked
    if draft.parent_id is not None:
        _check_parent(draft, draft.parent_id, context)
    for attachment_id in draft.attachment_ids:
        _check_attachment(draft, attachment_id, context)


def check_access(draft: Draft, context: SendContext) -> None:
    """Raise NotFound, NotAMember or TokenRevoked where the sender may not see the conversation.

    This is all that a repeated send is checked for, because it writes nothing.
    """
    check_lobby(draft.place)
    room_id = draft.place.room_id
    if room_id is not None and (room_id, draft.sender_id) not in context.members:
        raise NotAMember if room_id in context.public_room_ids else NotFound
    if room_id is None and draft.sender_id not in context.active_user_ids:
        raise TokenRevoked


def is_valid(draft: Draft, context: SendContext) -> bool:
    """Whether `validate_draft` accepts *draft*."""
    try:
        validate_draft(draft, context)
    except ChatError:
        return False
    return True


def mentions_room(draft: Draft, context: SendContext) -> bool:
    """Whether *draft* mentions every member: an admin of its room writes `@room`."""
    return names_room(draft.content) and (draft.place.room_id, draft.sender_id) in context.room_admins


def _check_parent(draft: Draft, parent_id: int, context: SendContext) -> None:
    conversation_id = context.parents.get(parent_id)
    if conversation_id == draft.place.conversation_id:
        return
    if conversation_id is None or not _can_see(draft.sender_id, conversation_id, context):
        raise NotFound("There is no such message to reply to.")
    raise ValidationFailed.of("parent_id", "The parent is in another conversation.")


def _check_attachment(draft: Draft, attachment_id: int, context: SendContext) -> None:
    attachment = context.attachments.get(attachment_id)
    if attachment is None or attachment.user_id != draft.sender_id:
        raise NotFound("There is no such attachment. An attachment that is not sent within a day is deleted.")
    if attachment.message_id is not None:
        raise AttachmentSent


def _can_see(user_id: int, conversation_id: str, context: SendContext) -> bool:
    room_id = room_of(conversation_id)
    if room_id is not None:
        return (room_id, user_id) in context.members
    return (conversation_id == LOBBY and has_lobby()) or dm_peer(conversation_id, user_id) is not None
