"""The health of this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import gevent.monkey
import redis
from flask import current_app
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from backend.database import read_engine
from backend.errors import Unavailable
from backend.models.base import db, utcnow
from backend.redis_client import connect_redis
from backend.schema.drift import find_drift
from backend.schema.gate import find_revision_fault
from backend.schema.revisions import current_revision, head_revision
from backend.search.version import REMEDY, find_version_fault
from backend.settings import VERSION

PROBE_SECONDS = 3.0
"""How long the check of one part may take. Load balancers have timeouts, too."""

COMPARISON_SECONDS = 10.0
"""How long the comparison of the schema may take. It reads the whole catalogue, so it does not count as latency."""

_started_at = time.monotonic()


class NotReady(Unavailable):
    """This process is alive but not ready for requests. `errors` names each missing part."""

    def __init__(self, missing: dict[str, str]):
        super().__init__(f"Not ready: {', '.join(missing)}.")
        self.errors = {part: [reason] for part, reason in missing.items()}


class _Late(Exception):
    """A part did not answer in time."""


def check_alive() -> dict[str, Any]:
    """Report that this process answers. Uses nothing else."""
    return {"status": "healthy", "timestamp": utcnow()}


def check_ready() -> dict[str, Any]:
    """Report that this process can serve requests. Raises NotReady with every missing part.

    `degraded` names the parts that are away and without which it serves all the same: events of other workers arrive late
    without the bus, and none is lost.
    """
    missing: dict[str, str] = {}
    database, fault = _probe(_find_revision_fault)
    if database["status"] == "unhealthy":
        missing["database"] = database["reason"]
    elif fault is not None:
        missing["schema revision"] = fault
    if missing:
        raise NotReady(missing)
    bus, _ = _probe(_ping_bus)
    degraded = ["bus"] if bus["status"] == "unhealthy" else []
    return {"status": "ready", "timestamp": utcnow(), "degraded": degraded}


def describe_health() -> dict[str, Any]:
    """The state of each part, the schema and its drift, version and uptime."""
    database, current = _probe(_find_revision)
    bus, _ = _probe(_ping_bus)
    parts = {"database": database, "bus": bus}
    is_available = database["status"] == "healthy"
    schema = {"current": current, "head": head_revision(), "drift": _compare_schema() if is_available else []}
    if not is_available:
        status = "unhealthy"
    elif bus["status"] == "unhealthy" or schema["drift"] or schema["current"] != schema["head"]:
        status = "degraded"
    else:
        status = "healthy"
    return {
        "status": status,
        "timestamp": utcnow(),
        "version": VERSION,
        "uptime": round(time.monotonic() - _started_at, 3),
        "parts": parts,
        "schema": schema,
    }


def _probe(part: Callable[[], Any], seconds: float = PROBE_SECONDS) -> tuple[dict[str, Any], Any]:
    """The status and latency of *part*, and what it returned. The reason names the kind of failure, never an address."""
    started = time.perf_counter()
    found: Any = None
    answer: dict[str, Any] = {"status": "healthy"}
    try:
        with _limited(seconds):
            found = part()
    except _Late:
        answer = {"status": "unhealthy", "reason": f"no answer within {seconds:g} s"}
    except (SQLAlchemyError, redis.RedisError, OSError) as error:
        answer = {"status": "unhealthy", "reason": f"no answer ({type(error).__name__})"}
    answer["latency_ms"] = round((time.perf_counter() - started) * 1000, 2)
    return answer, found


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise _Late after *seconds*. Without gevent only the timeouts of the drivers apply."""
    if not gevent.monkey.is_module_patched("socket"):
        yield
        return
    timer = gevent.Timeout.start_new(seconds)
    try:
        yield
    except gevent.Timeout as late:
        if late is not timer:
            raise
        raise _Late from late
    finally:
        timer.close()


def _database() -> Connection:
    return read_engine(db.engine).connect()


def _find_revision_fault() -> str | None:
    with _database() as connection:
        connection.execute(text("SELECT 1"))
        return find_revision_fault(connection)


def _find_revision() -> str | None:
    with _database() as connection:
        return current_revision(connection)


def _compare_schema() -> list[str]:
    """The differences between the code and the database. A comparison that fails is one of them."""
    answer, drift = _probe(_find_drift, COMPARISON_SECONDS)
    return [f"not compared: {answer['reason']}"] if drift is None else drift


def _find_drift() -> list[str]:
    with _database() as connection:
        drift = find_drift(connection)
        if (fault := find_version_fault(connection)) is not None:
            drift.append(f"{fault} Run: {REMEDY}")
        return drift


def _ping_bus() -> None:
    """Check Redis, through which workers exchange events. Without REDIS_URL there is nothing to check."""
    url = current_app.config["CONFAB"].redis_url
    if url is None:
        return
    with connect_redis(url, seconds=1):
        pass
