"""Files that are written, sent and swept at the same time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from backend.attachments import sweeping
from backend.models import Attachment
from backend.models.base import utcnow
from backend.models.message import AttachmentState
from backend.storage.folder import FolderStorage
from tests.attachments.conftest import code, keys, rows, send, uploaded
from tests.factories import Factory
from tests.races import hold_row


def committed_while_it_waits(app: Flask, call: Callable[[], Any], attachment_id: int, **values: Any) -> Any:
    """The result of *call*, which waits for an attachment while another transaction sets *values*."""
    with hold_row(app, Attachment, id=attachment_id) as held:
        started = held.start(call)
        held.wait_until_blocked()
        held.execute(update(Attachment).where(Attachment.id == attachment_id).values(values))
        held.release()
        return started.result(30)


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
    assert ann.get("/api/chat/messages").json == []


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
