"""The servers of the tests: they can be killed and restarted, they are separate, and they leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis

from tests import processes
from tests.services import PrivatePostgres, PrivateRedis, Services, start_services

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def postgres() -> Iterator[PrivatePostgres]:
    """It runs before and after each test, which may stop it meanwhile."""
    with PrivatePostgres() as server:
        yield server


def ask(url: str, statement: str, **options: Any) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url, **options)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_a_killed_postgres_keeps_what_it_acknowledged(postgres: PrivatePostgres) -> None:
    url = postgres.new_database("kept")
    ask(url, "CREATE TABLE t AS SELECT 7 AS n")
    postgres.kill()
    with pytest.raises(psycopg2.OperationalError):
        ask(url, "SELECT 1")
    postgres.start()
    assert ask(url, "SELECT n FROM t") == [(7,)]
    postgres.stop()
    postgres.start()
    assert ask(url, "SELECT n FROM t") == [(7,)]


def test_a_frozen_postgres_accepts_and_does_not_answer(postgres: PrivatePostgres) -> None:
    with closing(psycopg2.connect(postgres.url)) as connection:
        postgres.freeze()
        assert {processes.state(pid) for pid in processes.descendants(postgres.pid)} <= {"T", "Z", ""}
        with pytest.raises(psycopg2.OperationalError, match="timeout"):
            ask(postgres.url, "SELECT 1", connect_timeout=2)
        postgres.thaw()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")


def test_postgres_knows_the_case_of_letters_beyond_ascii(postgres_url: str) -> None:
    assert ask(postgres_url, "SELECT 'ÅSA' ILIKE 'åsa'") == [(True,)]


def test_redis_can_be_killed_stopped_and_restarted() -> None:
    with PrivateRedis() as server, closing(redis.Redis.from_url(server.url, socket_timeout=0.5)) as client:
        client.set("a", 1)
        server.freeze()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        server.thaw()
        server.kill()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        server.start()
        assert client.get("a") is None


def test_databases_are_separate_and_can_be_copied(services: Services, worker: str) -> None:
    first = services.new_database(f"{worker}_first")
    ask(first, "CREATE TABLE t AS SELECT 1 AS n")
    second, copy = services.new_database(f"{worker}_second"), services.new_database(f"{worker}_copy", f"{worker}_first")
    assert ask(second, "SELECT to_regclass('t')") == [(None,)]
    assert ask(copy, "SELECT n FROM t") == [(1,)]
    assert ask(services.new_database(f"{worker}_first"), "SELECT to_regclass('t')") == [(None,)]


def test_a_worker_has_its_own_database_and_redis(postgres_url: str, redis_url: str, worker: str) -> None:
    assert ask(postgres_url, "SELECT current_database()")[0][0].endswith(f"_{worker}")
    with closing(redis.Redis.from_url(redis_url)) as client:
        assert client.ping()


def test_given_servers_are_used(postgres: PrivatePostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    with PrivateRedis() as server:
        monkeypatch.setenv("TEST_DATABASE_URL", postgres.url.replace("postgresql:", "postgresql+psycopg2:"))
        monkeypatch.setenv("TEST_REDIS_URL", server.url)
        given = start_services()
        assert str(postgres.folder.path) in given.new_database("mine")
        with given.redis(3) as url, closing(redis.Redis.from_url(url)) as client:
            client.set("a", 1)
            assert list(client.info("keyspace")) == ["db3"]
        given.close()
        names = ask(postgres.url, "SELECT datname FROM pg_database WHERE datname LIKE 'confab_test%'")
        assert names == []


def test_a_killed_run_leaves_nothing_behind() -> None:
    code = (
        "from tests.services import PrivatePostgres, PrivateRedis\n"
        "postgres, redis = PrivatePostgres(), PrivateRedis()\n"
        "print(postgres.pid, redis.pid, postgres.folder.path, redis.folder.path, flush=True)\n"
        "import time; time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as run:
        assert run.stdout is not None
        first, second, *folders = run.stdout.readline().decode().split()
        run.send_signal(signal.SIGKILL)
    for pid in (first, second):
        processes.wait_until(lambda pid=pid: not Path(f"/proc/{pid}/exe").exists(), f"the end of process {pid}")

    def is_removed() -> bool:
        processes.sweep()  # it passes over a folder that another worker sweeps at this moment
        return not any(Path(folder).exists() for folder in folders)

    processes.wait_until(is_removed, f"the end of {folders}")
    assert is_removed()


def test_folders_of_running_tests_are_not_removed(postgres: PrivatePostgres) -> None:
    processes.sweep()
    assert ask(postgres.url, "SELECT 1") == [(1,)]


def test_a_folder_that_another_worker_sweeps_past_in_its_creation_is_not_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each server of each worker begins with a sweep, and so meets folders that were made a moment before."""
    make = tempfile.mkdtemp

    def make_and_sweep(*args: Any, **options: Any) -> str:
        made = make(*args, **options)
        processes.sweep()
        return made

    monkeypatch.setattr(tempfile, "mkdtemp", make_and_sweep)
    folder = processes.Folder()
    assert folder.path.is_dir()
    processes.sweep()
    assert folder.path.is_dir()
    folder.remove()
    assert not folder.path.exists()


def test_a_server_that_cannot_start_reports_why(postgres: PrivatePostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    postgres.stop()
    with monkeypatch.context() as patched:
        patched.setattr(postgres, "command", lambda: ["sh", "-c", "echo no such luck; exit 3"])
        with pytest.raises(RuntimeError, match="no such luck"):
            postgres.start()
    postgres.start()
