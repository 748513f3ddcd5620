"""The parts of one application that live as long as it does: a `State` in `app.extensions["confab"]`.

`create_app` makes it whole. The parts belong to higher layers, so the types here name only what the users of a part need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Flask, current_app


class Api(Protocol):
    """The OpenAPI document (`backend.http.openapi`)."""

    def document(self) -> dict[str, Any]: ...


class Bus(Protocol):
    """The part of `backend.bus.base.Bus` that is used below it."""

    @property
    def is_up(self) -> bool: ...

    def publish(self, events: Sequence[Any]) -> None: ...


class Metrics(Protocol):
    """Counts requests for Prometheus (`backend.ops.metrics`)."""

    def start(self) -> None: ...

    def observe(self, method: str, route: str, status: int, seconds: float) -> None: ...

    def text(self) -> bytes: ...


class Outbox(Protocol):
    """Sends text messages and mail (`backend.outbox.sender`)."""

    @property
    def notices(self) -> Sequence[str]: ...

    def start(self) -> object: ...

    def wake(self) -> None: ...

    def drain(self) -> Mapping[str, int]: ...

    def sweep(self) -> None: ...


class RealtimeServer(Protocol):
    """The sockets of one worker (`backend.realtime.server`)."""

    def stop(self) -> None: ...


class RateLimiter(Protocol):
    """Counts calls against limits (`backend.rate_limiting.storage`)."""

    storage: Any

    def count(self, item: Any, *identifiers: str, cost: int = 1) -> tuple[int, float]:
        """Count *cost* calls; return the count of the open window and the time when it closes, in seconds since 1970."""


@dataclass
class State:
    """What the modules of one application share."""

    create_app: Callable[..., Flask]
    """Makes another application, with another configuration."""

    api: Api
    bus: Bus
    outbox: Outbox

    storage: Callable[[], Any]
    """Opens the storage of files with the first call. See `backend.storage.storage`."""

    load_session: Callable[[int], Any]
    """Loads a session and its user by the session's id; concurrent calls share one query."""

    append: Callable[[Sequence[Any]], list[Any]]
    """Appends drafts; concurrent calls share one transaction."""

    change: Callable[[Sequence[Any]], list[Any]]
    """Changes messages; concurrent calls share one transaction."""

    rate_limiter: RateLimiter | None
    """None with `RATE_LIMITS=off`."""

    metrics: Metrics | None
    """None without METRICS_TOKEN."""

    realtime: RealtimeServer | None = None
    """None until the first socket of this worker."""

    def start(self) -> None:
        """Start the background work of a worker."""
        self.outbox.start()
        if self.metrics is not None:
            self.metrics.start()

    def stop(self) -> None:
        """Close the sockets of this worker."""
        if self.realtime is not None:
            self.realtime.stop()


def confab_state(app: Flask | None = None) -> State:
    """The state of *app*, or else of the current application."""
    state: State = (current_app if app is None else app).extensions["confab"]
    return state
