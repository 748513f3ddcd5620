"""Calls of the inbox, send and sync with the client that openapi-python-client generates, without a cast.

A test copies this file beside the generated package, checks its types and runs it: `client_usage.py URL TOKEN ROOM_ID`.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime

from confab_client import AuthenticatedClient
from confab_client.api.chat import send_message
from confab_client.api.inbox import list_conversations, sync
from confab_client.models import Message, MessageSend, Room, SyncAnswer, SyncRequest, SyncRequestConversations


def main(url: str, token: str, room_id: int) -> None:
    client = AuthenticatedClient(base_url=url, token=token)
    sent = send_message.sync(client=client, body=MessageSend(content="hello", room_id=room_id))
    assert isinstance(sent, Message)
    wrong: str = sent.seq  # type: ignore[assignment]  # reported if it is not needed: the client is typed
    sent_at: datetime = sent.created_at
    edited_at: datetime | None = sent.edited_at
    rows = list_conversations.sync(client=client)
    assert isinstance(rows, list)
    inbox = {row.id: row for row in rows}
    row, lobby = inbox[sent.conversation_id], inbox["lobby"]
    assert isinstance(row.room, Room)
    last: Message | None = row.last_message
    content: str = last.content  # type: ignore[union-attr]  # a conversation may have no message
    assert last is not None
    seen = SyncRequestConversations.from_dict({"lobby": lobby.last_modseq})
    answer = sync.sync(client=client, body=SyncRequest(conversations=seen))
    assert isinstance(answer, SyncAnswer)
    changes = {change.id: change for change in answer.conversations}[sent.conversation_id]
    members: list[str] = [member.user.username for member in changes.members]
    seqs: list[int] = [message.seq for message in changes.messages]
    result = {
        "room": row.room.name,
        "last": [wrong, content, last.created_at == sent_at],
        "edited": edited_at is not None,
        "lobby": lobby.last_message is not None,
        "members": members,
        "seqs": seqs,
        "gone": answer.gone,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
