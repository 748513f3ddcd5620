"""Confab with a fault planted in it, to show that the checker finds what it is there to find. PLANTED names the fault."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any

from gevent.monkey import get_original

from backend import create_app
from backend.errors import Unavailable
from backend.events import Event
from backend.inbox.sync import SyncPage
from backend.messages.drafts import Sent
from backend.models import User
from backend.realtime import commands, gateway
from backend.realtime.delivery.channel import Channel
from backend.realtime.delivery.history import Head
from backend.realtime.delivery.subscriptions import SubscriptionManager
from backend.realtime.heartbeat import TICK_SECONDS
from backend.realtime.hub import Hub
from backend.realtime.reconciler import Reconciler

chance = random.Random(1)
_dispatch = Hub.dispatch


def _nothing(*_: object, **__: object) -> None:
    """No repair."""


def _dropping(self: Hub, events: Iterable[Event]) -> None:
    _dispatch(self, [event for event in events if chance.random() > 0.2])


def _doubling(self: Hub, events: Iterable[Event]) -> None:
    for event in events:
        _dispatch(self, [event] * chance.choice([1, 2]))


def _reordering(self: Hub, events: Iterable[Event]) -> None:
    import gevent

    for event in events:
        gevent.spawn_later(chance.random() * 0.03, _dispatch, self, [event])


def _as_they_come(self: Channel, events: Iterable[Event]) -> list[Event]:
    fresh = [event for event in events if event.modseq is not None]
    self.delivered = max([self.delivered, *(event.modseq or 0 for event in fresh)])
    return fresh


def _without_repair() -> None:
    Hub.repair = Reconciler.reconcile = _nothing  # type: ignore[method-assign,assignment]


def _cursor_that_skips() -> None:
    sync = commands.sync_page
    commands.sync_page = lambda user, seen, size, only=None: sync(user, {k: v + 1 for k, v in seen.items()}, size, only)


def _ack_without_commit() -> None:
    append = commands.append_together

    def forgetful(drafts: Sequence[Any]) -> list[Sent | Exception]:
        results = append(drafts)
        return [
            Sent({**result.message, "seq": result.message["seq"] + 1}, True)
            if isinstance(result, Sent) and chance.random() < 0.05
            else result
            for result in results
        ]

    commands.append_together = forgetful


def _slow_openings() -> None:
    """Sockets take more than a tick of the clock to open."""
    heads_for = gateway.heads_for

    def slow(user_id: int) -> list[Head]:
        import gevent

        gevent.sleep(TICK_SECONDS + 0.1)
        return heads_for(user_id)

    gateway.heads_for = slow


def _first_resumptions_that_fail() -> None:
    """Each user's first one in this process is answered with an error."""
    sync = commands.sync_page
    known: set[int] = set()

    def failing(user: User, *args: Any, **options: Any) -> SyncPage:
        if user.id not in known:
            known.add(user.id)
            raise Unavailable
        return sync(user, *args, **options)

    commands.sync_page = failing


def _silence() -> None:
    """The worker stands still after a while, as one does that waits for ever without letting others run."""
    append = commands.append_together
    calls = itertools.count()

    def still(drafts: Sequence[Any]) -> list[Sent | Exception]:
        if next(calls) > 50:
            get_original("time", "sleep")(3600)
        return append(drafts)

    commands.append_together = still


def plant(fault: str) -> None:
    """Plant *fault*."""
    takes: dict[str, Callable[..., None]] = {"drop": _dropping, "double": _doubling, "reorder": _reordering}
    bus, _, broken = fault.partition("+")
    if bus in takes:
        Hub.dispatch = takes[bus]  # type: ignore[method-assign]
    elif bus == "slow openings":
        _slow_openings()
    elif bus == "failing first resumptions":
        _first_resumptions_that_fail()
    if broken == "no repair":
        _without_repair()
    elif broken == "no order":
        Channel.push = _as_they_come  # type: ignore[method-assign]
    elif broken == "cursor that skips":
        _cursor_that_skips()
    elif broken == "no looking":
        SubscriptionManager.bootstrapping = lambda *_: nullcontext({})  # type: ignore[method-assign,assignment]
    elif broken == "ack of another":
        _ack_without_commit()
    elif broken == "silence":
        _silence()


plant(os.environ["PLANTED"])
app = create_app()
