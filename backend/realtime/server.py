"""The live part of one worker, put together: bus, hub, presence, ticker."""

from __future__ import annotations

import threading
from functools import partial

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


def init_app(app: Flask) -> None:
    """Give *app* its bus. The hub is made with the first socket, in the worker that serves it."""
    redis_url = app.config["CONFAB"].redis_url
    app.extensions["confab-bus"] = RedisBus(redis_url) if redis_url else LocalBus()
    app.extensions["confab-stop"] = partial(stop, app)


class Live:
    """A worker's hub with everything that runs beside it."""

    def __init__(self, app: Flask):
        bus: LocalBus = app.extensions["confab-bus"]
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


_making = threading.Lock()


def live_of(app: Flask) -> Live:
    """The live part of *app* in this worker, started with its first socket."""
    live: Live | None = app.extensions.get("confab-live")
    if live is None:
        with _making:
            live = app.extensions.get("confab-live")
            if live is None:
                whole: Flask = app._get_current_object() if app is current_app else app  # type: ignore[attr-defined]
                live = app.extensions["confab-live"] = Live(whole)
    return live


def stop(app: Flask) -> None:
    """Close every socket of this worker (1012), so that its clients come back to another."""
    live: Live | None = app.extensions.get("confab-live")
    if live is not None:
        live.hub.stop()
