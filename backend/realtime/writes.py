"""The commands that write messages: sends, edits, deletions and reactions. Consecutive ones share a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import Schema, ValidationError

from backend.conversations.references import resolve_conversation
from backend.database import is_unavailable
from backend.errors import ChatError, Unavailable, ValidationFailed
from backend.http.blueprint import flat_messages
from backend.http.fields import BodySchema, Id, StrictBoolean, Text
from backend.messages.append import append_together
from backend.messages.change_types import Change
from backend.messages.changes import change_together
from backend.messages.deletion import Deletion
from backend.messages.drafts import Draft, Sent
from backend.messages.edits import Edit
from backend.messages.emojis import parse_emoji
from backend.messages.reactions import AddReaction, RemoveReaction
from backend.messages.schemas import MessageSendSchema
from backend.messages.schemas_changes import MessageEditSchema
from backend.messages.serialise import as_sent
from backend.realtime.runtime import Runtime
from backend.realtime.transport.connection import Connection
from backend.realtime.transport.frames import answer_frame

Write = Draft | Change
Result = Sent | dict[str, Any] | Exception


class EditFrameSchema(MessageEditSchema):
    message_id = Id(required=True)


class DeleteFrameSchema(BodySchema):
    message_id = Id(required=True)
    hard = StrictBoolean(load_default=False)


class ReactionFrameSchema(BodySchema):
    message_id = Id(required=True)
    emoji = Text(required=True, high=64)


SCHEMAS: dict[str, Schema] = {
    "send": MessageSendSchema(),
    "edit": EditFrameSchema(),
    "delete": DeleteFrameSchema(),
    "react": ReactionFrameSchema(),
    "unreact": ReactionFrameSchema(),
}


def parse_write(user_id: int, type_: str, frame: dict[str, Any]) -> Write:
    """What a frame of one of `SCHEMAS` asks for. Raises ValidationFailed, and NotFound for a foreign conversation."""
    body = load_frame(SCHEMAS[type_], frame)
    match type_:
        case "send":
            place = resolve_conversation(user_id, body["conversation_id"], body["room_id"], body["recipient_id"])
            attachment_ids = tuple(body["attachment_ids"])
            return Draft(user_id, place, body["content"], body["parent_id"], body["client_message_id"], attachment_ids)
        case "edit":
            return Edit(user_id, body["message_id"], body["content"], body["modseq"])
        case "delete":
            return Deletion(user_id, body["message_id"], body["hard"])
        case "react":
            return AddReaction(user_id, body["message_id"], parse_emoji(body["emoji"]))
        case _:
            return RemoveReaction(user_id, body["message_id"], parse_emoji(body["emoji"]))


def can_share(one: Write, other: Write) -> bool:
    """Whether both can be written by one transaction."""
    return isinstance(one, Draft) == isinstance(other, Draft)


def write_together(runtime: Runtime, writes: Sequence[Write]) -> Sequence[Result]:
    """Write *writes*, which can share a transaction, and return the results in their order. Returns after the commit."""
    drafts = [write for write in writes if isinstance(write, Draft)]
    changes = [write for write in writes if isinstance(write, Change)]
    try:
        with runtime.app_context():
            return append_together(drafts) if drafts else change_together(changes)
    except Exception as error:
        if not is_unavailable(error):
            raise
        return [Unavailable() for _ in writes]


def write_answer(connection: Connection, write: Write, result: Sent | dict[str, Any], frame_id: str | None) -> bytes:
    """The answer to a write that succeeded: `ack` with the message as the client may see it; `ok` to a deletion."""
    if isinstance(result, Sent):
        message = result.message if connection.may_read else as_sent(result.message)
        return answer_frame("ack", frame_id, message=message)
    if isinstance(write, Deletion) or not connection.may_read:
        return answer_frame("ok", frame_id)
    return answer_frame("ack", frame_id, message=result)


def refusal_of(error: Exception) -> ChatError:
    """The error that answers a failed write. An unexpected one is in the log; its details are not sent."""
    if isinstance(error, ChatError):
        return error
    return Unavailable() if is_unavailable(error) else ChatError()


def load_frame(schema: Schema, frame: dict[str, Any]) -> dict[str, Any]:
    """The fields of a client's frame, without its type and id. Raises ValidationFailed."""
    fields = {name: value for name, value in frame.items() if name not in ("type", "id")}
    try:
        loaded: dict[str, Any] = schema.load(fields)
    except ValidationError as error:
        raise ValidationFailed(errors=flat_messages(error.normalized_messages())) from None
    return loaded
