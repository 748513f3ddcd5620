"""The live part of one worker, put together: bus, hub, presence, ticker."""

from __future__ import annotations

import threading
from typing import cast

import gevent
from flask import Flask, current_app

from backend.bus.local import LocalBus
from backend.bus.redis import RedisBus
from backend.realtime.commands import Operations
from backend.realtime.delivery.subscriptions import Following
from backend.realtime.heartbeat import Ticker
from backend.realtime.hub import Hub
from backend.realtime.presence.tracker import Presence
from backend.realtime.reconciler import Watch
from backend.state import confab_state


def make_bus(redis_url: str | None) -> LocalBus:
    """The bus of an application. The hub is made with the first socket, in the worker that serves it."""
    return RedisBus(redis_url) if redis_url else LocalBus()


class Live:
    """A worker's hub with everything that runs beside it."""

    def __init__(self, app: Flask):
        bus = cast(LocalBus, confab_state(app).bus)
        self.hub = Hub(app, limits_frames=app.config["CONFAB"].rate_limits)
        self.hub.bus = bus
        self.hub.perform = Operations(self.hub).perform
        self.presence = Presence(self.hub, bus)
        following = Following(self.hub)
        watch = Watch(self.hub, following)
        ticker = Ticker(self.hub, [watch.look, watch.look_for_admissions, following.retry])
        bus.deliver, bus.followed = self.hub.take, watch.verify
        bus.start()
        gevent.spawn(ticker.run)
        self.presence.start()

    def stop(self) -> None:
        """Close every socket of this worker with 1012, so that its clients reconnect to another."""
        self.hub.stop()


_making = threading.Lock()


def live_of(app: Flask) -> Live:
    """The live part of *app* in this worker, started with its first socket."""
    live = running(app)
    if live is None:
        with _making:
            live = running(app)
            if live is None:
                whole: Flask = app._get_current_object() if app is current_app else app  # type: ignore[attr-defined]
                live = confab_state(app).realtime = Live(whole)
    return live


def running(app: Flask) -> Live | None:
    """The live part of *app* in this worker, or None where no socket was opened yet."""
    return cast("Live | None", confab_state(app).realtime)
