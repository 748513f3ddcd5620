"""Metrics for Prometheus. Without METRICS_TOKEN they are off and cost nothing.

The workers share a folder (PROMETHEUS_MULTIPROC_DIR, which gunicorn.conf.py empties at the start), so each of them can answer for
all. A request is one observation; all other metrics are updated every two seconds.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import gevent
from flask import Flask

from backend.counters import COUNTERS
from backend.database import connection_pools
from backend.models.base import db
from backend.realtime import server
from backend.state import confab_state

log = logging.getLogger("confab.metrics")

UPDATE_SECONDS = 2.0
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
COUNTED = {
    "messages": "Messages that were sent.",
    "events": "Events that sockets heard.",
    "repairs": "Reads by the hub.",
}
GAUGES = (
    ("open_sockets", "Sockets that are open.", "livesum"),
    ("followed_conversations", "Conversations that workers follow.", "livesum"),
    ("bus_up", "Whether every worker hears the others.", "livemin"),
)
POOLS = {"in_use": "Connections in use, by pool.", "most": "Connections that there may be, by pool."}


class Metrics:
    """The metrics of one process."""

    def __init__(self, app: Flask):
        # Imported here: the library decides at its import whether processes share their metrics.
        import prometheus_client
        from prometheus_client import values

        self.app = app
        self.is_shared = bool(getattr(values.ValueClass, "_multiprocess", False))
        self.registry = prometheus_client.CollectorRegistry()
        self.requests: Any = prometheus_client.Histogram(
            "confab_request_seconds",
            "Requests, by method, route and status.",
            ("method", "route", "status"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._children: dict[tuple[str, str, str], Any] = {}
        self._counters = {
            name: prometheus_client.Counter(f"confab_{name}", text, registry=self.registry)
            for name, text in COUNTED.items()
        }
        self._exported: Counter[str] = Counter(COUNTERS)
        self._gauges = {name: self._gauge(name, text, mode) for name, text, mode in GAUGES}
        self._pool_gauges = {
            name: self._gauge(f"database_connections_{name}", text, "livesum", ("pool",))
            for name, text in POOLS.items()
        }

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Record a request."""
        key = (method, route, str(status))
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self.requests.labels(*key)
        child.observe(seconds)

    def update(self) -> None:
        """Update all metrics except those of requests."""
        live = server.running_server(self.app)
        now = Counter(COUNTERS)
        if live is not None:
            now.update({name: live.hub.metrics[name] for name in ("events", "repairs")})
        for name, counter in self._counters.items():
            counter.inc(max(now[name] - self._exported[name], 0))
        self._exported = now
        bus = confab_state(self.app).bus
        values = {
            "open_sockets": len(live.hub.registry.connections) if live is not None else 0,
            "followed_conversations": len(live.hub.channels.by_name) if live is not None else 0,
            "bus_up": int(bus.is_up),
        }
        for name, value in values.items():
            self._gauges[name].set(value)
        with self.app.app_context():
            pools = connection_pools(db.engine)
        for name, pool in pools.items():
            self._pool_gauges["in_use"].labels(name).set(pool.checkedout())
            self._pool_gauges["most"].labels(name).set(pool.size() + max(pool._max_overflow, 0))

    def start(self) -> None:
        """Update the metrics periodically, in a greenlet."""
        gevent.spawn(self._run)

    def text(self) -> bytes:
        """The metrics of all processes, in the text format of Prometheus."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        self.update()
        registry = self.registry
        if self.is_shared:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)
        found: bytes = generate_latest(registry)
        return found

    def _gauge(self, name: str, text: str, mode: Any, labels: tuple[str, ...] = ()) -> Any:
        from prometheus_client import Gauge

        return Gauge(f"confab_{name}", text, labels, registry=self.registry, multiprocess_mode=mode)

    def _run(self) -> None:
        while True:
            try:
                self.update()
            except Exception:
                log.exception("the metrics could not be updated")
            gevent.sleep(UPDATE_SECONDS)
