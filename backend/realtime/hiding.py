"""Presence where one user blocks another: the blocked sees the other go offline, and come back when the block is lifted."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from backend.conversations.contacts import acquaintances, watchers
from backend.models.base import utcnow
from backend.realtime.transport.frames import presence_frame

if TYPE_CHECKING:
    from backend.realtime.hub import Hub


class Hiding:
    """Whose blocks have changed, until this worker's clients were told.

    What they are told is what the database says by then, so that it does not matter in which order the changes come. Whoever
    shares no conversation with the other, or saw them offline before, is told nothing: it would tell them of the block alone.
    """

    def __init__(self, hub: Hub):
        self._hub = hub
        self._changed: set[tuple[int, int]] = set()
        self.on_news: Callable[[], None] = lambda: None
        hub.hiding = self

    def changed(self, user_id: int, watcher_id: int) -> None:
        """*user_id* blocks *watcher_id*, who has a socket here, or does so no longer."""
        self._changed.add((user_id, watcher_id))
        self.on_news()

    def tell(self, known: Collection[int], online: Collection[int]) -> None:
        """Tell what there is to tell. What fails is told the next time. *known* are those who were told to be online."""
        changed = set(self._changed)
        if not changed:
            return
        subjects, here = {user_id for user_id, _ in changed}, {watcher_id for _, watcher_id in changed}
        with self._hub.reading():
            acquainted, shown = acquaintances(subjects, here), watchers(subjects, here)
        for user_id, watcher_id in changed:
            is_shown = watcher_id in shown.get(user_id, ())
            if user_id in (online if is_shown else known) and watcher_id in acquainted.get(user_id, ()):
                # The time is that of the block, as it would be that of their going: nothing tells the two apart.
                frame = presence_frame(user_id, is_shown, utcnow())
                for connection in list(self._hub.users.get(watcher_id, ())):
                    if connection.may_read:
                        connection.write(frame)
        self._changed -= changed
