"""Changes of messages: edits, deletions, reactions and pins.

Each change that has an effect takes the next modseq of its conversation and emits one event with the whole message. Changes that
are queued together in one worker are applied in one transaction (group commit). It first locks their conversations, and only then
reads what others may change. A change without an effect takes no modseq and emits nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import exc

from backend.attachments.removal import remove_files
from backend.batching import Batcher, batch_of_groups
from backend.database import is_outage
from backend.errors import ChatError
from backend.events import Event, publish
from backend.messages.change_batch import ChangeBatch
from backend.messages.change_types import Change, Changed
from backend.messages.singly import SHORT_TIMEOUTS, SINGLY_SECONDS, log_failure, write_singly
from backend.models.base import db
from backend.state import confab_state
from backend.traces import wipe_traces_in_background

log = logging.getLogger("confab.messages")

MAX_BATCH_SIZE = 100
ATTEMPTS = 4

Result = Changed | Exception


def change_message(change: Change) -> dict[str, Any]:
    """Apply one change, and return the message as the user sees it. Returns after the commit.

    Raises NotFound if the user may not see the message, and what the change itself raises.
    """
    result = change_together([change])[0]
    if isinstance(result, Exception):
        raise result
    return result


def change_together(changes: Sequence[Change]) -> list[dict[str, Any] | Exception]:
    """Apply *changes* like `change_messages`, in one transaction with the changes that are queued in this worker.

    Returns each message as its user sees it, or why it was not changed. The files of messages that it deletes are removed before
    it returns. What a hard deletion leaves in the files of a SQLite database is removed within a few seconds.
    """
    results: list[Result] = confab_state().change(changes)
    if any(isinstance(result, Changed) and result.may_leave_files for result in results):
        remove_files()
    done = [change for change, result in zip(changes, results, strict=True) if isinstance(result, Changed)]
    if any(change.wipes_content for change in done):
        wipe_traces_in_background(db.engine)
    return [result.message if isinstance(result, Changed) else result for result in results]


def change_batcher() -> Batcher[Sequence[Change], list[Result]]:
    """The function behind `change_together`."""
    return Batcher(batch_of_groups(change_messages), max_batch_size=MAX_BATCH_SIZE, fails_all=is_outage, weigh=len)


def change_messages(changes: Sequence[Change]) -> list[Result]:
    """Apply *changes* in their order, in one transaction. Returns each message after its change, or why it was not changed.

    A refusal affects its own change only. After any other error each change is tried in a transaction of its own, and an error
    that occurs again is returned for that change. Only if the database is away at the start do all fail together: the error of
    SQLAlchemy is raised, and nothing was changed. If it goes away later, the changes that were committed stay acknowledged.
    """
    started = time.monotonic()
    try:
        return _apply(changes)
    except Exception as error:
        if is_outage(error):
            raise
        if len(changes) == 1:
            return [log_failure(error)]
        log.warning("a batch of %d changes is applied one by one: %s", len(changes), type(error).__name__)
    return write_singly(
        changes,
        lambda change: _apply([change], has_timeouts=True)[0],
        lambda change: change.message_id,
        started + SINGLY_SECONDS,
    )


def _apply(changes: Sequence[Change], has_timeouts: bool = False) -> list[Result]:
    """Apply *changes* in one transaction and publish their events, or raise the error."""
    for attempt in range(ATTEMPTS):
        try:
            results, events = _apply_once(changes, has_timeouts)
            break
        except exc.IntegrityError:
            # A user or a file that the change refers to was deleted since; the next attempt sees that.
            if attempt == ATTEMPTS - 1:
                raise
    publish(events)
    return results


def _apply_once(changes: Sequence[Change], has_timeouts: bool) -> tuple[list[Result], list[Event]]:
    with db.engine.begin() as connection:
        if has_timeouts and connection.dialect.name == "postgresql":
            connection.exec_driver_sql(SHORT_TIMEOUTS)
        batch = ChangeBatch.load(connection, changes)
        results: list[Result] = []
        for change in changes:
            try:
                results.append(batch.apply(change))
            except ChatError as refusal:
                results.append(refusal)
        batch.write()
    return results, batch.events
