"""Appending messages to conversations. All sends go through here.

Sends that are queued together in one worker are written in one transaction (group commit). The transaction first locks the
conversations that it writes to, in the same order everywhere. Only then does it read what others may change: membership, blocks,
parents, earlier sends. So `seq` and `modseq` are allocated in commit order without gaps, and a send comes either before or
after a removal.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from sqlalchemy import exc

from backend.batching import Batcher, batch_of_groups
from backend.conversations.direct import open_direct
from backend.conversations.references import ConversationRef
from backend.counters import COUNTERS
from backend.database import is_outage
from backend.errors import Unavailable
from backend.events import Event, publish
from backend.messages.batch_sql import Batch, begin_batch
from backend.messages.drafts import Draft, Sent
from backend.messages.numbering import BatchWriter
from backend.messages.send_context import load_send_context
from backend.messages.singly import SINGLY_SECONDS, log_failure, write_singly
from backend.messages.validation import is_valid
from backend.models.base import db
from backend.state import confab_state

log = logging.getLogger("confab.messages")

MAX_BATCH_SIZE = 256
"""In drafts. With fifty mentions each, their statement has 26,000 parameters, and SQLite allows 32,000."""

ATTEMPTS = 4


def append_message(draft: Draft) -> Sent:
    """Append one message, in one transaction with the sends that are queued in this worker.

    Returns after the commit. Raises what `append_messages` returns for a draft.
    """
    result = append_together([draft])[0]
    if isinstance(result, Exception):
        raise result
    return result


def append_together(drafts: Sequence[Draft]) -> list[Sent | Exception]:
    """Like `append_messages`, in one transaction with the sends that are queued in this worker."""
    return confab_state().append(drafts)


def draft_batcher() -> Batcher[Sequence[Draft], list[Sent | Exception]]:
    """The function behind `append_together`: it appends the drafts of concurrent calls in one transaction."""
    return Batcher(batch_of_groups(append_messages), max_batch_size=MAX_BATCH_SIZE, fails_all=is_outage, weigh=len)


def append_messages(drafts: Sequence[Draft]) -> list[Sent | Exception]:
    """Append *drafts* in their order, in one transaction. Returns for each the message that was sent, or the error.

    A refusal (NotFound, NotAMember, Blocked, IdempotencyConflict, ValidationFailed) affects its own draft only. After any other
    error each draft is tried in a transaction of its own, and an error that occurs again is returned for that draft. Only if
    the database is away at the start do all fail together: the error of SQLAlchemy is raised, and nothing was appended. If it
    goes away later, the messages that were committed stay acknowledged.
    """
    started = time.monotonic()
    try:
        return _append_together(drafts)
    except Exception as error:
        if is_outage(error):
            raise
        if len(drafts) == 1:
            return [log_failure(error)]
        log.warning("a batch of %d messages is appended one by one: %s", len(drafts), type(error).__name__)
    return write_singly(
        drafts,
        lambda draft: _append_together([draft], has_timeouts=True)[0],
        lambda draft: draft.place.conversation_id,
        started + SINGLY_SECONDS,
    )


def _append_together(drafts: Sequence[Draft], has_timeouts: bool = False) -> list[Sent | Exception]:
    """Append *drafts* in one transaction, or raise the error."""
    for attempt in range(ATTEMPTS):
        try:
            with begin_batch(db.engine, has_timeouts) as batch:
                results, events = _append(batch, drafts)
        except MissingConversations as missing:
            open_direct(missing.places)
        except exc.IntegrityError:
            # Another worker committed the same client_message_id, or a referenced row was deleted: the next attempt sees that.
            if len(drafts) > 1 or attempt == ATTEMPTS - 1:
                raise
        else:
            COUNTERS["messages"] += sum(isinstance(result, Sent) and result.is_new for result in results)
            publish(events)
            return results
    raise Unavailable


class MissingConversations(Exception):
    """The direct conversations that do not exist yet. Each is created in a transaction of its own, which locks nothing else."""

    def __init__(self, places: list[tuple[int, ConversationRef]]):
        self.places = places


def _append(batch: Batch, drafts: Sequence[Draft]) -> tuple[list[Sent | Exception], list[Event]]:
    context = load_send_context(batch, drafts)
    existing = {head[0] for head in context.heads}
    missing = [
        (draft.sender_id, draft.place)
        for draft in drafts
        if draft.place.kind == "dm" and draft.place.conversation_id not in existing and is_valid(draft, context)
    ]
    if missing:
        raise MissingConversations(missing)
    writer = BatchWriter(batch, context)
    results: list[Sent | Exception] = [writer.accept(draft) for draft in drafts]
    writer.flush()
    return results, writer.events()
