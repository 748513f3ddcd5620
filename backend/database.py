"""The connection to the database: engine options, waiting under gevent, and where transactions begin.

Requests that only read run each statement by itself (AUTOCOMMIT). That is one round trip instead of three, and under PostgreSQL's
READ COMMITTED each statement has its own snapshot anyway. All other requests run in one transaction. On SQLite it takes the write
lock at its first statement, because a deferred transaction that begins to write later cannot wait for the lock.

On PostgreSQL the two kinds have separate pools: a connection that served both would have to set its isolation level each time.
"""

from __future__ import annotations

import select
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import flask
import gevent.monkey
import psycopg2
from flask_sqlalchemy.session import Session as FlaskSession
from gevent.socket import wait_read, wait_write
from psycopg2 import extensions
from sqlalchemy import Connection, Engine, Executable, QueuePool, Row, create_engine, event, exc
from sqlalchemy.orm import Session, scoped_session

ANSWER_SECONDS = 4.0
"""How long PostgreSQL may take for one step. Clients are promised a 503 within 10 s."""

Executor = Connection | Session | scoped_session[Any]
"""What a statement may be executed with."""

MAX_ID = 2**63 - 1
"""The largest id that a column can hold."""

POOL_SECONDS = 4.0
"""How long a request waits for a free connection."""

UNAVAILABLE = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, exc.DisconnectionError)
"""What SQLAlchemy raises if the database is down or does not answer, or if no connection becomes free."""


class RoutedSession(FlaskSession):
    """A session that uses the read engine in requests that only read. See `read_only`."""

    def get_bind(self, mapper: Any = None, clause: Any = None, bind: Any = None, **kwargs: Any) -> Engine | Connection:
        """The engine, or its read engine if the request only reads."""
        chosen = super().get_bind(mapper=mapper, clause=clause, bind=bind, **kwargs)
        if flask.g.get("is_read_only") and isinstance(chosen, Engine):
            return read_engine(chosen)
        return chosen


def read_engine(engine: Engine) -> Engine:
    """The read engine of *engine*. Each of its statements is a transaction."""
    return _read_engines[engine]


def connection_pools(engine: Engine) -> dict[str, QueuePool]:
    """The pools of connections of *engine*, by name: `write`, and `read` if the read engine has a pool of its own."""
    pools = {"write": engine.pool, "read": read_engine(engine).pool}
    if pools["read"] is pools["write"]:
        del pools["read"]
    return cast(dict[str, QueuePool], pools)


