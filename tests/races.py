"""Races: a second actor at the critical moment, on both databases. docs/testing.md says when to use which.

- `at_once` makes several calls at the same moment.
- `hold_row` locks a row in another transaction, and tells when a call waits for it.
- `paused_before_commit` stops a transaction of the application just before its COMMIT.
- `after_statement` makes a call between two statements of a request.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from flask import Flask
from sqlalchemy import Connection, Engine, Executable, Result, event, select, text

from backend.database import read_engine
from backend.models.base import Base, db
from tests.processes import wait_until
from tests.queries import listening

T = TypeVar("T")

SECONDS = 10.0
"""How long a call may take to reach its lock or its COMMIT."""

_BLOCKED = text(
    """WITH RECURSIVE waiting AS (
        SELECT pid, pg_blocking_pids(pid) AS blockers FROM pg_stat_activity WHERE datname = current_database()
      ), blocked AS (
        SELECT pid FROM waiting WHERE :holder = ANY (blockers)
        UNION SELECT waiting.pid FROM waiting JOIN blocked ON blocked.pid = ANY (blockers)
      ) SELECT count(*) FROM blocked"""
)
_HAS_WRITTEN = """SELECT count(*) FROM pg_locks
    WHERE pid = pg_backend_pid() AND relation = %s::regclass AND mode = 'RowExclusiveLock'"""
_COMMIT = re.compile(r"(.*?);?\s*COMMIT\s*;?\s*", re.DOTALL)


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make all the calls at the same moment, each in a thread, and return their results in order. Exceptions are raised here."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        barrier.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


class _Holder:
    """A transaction that others wait for. Starts them in threads, and notices one that returns although it should be waiting."""

    def __init__(self, pool: ThreadPoolExecutor, count_blocked: Callable[[int], int]):
        self.pid = 0
        self._pool = pool
        self._count_blocked = count_blocked
        self._calls: list[Future[Any]] = []

    def start(self, call: Callable[[], T]) -> Future[T]:
        """Make *call* in a thread. `result()` of the returned future waits for it."""
        started = self._pool.submit(call)
        self._calls.append(started)
        return started

    def wait_until_blocked(self, count: int = 1) -> None:
        """Wait until *count* calls of the application wait for this transaction, directly or behind one another.

        Raises AssertionError if they do not wait within SECONDS.
        """
        self._await(lambda: self._count_blocked(self.pid) >= count, f"{count} calls wait for the transaction")

    def _await(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for *condition*. Raises AssertionError after SECONDS, or if a started call ends before."""

        def is_over() -> bool:
            return condition() or any(call.done() for call in self._calls)

        try:
            wait_until(is_over, what, SECONDS)
        except TimeoutError as error:
            raise AssertionError(str(error)) from None
        if not condition():
            results = [call.exception() or call.result() for call in self._calls if call.done()]
            raise AssertionError(f"a call ended with {results}, and not: {what}")


class HeldRow(_Holder):
    """A transaction that holds a row. See `hold_row`."""

    def __init__(self, pool: ThreadPoolExecutor, count_blocked: Callable[[int], int], connection: Connection):
        super().__init__(pool, count_blocked)
        self._connection = connection
        self.pid = _backend_pid(connection.connection)

    def execute(self, statement: Executable) -> Result[Any]:
        """Execute *statement* in the transaction that holds the row."""
        return self._connection.execute(statement)

    def release(self) -> None:
        """Commit. Repeated calls do nothing."""
        if self._connection.in_transaction():
            self._connection.commit()


@contextmanager
def hold_row(app: Flask, model: type[Base], **key: Any) -> Iterator[HeldRow]:
    """Hold the row of *model* with these values in another transaction, until `release()` or the end of the block.

    On PostgreSQL it is `SELECT ... FOR UPDATE`. SQLite has no locks of rows: there a held row is the whole database. After the
    block all calls from `start` have ended. A block that raises rolls the transaction back.
    """
    with app.app_context():
        engine = db.engine
    with engine.connect() as connection:
        connection.execute(select(model).filter_by(**key).with_for_update()).one()
        with _blocked_counter(engine) as count_blocked, ThreadPoolExecutor(64) as pool:
            try:
                held = HeldRow(pool, count_blocked, connection)
                yield held
                held.release()
            finally:
                connection.rollback()


@contextmanager
def _blocked_counter(engine: Engine) -> Iterator[Callable[[int], int]]:
    """Count the transactions that wait for the one of a server process."""
    if engine.dialect.name == "sqlite":
        with _entering_transactions(engine) as entering:
            yield lambda _: len(entering)
        return
    with read_engine(engine).connect() as observer:
        yield lambda pid: int(observer.scalar(_BLOCKED, {"holder": pid}) or 0)


def _backend_pid(connection: Any) -> int:
    """The server process of a connection of psycopg2; 0 for SQLite, which has none."""
    return int(connection.get_backend_pid()) if hasattr(connection, "get_backend_pid") else 0


