"""Removes deleted content from the files of a SQLite database. On PostgreSQL autovacuum does this, at its own time.

`secure_delete` overwrites deleted content, except in two places. The WAL holds earlier states of pages until it is truncated. A
page that was split keeps a stale copy of the rows that moved away, until the database is rewritten (VACUUM).
"""

from __future__ import annotations

import logging
import threading
import time

from sqlalchemy import Connection, Engine

from backend.database import ANSWER_SECONDS, is_unavailable, read_engine
from backend.threadpool import DISK, Busy

log = logging.getLogger("confab.database")

MAX_REWRITE_BYTES = 32 * 2**20
"""Databases up to this size are rewritten at once. It takes about a third of a second, during which no request is served."""

PATIENCE = 60.0
COMMAND_PATIENCE = 10.0
"""How long a command waits for readers of deleted data to finish."""

PAUSE = 0.1
INTERVAL = 2.0
"""How long `wipe_traces_in_background` waits after it has wiped. Rewriting a database takes much of the time of its writers."""

_lock = threading.Lock()
_waiting: dict[Engine, bool] = {}
"""The databases that have a thread in the background, and whether content was deleted since it last began to wipe."""


def wipe_traces_in_background(engine: Engine) -> None:
    """Wipe the traces of deleted content within a few seconds, and return at once. Never fails.

    There is one thread for a database. Deletions that come while it works are wiped together. A large database is not rewritten.
    """
    if engine.dialect.name != "sqlite":
        return
    with _lock:
        is_running = engine in _waiting
        _waiting[engine] = True
    if not is_running:
        threading.Thread(target=_wipe_while_asked, args=(engine,), daemon=True).start()


def _wipe_while_asked(engine: Engine) -> None:
    while True:
        with _lock:
            if not _waiting[engine]:
                del _waiting[engine]
                return
            _waiting[engine] = False
        wipe_traces(engine, PATIENCE)
        time.sleep(INTERVAL)


def wipe_traces_soon(engine: Engine) -> None:
    """Wipe the traces of deleted content now, or as soon as no reader uses an earlier state. Never fails.

    A large database is not rewritten here; `flask users purge` does that.
    """
    if not wipe_traces(engine, 0):
        wipe_traces_in_background(engine)


def wipe_traces(engine: Engine, seconds: float, *, rewrite: bool = False) -> bool:
    """Wipe the traces of deleted content, trying for *seconds*. Returns True if none are left.

    A large database is rewritten only with *rewrite*. A failure is logged. The caller must have no open transaction.
    """
    if engine.dialect.name != "sqlite":
        return True
    deadline, is_rewritten = time.monotonic() + seconds, False
    while True:
        try:
            if not is_rewritten:
                _rewrite(engine, rewrite)
                is_rewritten = True
            if _truncate_wal(engine):
                return True
        except Exception as error:
            if not isinstance(error, Busy) and not is_unavailable(error):
                log.exception("deleted content is still in the database files")
                return False
        if time.monotonic() >= deadline:
            if seconds:
                log.warning("deleted content is still in the database files. Run: flask users purge")
            return False
        time.sleep(PAUSE)


def _rewrite(engine: Engine, is_wanted: bool) -> None:
    with read_engine(engine).connect() as connection:
        sizes = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() or 0 for name in ("page_count", "page_size")]
        if is_wanted or sizes[0] * sizes[1] <= MAX_REWRITE_BYTES:
            _without_waiting(connection, "VACUUM")


def _truncate_wal(engine: Engine) -> bool:
    with read_engine(engine).connect() as connection:
        return _without_waiting(connection, "PRAGMA wal_checkpoint(TRUNCATE)") == 0


def _without_waiting(connection: Connection, statement: str) -> int | None:
    """The first value that *statement* returns. It does not wait for a lock: the holder may need this thread to continue."""
    return DISK.run("traces", _execute, connection, statement)


def _execute(connection: Connection, statement: str) -> int | None:
    connection.exec_driver_sql("PRAGMA busy_timeout=0")
    try:
        result = connection.exec_driver_sql(statement)
        return result.scalar() if result.returns_rows else None
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={int(ANSWER_SECONDS * 1000)}")
