"""`app.extensions["confab"]`: the parts of one application."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from backend.bus.local import LocalBus
from backend.bus.redis import RedisBus
from backend.state import State, confab_state


def test_an_application_has_one_state(sqlite_app: Flask) -> None:
    """Every part of Confab is under one key, and code that runs in the application finds it without naming the application."""
    assert [key for key in sqlite_app.extensions if key.startswith("confab")] == ["confab"]
    with sqlite_app.app_context():
        assert confab_state() is confab_state(sqlite_app)
    assert isinstance(confab_state(sqlite_app), State)


def test_applications_share_nothing(make_app: Callable[..., Flask]) -> None:
    one, other = confab_state(make_app()), confab_state(make_app())
    for part in ("api", "bus", "outbox", "storage", "load_session", "append"):
        assert getattr(one, part) is not getattr(other, part), part


def test_configuration_chooses_the_parts(make_app: Callable[..., Flask]) -> None:
    plain = confab_state(make_app())
    assert type(plain.bus) is LocalBus
    assert (plain.rate_limiter, plain.metrics) == (None, None)
    # Port 9 never answers: creating an application opens no connection.
    environ = {"REDIS_URL": "redis://127.0.0.1:9/0", "RATE_LIMITS": "on", "METRICS_TOKEN": "x" * 32}
    full = confab_state(make_app(environ))
    assert type(full.bus) is RedisBus
    assert full.rate_limiter is not None
    assert full.metrics is not None


def test_storage_is_opened_once_with_its_first_use(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    state = confab_state(make_app({"STORAGE_URL": str(tmp_path / "uploads")}))
    assert not (tmp_path / "uploads").exists()
    assert state.storage() is state.storage()


def test_a_worker_starts_and_stops_its_parts(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    """gunicorn calls `start` in each worker and `stop` when it ends. There may be no metrics, and no socket was opened yet."""
    state = confab_state(make_app())
    calls: list[str] = []
    monkeypatch.setattr(state.outbox, "start", lambda: calls.append("outbox"))
    state.start()
    state.stop()
    assert calls == ["outbox"]
    state.metrics, state.realtime = _Part(calls, "metrics"), _Part(calls, "realtime")
    state.start()
    state.stop()
    assert calls == ["outbox", "outbox", "start metrics", "stop realtime"]


class _Part:
    def __init__(self, calls: list[str], name: str):
        self.calls, self.name = calls, name

    def start(self) -> None:
        self.calls.append(f"start {self.name}")

    def stop(self) -> None:
        self.calls.append(f"stop {self.name}")

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        raise AssertionError("no request was made")

    def text(self) -> bytes:
        raise AssertionError("no request was made")