def read_all(engine: Engine, statement: Executable) -> list[Row[Any]]:
    """The rows of *statement*. The connection is returned at once, so that a slow consumer of the rows holds none."""
    with read_engine(engine).connect() as connection:
        return list(connection.execute(statement))


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that only reads, and whose statements all see the same state of the database. They may take any time."""
    if engine.dialect.name == "sqlite":
        with read_engine(engine).connect() as connection:
            connection.exec_driver_sql("BEGIN")  # deferred: it takes no lock that writers wait for
            yield connection
        return
    with engine.connect() as connection:
        reading = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        reading.exec_driver_sql("SET LOCAL statement_timeout = 0")
        yield reading


def ensure_prepared(connection: Connection, statements: Mapping[str, str]) -> None:
    """Prepare *statements*, by their names with parameter types, unless this connection to PostgreSQL prepared them before.

    `{"find (bigint[])": "SELECT … WHERE id = ANY ($1)"}` is executed with `EXECUTE find(…)`.
    """
    prepared: set[str] | None = connection.info.get(_PREPARED)
    if prepared is None:
        # A pooler may have used the server's connection before.
        connection.exec_driver_sql("DEALLOCATE ALL")
        prepared = connection.info[_PREPARED] = set()
    if missing := [name for name in statements if name not in prepared]:
        connection.exec_driver_sql(";".join(f"PREPARE {name} AS {statements[name]}" for name in missing))
        prepared.update(missing)


_PREPARED = "confab-prepared"
_read_engines: dict[Engine, Engine] = {}


def _make_read_engine(engine: Engine) -> Engine:
    if engine.dialect.name == "sqlite":
        return engine.execution_options(is_read_only=True)
    options = _postgres_options(cast(QueuePool, engine.pool).size())
    read_only_engine = create_engine(engine.url, isolation_level="AUTOCOMMIT", **options)
    event.listen(engine, "engine_disposed", lambda _: read_only_engine.dispose())
    return read_only_engine


def read_only() -> None:
    """Declare that the rest of this request only reads. For GET and HEAD that is the default."""
    flask.g.is_read_only = True


def engine_options(url: str, pool_size: int) -> dict[str, Any]:
    """Options of `create_engine` for *url*. Errors are logged without the values of their statements.

    Half of *pool_size* connections belong to the read engine.
    """
    if url.startswith("sqlite"):
        return {"hide_parameters": True, "connect_args": {"timeout": ANSWER_SECONDS}}
    return _postgres_options(pool_size // 2)


def _postgres_options(pool_size: int) -> dict[str, Any]:
    return {
        "hide_parameters": True,
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": POOL_SECONDS,
        "pool_use_lifo": True,
        "pool_recycle": 1800,
        "skip_autocommit_rollback": True,
        "executemany_mode": "values_plus_batch",  # also many rows of an UPDATE in one round trip
        "connect_args": {
            "connect_timeout": int(ANSWER_SECONDS),
            "application_name": "confab",
            # force_generic_plan concerns prepared statements alone. See docs/decisions/0010.
            "options": "-c timezone=UTC -c lock_timeout=3500 -c statement_timeout=3800 "
            "-c idle_in_transaction_session_timeout=60000 -c plan_cache_mode=force_generic_plan",
            "keepalives_idle": 30,
            "tcp_user_timeout": int(ANSWER_SECONDS * 1000),
        },
    }


def prepare_engine(engine: Engine) -> None:
    """Set up every connection of *engine*, and make its read engine."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
    elif gevent.monkey.is_module_patched("socket"):
        _yield_while_waiting()
    _read_engines[engine] = _make_read_engine(engine)
    if engine.dialect.name == "postgresql":
        for each in (engine, read_engine(engine)):
            event.listen(each, "checkout", _replace_if_closed)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver must not begin transactions: _begin_immediate does.
    connection.isolation_level = None
    for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
    # SQLite's lower() changes only ASCII. Searches that ignore case must find "Åsa" by "åsa" on SQLite too.
    connection.create_function(
        "lower", 1, lambda text: text.lower() if isinstance(text, str) else text, deterministic=True
    )


def _begin_immediate(connection: Connection) -> None:
    if not connection.get_execution_options().get("is_read_only"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _replace_if_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Let the pool connect again if the server closed *connection* while it was idle, for example because it was restarted.

    A closed connection is readable. Asking the socket takes some microseconds, while a ping would take a round trip.
    """
    poll = _poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise exc.DisconnectionError("the server closed the connection")


_poll = gevent.monkey.get_original("select", "poll")


def _yield_while_waiting() -> None:
    """Let other greenlets run while psycopg2 waits, and give up if the server does not answer in time.

    An exception here makes psycopg2 close the connection. Closing it here would block the whole worker for ever, because the
    running statement holds the lock of the connection.
    """

    def wait(connection: Any) -> None:
        while (state := connection.poll()) != extensions.POLL_OK:
            ready = wait_read if state == extensions.POLL_READ else wait_write
            late = psycopg2.OperationalError("the server did not answer in time")
            ready(connection.fileno(), timeout=ANSWER_SECONDS, timeout_exc=late)

    extensions.set_wait_callback(wait)


def is_unavailable(error: BaseException) -> bool:
    """Whether *error* means that the database is not available now, and not that the statement is wrong."""
    if not isinstance(error, UNAVAILABLE):
        return False
    original = getattr(error, "orig", None)
    if isinstance(original, sqlite3.Error):
        # By the code, not by the text: the text has the statement, and the column `blocked_id` does not mean "locked".
        return getattr(original, "sqlite_errorcode", 0) & 0xFF in _SQLITE_IS_AWAY
    # Class 54 of PostgreSQL's error codes: the statement exceeds a limit of the server.
    return not _pgcode(error).startswith("54")


def is_outage(error: BaseException) -> bool:
    """Whether *error* means that the database serves no request now.

    False if one statement waited too long or was rolled back for another: other statements may succeed.
    """
    return is_unavailable(error) and not _pgcode(error).startswith(_WAITED_OR_LOST)


_SQLITE_IS_AWAY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)
_WAITED_OR_LOST = ("55P03", "57014", "40")
"""lock_not_available, query_canceled (a timeout), and the class of transactions that were rolled back for another one."""


def _pgcode(error: BaseException) -> str:
    return getattr(getattr(error, "orig", None), "pgcode", None) or ""
