"""Presence when a user blocks another: the blocked user sees the other go offline, and come back when the block is lifted."""

from __future__ import annotations

from collections.abc import Callable, Collection

from backend.conversations.contacts import shared_contacts, watchers
from backend.models.base import utcnow
from backend.realtime.runtime import Runtime
from backend.realtime.transport.frames import presence_frame
from backend.realtime.transport.registry import Registry


class BlockedPresence:
    """The changed blocks whose presence events were not sent yet.

    An event says what the database holds when it is sent, so that the order of the changes does not matter. A user who shares no
    conversation with the other, or saw the other offline before, gets none: it would only reveal the block.
    """

    def __init__(self, runtime: Runtime, registry: Registry, on_pending: Callable[[], None]):
        self._runtime = runtime
        self._registry = registry
        self._on_pending = on_pending
        self._changed: set[tuple[int, int]] = set()

    def block_changed(self, user_id: int, watcher_id: int) -> None:
        """*user_id* blocked *watcher_id*, who has a socket here, or lifted the block."""
        self._changed.add((user_id, watcher_id))
        self._on_pending()

    def send(self, known: Collection[int], online: Collection[int]) -> None:
        """Send the pending events. *known* are the users whom this worker's clients last saw online.

        Reads the database; after a failure the next call sends them.
        """
        changed = set(self._changed)
        if not changed:
            return
        subjects, here = {user_id for user_id, _ in changed}, {watcher_id for _, watcher_id in changed}
        with self._runtime.reading():
            contacts, visible = shared_contacts(subjects, here), watchers(subjects, here)
        for user_id, watcher_id in changed:
            is_visible = watcher_id in visible.get(user_id, ())
            if user_id in (online if is_visible else known) and watcher_id in contacts.get(user_id, ()):
                # The time is that of the block, as it would be that of going offline: a client cannot tell the two apart.
                frame = presence_frame(user_id, is_visible, utcnow())
                for connection in self._registry.of_user(watcher_id):
                    if connection.may_read:
                        connection.write(frame)
        self._changed -= changed
