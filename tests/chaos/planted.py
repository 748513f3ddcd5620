"""Confab with a planted fault that the checker must find.

`POST /planted` with `{"fault": "drop+no repair"}` plants a fault of the bus and one of the server, in place of the former ones.
Either may be empty.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import gevent
import pytest
from flask import request
from gevent.monkey import get_original

from backend import create_app
from backend.errors import Unavailable
from backend.events import Event
from backend.inbox.sync import SyncPage
from backend.messages import pins, service
from backend.messages.drafts import Draft, Sent
from backend.models import Message, User
from backend.realtime import commands, gateway, writes
from backend.realtime.delivery.channel import Channel
from backend.realtime.delivery.history import Head
from backend.realtime.delivery.subscriptions import SubscriptionManager
from backend.realtime.heartbeat import TICK_SECONDS
from backend.realtime.hub import Hub
from backend.realtime.reconciler import Reconciler
from backend.storage.folder import FolderStorage

rng = random.Random()
planted = pytest.MonkeyPatch()
"""What the planted fault replaced."""

_dispatch, _reconcile = Hub.dispatch, Reconciler.reconcile
Dispatch = Callable[[Hub, Iterable[Event]], None]


class Parts:
    """What a worker binds when it starts, so that a fault which is planted later cannot replace it there."""

    dispatch: Dispatch = staticmethod(_dispatch)
    reconcile: Callable[[Reconciler], None] = staticmethod(_reconcile)


def _nothing(*_: object, **__: object) -> None:
    """No repair."""


def _dropping(self: Hub, events: Iterable[Event]) -> None:
    _dispatch(self, [event for event in events if rng.random() > 0.2])


def _doubling(self: Hub, events: Iterable[Event]) -> None:
    for event in events:
        _dispatch(self, [event] * rng.choice([1, 2]))


def _reordering(self: Hub, events: Iterable[Event]) -> None:
    for event in events:
        gevent.spawn_later(rng.random() * 0.03, _dispatch, self, [event])


def _losing_pins(self: Hub, events: Iterable[Event]) -> None:
    _dispatch(self, [event for event in events if not event.body.get("message", {}).get("is_pinned")])


def _push_unordered(self: Channel, events: Iterable[Event]) -> list[Event]:
    fresh = [event for event in events if event.modseq is not None]
    self.delivered = max([self.delivered, *(event.modseq or 0 for event in fresh)])
    return fresh


def _without_repair() -> None:
    planted.setattr(Hub, "repair", _nothing)
    planted.setattr(Parts, "reconcile", _nothing)


def _skip_with_cursor() -> None:
    sync = commands.sync_page

    def skipping(user: User, seen: dict[str, int], *args: Any, **options: Any) -> SyncPage:
        return sync(user, {name: modseq + 1 for name, modseq in seen.items()}, *args, **options)

    planted.setattr(commands, "sync_page", skipping)


def _sync_without_attachments() -> None:
    sync = commands.sync_page

    def without_attachments(*args: Any, **options: Any) -> SyncPage:
        page = sync(*args, **options)
        for row in page.conversations:
            row["messages"] = [message | {"attachments": []} for message in row["messages"]]
        return page

    planted.setattr(commands, "sync_page", without_attachments)


def _forget_some_attachments() -> None:
    """Store and acknowledge messages without the last of their attachments."""
    append = writes.append_together

    def append_without(drafts: Sequence[Draft]) -> list[Sent | Exception]:
        return append([replace(draft, attachment_ids=draft.attachment_ids[:-1]) for draft in drafts])

    planted.setattr(writes, "append_together", append_without)


def _acknowledge_pins_unstored() -> None:
    """Acknowledge each pin of a message with an odd id, and store none of them."""
    pin = pins.pin_message

    def pin_or_only_say_so(user: User, message_id: int) -> dict[str, Any]:
        if message_id % 2:
            return service.get_message(user, message_id) | {"is_pinned": True}
        return pin(user, message_id)

    planted.setattr(pins, "pin_message", pin_or_only_say_so)


def _list_half_of_the_pins() -> None:
    """Leave pinned messages with an odd id out of the list."""
    pinned_in = service._pinned_in
    planted.setattr(service, "_pinned_in", lambda name: pinned_in(name).where(Message.id % 2 == 0))


def _alter_downloads() -> None:
    read = FolderStorage.read
    planted.setattr(FolderStorage, "read", lambda *args: (piece[::-1] for piece in read(*args)))


def _acknowledge_wrongly() -> None:
    append = writes.append_together

    def append_and_alter(drafts: Sequence[Any]) -> list[Sent | Exception]:
        results = append(drafts)
        return [
            Sent({**result.message, "seq": result.message["seq"] + 1}, True)
            if isinstance(result, Sent) and rng.random() < 0.05
            else result
            for result in results
        ]

    planted.setattr(writes, "append_together", append_and_alter)


def _delay_openings() -> None:
    """Make the opening of sockets take longer than the interval of the heartbeat."""
    heads_for = gateway.heads_for

    def slow(user_id: int) -> list[Head]:
        gevent.sleep(TICK_SECONDS + 0.1)
        return heads_for(user_id)

    planted.setattr(gateway, "heads_for", slow)


def _fail_first_resumptions() -> None:
    """Answer the first resumption of each user in this process with an error."""
    sync = commands.sync_page
    known: set[int] = set()

    def failing(user: User, *args: Any, **options: Any) -> SyncPage:
        if user.id not in known:
            known.add(user.id)
            raise Unavailable
        return sync(user, *args, **options)

    planted.setattr(commands, "sync_page", failing)


def _hang() -> None:
    """Make the worker hang after a while, without running other greenlets."""
    append = writes.append_together
    calls = itertools.count()

    def append_or_hang(drafts: Sequence[Any]) -> list[Sent | Exception]:
        if next(calls) > 50:
            get_original("time", "sleep")(3600)
        return append(drafts)

    planted.setattr(writes, "append_together", append_or_hang)


def _push_in_any_order() -> None:
    planted.setattr(Channel, "push", _push_unordered)


def _open_without_bootstrapping() -> None:
    planted.setattr(SubscriptionManager, "bootstrapping", lambda *_: nullcontext({}))


DISPATCHERS: dict[str, Dispatch] = {
    "drop": _dropping,
    "double": _doubling,
    "reorder": _reordering,
    "lose pins": _losing_pins,
}
FAULTS: dict[str, Callable[[], None]] = {
    "slow openings": _delay_openings,
    "failing first resumptions": _fail_first_resumptions,
    "no repair": _without_repair,
    "no order": _push_in_any_order,
    "skipping cursor": _skip_with_cursor,
    "no bootstrapping": _open_without_bootstrapping,
    "wrong ack": _acknowledge_wrongly,
    "hanging worker": _hang,
    "sync without attachments": _sync_without_attachments,
    "forgotten attachments": _forget_some_attachments,
    "unstored pins": _acknowledge_pins_unstored,
    "incomplete list of pins": _list_half_of_the_pins,
    "altered downloads": _alter_downloads,
}


def plant(fault: str) -> None:
    """Remove the former fault, and plant *fault*. Raises KeyError for one that does not exist."""
    planted.undo()
    rng.seed(1)
    for part in filter(None, fault.split("+")):
        if part in DISPATCHERS:
            planted.setattr(Parts, "dispatch", DISPATCHERS[part])
        else:
            FAULTS[part]()


def _call_dispatch(self: Hub, events: Iterable[Event]) -> None:
    Parts.dispatch(self, events)


def _call_reconcile(self: Reconciler) -> None:
    Parts.reconcile(self)


Hub.dispatch = _call_dispatch  # type: ignore[method-assign]
Reconciler.reconcile = _call_reconcile  # type: ignore[method-assign]
app = create_app()


@app.post("/planted")
def plant_fault() -> str:
    plant(request.get_json()["fault"])
    return "planted"
