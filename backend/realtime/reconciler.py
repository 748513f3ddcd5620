"""Periodic reconciliation with the database, so that a lost bus message only delays an event."""

from __future__ import annotations

import logging
from collections.abc import Collection

from backend.events import room_deleted_event
from backend.realtime.delivery import history
from backend.realtime.delivery.channel import Channel
from backend.realtime.hub import GAP_TIMEOUT, Hub

log = logging.getLogger("confab.realtime")

ID_MARGIN = 500
"""Inbox rows whose ids are this far below the newest are read again: their transactions may have been committed later."""

MIN_COMPARED, MAX_PASSES = 500, 10
"""One pass compares at least this many conversations, and this many passes compare all of them."""


class Reconciler:
    """Finds what the bus lost: events of conversations, changes of rooms, and conversations that users joined."""

    def __init__(self, hub: Hub):
        self._hub = hub
        self._last_inbox_row_id: int | None = None
        self._newly_subscribed: set[str] = set()
        self._to_compare: list[str] = []
        self._compared_at_once = MIN_COMPARED

    # -- heads of conversations

    def reconcile(self) -> None:
        """Compare the followed conversations with the database: all of them, or the next part where they are many.

        The cost of a pass does not grow with the number of quiet conversations. A lost event is found within `MAX_PASSES` passes,
        and at once where another event of the conversation follows it.
        """
        if not self._to_compare:
            self._to_compare = list(self._hub.channels.by_name)
            self._compared_at_once = max(MIN_COMPARED, -(-len(self._to_compare) // MAX_PASSES))
        names = self._to_compare[: self._compared_at_once]
        self._to_compare = self._to_compare[self._compared_at_once :]
        self._compare(names, GAP_TIMEOUT)

    def on_subscribed(self, topics: Collection[str]) -> None:
        """The bus delivers these topics from now on: find what was published before."""
        if not self._newly_subscribed:
            self._hub.runtime.spawn(self._reconcile_newly_subscribed)
        self._newly_subscribed.update(topics)

    def _reconcile_newly_subscribed(self) -> None:
        topics, self._newly_subscribed = self._newly_subscribed, set()
        registry = self._hub.registry
        user_ids = [int(topic.removeprefix("u:")) for topic in topics if topic.startswith("u:")]
        # A worker that missed the first announcement has yet to close older sockets of the same clients.
        self._hub.announce([connection for user_id in user_ids for connection in registry.of_user(user_id)])
        self._compare([topic.removeprefix("c:") for topic in topics if topic.startswith("c:")], 0)

    def _compare(self, names: Collection[str], patience: float) -> None:
        """Find the channels that are behind the database, and repair those that do not catch up within *patience* seconds."""
        channels = self._hub.channels
        delivered = {name: channel.delivered for name in names if (channel := channels.get(name)) is not None}
        if not delivered:
            return
        with self._hub.runtime.reading():
            heads = history.heads_of(delivered)
        for head in heads:
            channel = channels.get(head.conversation_id)
            if channel is None:
                continue
            if head.is_deleted:
                self._hub.dispatch([room_deleted_event(channel.name)])
            elif head.last_modseq < delivered[channel.name]:
                log.warning("conversation %s is older in the database than what was delivered: a backup?", channel.name)
                channel.reset(head.last_modseq, head.last_seq)
            elif head.last_modseq > channel.delivered:
                self._hub.runtime.spawn(self._repair_if_behind, channel, head.last_modseq, after=patience)
            if head.room_updated_at is not None:
                self._hub.room_updates.send(channel, head.room_updated_at)

    def _repair_if_behind(self, channel: Channel, modseq: int) -> None:
        if channel.delivered < modseq:
            self._hub.repair(channel)

    # -- conversations that users joined

    def reconcile_subscriptions(self) -> None:
        """Subscribe this worker's users to the conversations that they joined while the bus lost the event."""
        if not self._hub.registry.users:
            self._last_inbox_row_id = None
            return
        with self._hub.runtime.reading():
            if self._last_inbox_row_id is None:
                self._last_inbox_row_id = history.last_inbox_row_id()
            rows = history.inbox_rows_after(self._last_inbox_row_id - ID_MARGIN)
        for id_, user_id, name in rows:
            self._last_inbox_row_id = max(self._last_inbox_row_id, id_)
            self._hub.subscribe_user(user_id, name)
