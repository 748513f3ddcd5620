"""A file that two sends use at once, and a send and a sweep at once: the one that locks the file first decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from backend.attachments import sweeping
from backend.conversations.references import resolve_conversation
from backend.errors import NotFound
from backend.messages.append import append_messages
from backend.messages.drafts import Draft, Sent
from backend.messages.validation import AttachmentSent
from backend.models import Attachment
from backend.models.base import utcnow
from backend.models.message import AttachmentState
from backend.storage.folder import FolderStorage
from tests.attachments.conftest import code, keys, rows, send, uploaded
from tests.client import Client
from tests.factories import Factory
from tests.races import hold_row


def sending(app: Flask, client: Client, *attachment_ids: int) -> Callable[[], Sent | Exception]:
    """A send of another worker than that of the requests: it does not join their batches."""

    def append() -> Sent | Exception:
        user_id = client.user.id  # type: ignore[attr-defined]
        draft = Draft(user_id, resolve_conversation(user_id, "lobby"), "late", attachment_ids=attachment_ids)
        with app.app_context():
            return append_messages([draft])[0]

    return append


def committed_while_it_waits(app: Flask, call: Callable[[], Any], attachment_id: int, **values: Any) -> Any:
    """The result of *call*, which waits for an attachment while another transaction sets *values*."""
    with hold_row(app, Attachment, id=attachment_id) as held:
        started = held.start(call)
        held.wait_until_blocked()
        held.execute(update(Attachment).where(Attachment.id == attachment_id).values(values))
        held.release()
        return started.result(30)


def contents(client: Client) -> list[str]:
    return [message["content"] for message in client.get("/api/chat/messages").json]


def test_a_file_that_another_send_takes_cannot_be_sent_again(app: Flask, make: Factory, folder: FolderStorage) -> None:
    ann = make.client()
    first, file = send(ann, content="first"), uploaded(ann)
    result = committed_while_it_waits(app, sending(app, ann, file["id"]), file["id"], message_id=first["id"])
    assert isinstance(result, AttachmentSent)
    assert contents(ann) == ["first"]
    assert [row.message_id for row in rows(app)] == [first["id"]]


def test_a_file_that_is_swept_while_a_send_waits_cannot_be_sent(
    app: Flask, make: Factory, folder: FolderStorage
) -> None:
    ann = make.client()
    file = uploaded(ann)
    result = committed_while_it_waits(
        app, sending(app, ann, file["id"]), file["id"], state=AttachmentState.REMOVED, filename=""
    )
    assert isinstance(result, NotFound)
    assert (contents(ann), [row.message_id for row in rows(app)]) == ([], [None])


@pytest.mark.parametrize("state", [AttachmentState.PENDING, AttachmentState.REMOVED])
def test_only_a_file_that_is_ready_can_be_sent(
    app: Flask, make: Factory, folder: FolderStorage, state: AttachmentState
) -> None:
    """One that is still being written, or is being removed, does not exist for its uploader either."""
    ann = make.client()
    file = uploaded(ann)
    with hold_row(app, Attachment, id=file["id"]) as held:
        held.execute(update(Attachment).values(state=state))
    assert code(ann.post("/api/chat/send", {"content": "x", "attachment_ids": [file["id"]]})) == (404, "not_found")
    assert contents(ann) == []


def sweep(app: Flask, *, is_complete: bool = False) -> None:
    with app.app_context():
        if is_complete:
            sweeping.sweep_all()
        else:
            sweeping.sweep()


def test_a_file_that_is_sent_while_a_sweep_waits_is_kept(app: Flask, make: Factory, folder: FolderStorage) -> None:
    ann = make.client()
    first, file = send(ann), uploaded(ann)
    long_ago = utcnow() - timedelta(days=2)
    with hold_row(app, Attachment, id=file["id"]) as held:
        held.execute(update(Attachment).values(created_at=long_ago))
    committed_while_it_waits(app, lambda: sweep(app), file["id"], message_id=first["id"])
    assert [(row.state, row.message_id) for row in rows(app)] == [("ready", first["id"])]
    assert ann.get(file["url"]).status_code == 200


def test_a_file_that_is_lost_and_sent_while_a_sweep_waits_stays_in_its_message(
    app: Flask, make: Factory, folder: FolderStorage
) -> None:
    """The message shows it, so that the loss is reported and not hidden."""
    ann = make.client()
    first, file = send(ann), uploaded(ann)
    with hold_row(app, Attachment, id=file["id"]) as held:
        held.execute(update(Attachment).values(created_at=utcnow() - timedelta(hours=2)))
    for key in keys(folder):
        folder.delete(key)
    committed_while_it_waits(app, lambda: sweep(app, is_complete=True), file["id"], message_id=first["id"])
    assert [(row.state, row.message_id) for row in rows(app)] == [("ready", first["id"])]
