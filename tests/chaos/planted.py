"""Confab with a planted fault that the checker must find. PLANTED names a fault of the bus, `+`, and one of the server."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any

import gevent
from gevent.monkey import get_original

from backend import create_app
from backend.errors import Unavailable
from backend.events import Event
from backend.inbox.sync import SyncPage
from backend.messages.drafts import Sent
from backend.models import User
from backend.realtime import commands, gateway, writes
from backend.realtime.delivery.channel import Channel
from backend.realtime.delivery.history import Head
from backend.realtime.delivery.subscriptions import SubscriptionManager
from backend.realtime.heartbeat import TICK_SECONDS
from backend.realtime.hub import Hub
from backend.realtime.reconciler import Reconciler

rng = random.Random(1)
_dispatch = Hub.dispatch


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


def _push_unordered(self: Channel, events: Iterable[Event]) -> list[Event]:
    fresh = [event for event in events if event.modseq is not None]
    self.delivered = max([self.delivered, *(event.modseq or 0 for event in fresh)])
    return fresh


def _without_repair() -> None:
    Hub.repair = Reconciler.reconcile = _nothing  # type: ignore[method-assign,assignment]


def _skip_with_cursor() -> None:
    sync = commands.sync_page
    commands.sync_page = lambda user, seen, size, only=None: sync(user, {k: v + 1 for k, v in seen.items()}, size, only)


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

    writes.append_together = append_and_alter


def _delay_openings() -> None:
    """Make the opening of sockets take longer than the interval of the heartbeat."""
    heads_for = gateway.heads_for

    def slow(user_id: int) -> list[Head]:
        gevent.sleep(TICK_SECONDS + 0.1)
        return heads_for(user_id)

    gateway.heads_for = slow


def _fail_first_resumptions() -> None:
    """Answer the first resumption of each user in this process with an error."""
    sync = commands.sync_page
    known: set[int] = set()

    def failing(user: User, *args: Any, **options: Any) -> SyncPage:
        if user.id not in known:
            known.add(user.id)
            raise Unavailable
        return sync(user, *args, **options)

    commands.sync_page = failing


def _hang() -> None:
    """Make the worker hang after a while, without running other greenlets."""
    append = writes.append_together
    calls = itertools.count()

    def append_or_hang(drafts: Sequence[Any]) -> list[Sent | Exception]:
        if next(calls) > 50:
            get_original("time", "sleep")(3600)
        return append(drafts)

    writes.append_together = append_or_hang


def plant(fault: str) -> None:
    """Plant *fault*."""
    dispatchers: dict[str, Callable[..., None]] = {"drop": _dropping, "double": _doubling, "reorder": _reordering}
    bus, _, broken = fault.partition("+")
    if bus in dispatchers:
        Hub.dispatch = dispatchers[bus]  # type: ignore[method-assign]
    elif bus == "slow openings":
        _delay_openings()
    elif bus == "failing first resumptions":
        _fail_first_resumptions()
    if broken == "no repair":
        _without_repair()
    elif broken == "no order":
        Channel.push = _push_unordered  # type: ignore[method-assign]
    elif broken == "skipping cursor":
        _skip_with_cursor()
    elif broken == "no bootstrapping":
        SubscriptionManager.bootstrapping = lambda *_: nullcontext({})  # type: ignore[method-assign,assignment]
    elif broken == "wrong ack":
        _acknowledge_wrongly()
    elif broken == "hanging worker":
        _hang()


plant(os.environ["PLANTED"])
app = create_app()
