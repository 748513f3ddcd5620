"""The append service: the only way that a message comes into being.

What waits in one worker is written in one transaction (group commit). The transaction first locks the conversations that it
writes to, in one order everywhere, and only then looks at anything that others may change: membership, blocks, parents,
earlier sends. So `seq` and `modseq` are given in commit order without gaps, and a send is ordered against a removal.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from sqlalchemy import exc

from backend.batching import Batcher
from backend.conversations.direct import open_direct
from backend.conversations.references import ConversationRef
from backend.counters import COUNTERS
from backend.database import ANSWER_SECONDS, is_outage, is_unavailable
from backend.errors import ChatError, Unavailable
from backend.events import Event, publish
from backend.messages.batch_sql import Batch, begin_batch
from backend.messages.drafts import Draft, Sent
from backend.messages.numbering import BatchWriter, Head
from backend.messages.validation import Checks
from backend.models.base import db
from backend.state import confab_state

log = logging.getLogger("confab.messages")

MAX_BATCH_SIZE = 256
"""Drafts. Fifty mentions each, they take 26,000 values of one statement, and SQLite takes 32,000."""

ATTEMPTS = 4
APART_SECONDS = ANSWER_SECONDS + 1
"""How long after its beginning a batch that failed tries its drafts singly: others wait for it, for 10 s at most."""


def append_message(draft: Draft) -> Sent:
    """Append one message, together with whatever else waits in this worker.

    Returns after the commit. Raises what `append_messages` returns for a draft.
    """
    result = append_together([draft])[0]
    if isinstance(result, Exception):
        raise result
    return result


def append_together(drafts: Sequence[Draft]) -> list[Sent | Exception]:
    """Like `append_messages`, in one transaction with whatever else waits in this worker."""
    return confab_state().append(drafts)


def draft_batcher() -> Batcher[Sequence[Draft], list[Sent | Exception]]:
    """The function behind `append_together`: it writes what concurrent calls give it in one transaction."""
    return Batcher(_append_all, max_batch_size=MAX_BATCH_SIZE, fails_all=is_outage, weigh=len)


def _append_all(groups: list[Sequence[Draft]]) -> list[list[Sent | Exception]]:
    results = iter(append_messages([draft for group in groups for draft in group]))
    return [[next(results) for _ in group] for group in groups]


def append_messages(drafts: Sequence[Draft]) -> list[Sent | Exception]:
    """Append *drafts* in their order, in one transaction; returns for each what was sent, or why not.

    A refusal (NotFound, NotAMember, Blocked, IdempotencyConflict, ValidationFailed) concerns its own draft alone. So does any
    other failure: each draft is then tried by itself, and what fails again is returned for that draft. Only in an outage all
    fail together: then the error of SQLAlchemy is raised, and nothing was appended.
    """
    started = time.monotonic()
    try:
        return _append_together(drafts)
    except Exception as error:
        if is_outage(error):
            raise
        if len(drafts) == 1:
            return [_failure(error)]
        log.warning("a batch of %d messages is tried singly: %s", len(drafts), type(error).__name__)
    return _append_apart(drafts, started + APART_SECONDS)


def _append_apart(drafts: Sequence[Draft], until: float) -> list[Sent | Exception]:
    """Append each draft in a transaction of its own, which waits a moment at most, and no longer than *until* in all.

    Where one waited in vain, those to the same conversation fail with it. Where the database goes away, what was committed
    before stays acknowledged.
    """
    results: list[Sent | Exception] = []
    stuck: dict[str, Exception] = {}
    for draft in drafts:
        name = draft.place.conversation_id
        if time.monotonic() >= until:
            results += [Unavailable() for _ in drafts[len(results) :]]
            break
        if (waited := stuck.get(name)) is not None:
            results.append(waited)
            continue
        try:
            results += _append_together([draft], in_haste=True)
        except Exception as error:  # noqa: BLE001  # returned for its draft
            if is_outage(error):
                results += [error] * (len(drafts) - len(results))
                break
            if is_unavailable(error):
                stuck[name] = error
            results.append(_failure(error))
    return results


def _failure(error: Exception) -> Exception:
    """*error*, once it is in the log."""
    if is_unavailable(error):
        log.warning("a message waited in vain: %s", type(error).__name__)
    elif not isinstance(error, ChatError):
        log.error("a message could not be written", exc_info=error)
    return error


def _append_together(drafts: Sequence[Draft], in_haste: bool = False) -> list[Sent | Exception]:
    """Append *drafts* in one transaction, or raise whatever went wrong."""
    for attempt in range(ATTEMPTS):
        try:
            with begin_batch(db.engine, in_haste) as batch:
                results, events = _append(batch, drafts)
        except MissingConversations as unopened:
            open_direct(unopened.places)
        except exc.IntegrityError:
            # Another worker committed the same client_message_id, or a row we refer to went: the next look sees it.
            if len(drafts) > 1 or attempt == ATTEMPTS - 1:
                raise
        else:
            COUNTERS["messages"] += sum(isinstance(result, Sent) and result.is_new for result in results)
            publish(events)
            return results
    raise Unavailable


class MissingConversations(Exception):
    """Direct conversations that do not exist yet. They are opened in transactions of their own, locking nothing else."""

    def __init__(self, places: list[tuple[int, ConversationRef]]):
        self.places = places


def _append(batch: Batch, drafts: Sequence[Draft]) -> tuple[list[Sent | Exception], list[Event]]:
    checks = Checks(batch, drafts)
    heads = {id_: Head(seq, modseq, at) for id_, seq, modseq, at in checks.heads}
    unopened = [
        (draft.sender_id, draft.place)
        for draft in drafts
        if draft.place.kind == "dm" and draft.place.conversation_id not in heads and checks.is_allowed(draft)
    ]
    if unopened:
        raise MissingConversations(unopened)
    write = BatchWriter(batch, heads, checks)
    results: list[Sent | Exception] = [write.take(draft) for draft in drafts]
    write.flush()
    return results, write.events()