@contextmanager
def _entering_transactions(engine: Engine) -> Iterator[set[int]]:
    """The threads that execute BEGIN IMMEDIATE: while another transaction is open, they wait in SQLite's busy handler."""
    threads: set[int] = set()

    def before(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement == "BEGIN IMMEDIATE":
            threads.add(threading.get_ident())

    def after(*_: Any) -> None:
        threads.discard(threading.get_ident())

    with ExitStack() as listeners:
        for name, listener in [
            ("before_cursor_execute", before),
            ("after_cursor_execute", after),
            ("handle_error", after),
        ]:
            _listen(listeners, engine, name, listener)
        yield threads


class PausedCommit(_Holder):
    """A transaction that stops before its COMMIT. See `paused_before_commit`."""

    def __init__(self, pool: ThreadPoolExecutor, count_blocked: Callable[[int], int]):
        super().__init__(pool, count_blocked)
        self._lock = threading.Lock()
        self._reached, self._released = threading.Event(), threading.Event()

    def wait_until_reached(self) -> None:
        """Wait until a transaction stands before its COMMIT. Raises AssertionError if a call from `start` ends before."""
        self._await(self._reached.is_set, "a transaction reaches its COMMIT")

    @property
    def is_reached(self) -> bool:
        """Whether a transaction came to its COMMIT."""
        return self._reached.is_set()

    def release(self) -> None:
        """Let the transaction commit. Repeated calls do nothing."""
        self._released.set()

    def pause(self, cursor: Any) -> None:
        """Stop the first transaction that comes here. Later ones pass."""
        with self._lock:
            if is_first := not self._reached.is_set():
                self.pid = _backend_pid(cursor.connection)
            self._reached.set()
        if is_first:
            assert self._released.wait(60), "the commit was never released"


@contextmanager
def paused_before_commit(app: Flask, writes: type[Base] | None = None) -> Iterator[PausedCommit]:
    """Stop the next commit of *app* just before its COMMIT, until `release()` or the end of the block.

    With *writes*, the next commit of a transaction that wrote to this model's table: a request also commits when it records the
    last use of its session. Statements in autocommit mode have no COMMIT to stop at. On SQLite all other writers wait meanwhile.
    After the block all calls from `start` have ended.
    """
    with app.app_context():
        engine = db.engine
    wanted = _WrittenTables(engine, writes.__tablename__ if writes else None)

    def on_commit(connection: Connection) -> None:
        if connection.get_execution_options().get("is_read_only"):
            return
        cursor = connection.connection.cursor()
        if wanted.has_written(cursor):
            paused.pause(cursor)

    def on_statement(_connection: Any, cursor: Any, statement: str, given: Any, *_: Any) -> tuple[str, Any]:
        """A batch of sends has its COMMIT at the end of its last statement: execute the rest first, and then stop."""
        wanted.note(statement)
        if (committing := _COMMIT.fullmatch(statement)) and not paused.is_reached:
            if committing[1]:
                cursor.execute(committing[1], given)
            if wanted.has_written(cursor):
                paused.pause(cursor)
            return "COMMIT", given
        return statement, given

    # The pool ends first: a listener that is removed while a thread is in it breaks that thread's commit.
    with ExitStack() as listeners, _blocked_counter(engine) as count_blocked, ThreadPoolExecutor(64) as pool:
        paused = PausedCommit(pool, count_blocked)
        _listen(listeners, engine, "commit", on_commit)
        listeners.enter_context(listening(app, "before_cursor_execute", on_statement, retval=True))
        try:
            yield paused
        finally:
            paused.release()


def _listen(listeners: ExitStack, engine: Engine, name: str, listener: Callable[..., Any]) -> None:
    event.listen(engine, name, listener)
    listeners.callback(event.remove, engine, name, listener)


class _WrittenTables:
    """Whether the transaction of this thread has written to a table. Without a name, every transaction has."""

    def __init__(self, engine: Engine, name: str | None):
        self._name = name
        self._is_postgresql = engine.dialect.name == "postgresql"
        self._writing = re.compile(rf"\s*(INSERT\b.*?\bINTO|UPDATE|DELETE FROM)\s+{name}\b", re.DOTALL)
        self._threads: set[int] = set()

    def note(self, statement: str) -> None:
        """On SQLite the statements tell it."""
        if statement == "BEGIN IMMEDIATE":
            self._threads.discard(threading.get_ident())
        elif self._writing.match(statement):
            self._threads.add(threading.get_ident())

    def has_written(self, cursor: Any) -> bool:
        """On PostgreSQL the locks tell it, because prepared statements do not name their tables."""
        if self._name is None:
            return True
        if not self._is_postgresql:
            return threading.get_ident() in self._threads
        cursor.execute(_HAS_WRITTEN, (self._name,))
        return bool(cursor.fetchone()[0])


@contextmanager
def after_statement(app: Flask, number: int, action: Callable[[], object], first: str) -> Iterator[list[str]]:
    """Call *action* in another thread, after statement *number* of this thread. Yields the statements of this thread.

    They are counted from the first one that contains *first*, because before it a request authenticates its caller, together
    with other requests. `action` must not need what this thread has locked.
    """
    thread, statements = threading.get_ident(), list[str]()

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if threading.get_ident() == thread and (statements or first in statement):
            statements.append(statement)
            if len(statements) == number:
                at_once([action])

    with listening(app, "after_cursor_execute", count):
        yield statements
