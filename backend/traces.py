"""Take what was deleted out of the files of a SQLite database. PostgreSQL frees its own rows, by autovacuum.

`secure_delete` overwrites what is deleted. Two places are left: the WAL holds earlier states of pages until it is truncated, and
a page that was split keeps a stale copy of what moved away, until the database is rewritten (VACUUM).
"""

from __future__ import annotations

import logging
import threading
import time

from sqlalchemy import Connection, Engine

from backend.database import ANSWER_SECONDS, is_unavailable, read_engine

log = logging.getLogger("confab.database")

SMALL = 32 * 2**20
"""Bytes of a database that is rewritten at once; that takes about a third of a second, in which nobody else is served."""

PATIENCE = 60.0
PAUSE = 0.1


def wipe_traces_soon(engine: Engine) -> None:
    """Wipe the traces of what was deleted now, or as soon as nobody reads an earlier state any more. Never fails.

    A large database is not rewritten; `flask users purge` does that.
    """
    if not wipe_traces(engine, 0):
        threading.Thread(target=wipe_traces, args=(engine, PATIENCE), daemon=True).start()


def wipe_traces(engine: Engine, seconds: float, *, rewrite: bool = False) -> bool:
    """Wipe the traces of what was deleted, trying for *seconds*. Returns whether none is left.

    A database that is not small is rewritten only with *rewrite*. A failure is logged. The caller must have no transaction open.
    """
    if engine.dialect.name != "sqlite":
        return True
    deadline, is_rewritten = time.monotonic() + seconds, False
    while True:
        try:
            is_rewritten = is_rewritten or _rewrite(engine, rewrite)
            if _truncate_wal(engine):
                return True
        except Exception as error:
            if not is_unavailable(error):
                log.exception("what was deleted is in the files still")
                return False
        if time.monotonic() >= deadline:
            if seconds:
                log.warning("what was deleted is in the files still: run `flask users purge`")
            return False
        time.sleep(PAUSE)


def _rewrite(engine: Engine, is_wanted: bool) -> bool:
    with read_engine(engine).connect() as connection:
        sizes = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() or 0 for name in ("page_count", "page_size")]
        if is_wanted or sizes[0] * sizes[1] <= SMALL:
            _at_once(connection, "VACUUM")
    return True


def _truncate_wal(engine: Engine) -> bool:
    with read_engine(engine).connect() as connection:
        return _at_once(connection, "PRAGMA wal_checkpoint(TRUNCATE)") == 0


def _at_once(connection: Connection, statement: str) -> int | None:
    """The first number that *statement* answers. It does not wait for a lock: whoever holds one needs this thread to go on."""
    connection.exec_driver_sql("PRAGMA busy_timeout=0")
    try:
        result = connection.exec_driver_sql(statement)
        return result.scalar() if result.returns_rows else None
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={int(ANSWER_SECONDS * 1000)}")
