"""A private PostgreSQL on the servers' core, with its default durability, for the length of the bench."""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2

from machine import SERVER_CORE, pinned

START_TIMEOUT = 30
PR_SET_PDEATHSIG = 1


class PrivatePostgres:
    """Listens on a Unix socket in a short-lived folder. PostgreSQL refuses root: then it runs as postgres."""

    def __enter__(self) -> "PrivatePostgres":
        self.folder = Path(tempfile.mkdtemp(prefix="bench-pg-"))
        user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self.owner = {"user": user.pw_uid, "group": user.pw_gid} if user else {}
        if user:
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        data = self.folder / "data"
        with pinned(SERVER_CORE):
            self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
            command = [_binary("postgres"), "-D", data, "-k", self.folder, "-c", "listen_addresses="]
            log = open(self.folder / "log", "w")
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, preexec_fn=_mortal, start_new_session=True, **self.owner
            )
        self._await()
        return self

    def __exit__(self, *exc) -> None:
        self.process.send_signal(signal.SIGINT)  # fast shutdown
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        return self.process.pid

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    @contextmanager
    def cursor(self, database: str):
        """Each statement is a transaction of its own: psycopg2's `with connection` would make one of all."""
        with closing(psycopg2.connect(self.url(database))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor

    def create(self, database: str) -> str:
        with self.cursor("postgres") as cursor:
            cursor.execute(f'CREATE DATABASE "{database}"')
        return self.url(database)

    def _run(self, program: str, *arguments) -> None:
        command = [_binary(program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", **self.owner)

    def _await(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                with self.cursor("postgres"):
                    return
            except psycopg2.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text()[-2000:]) from None
                time.sleep(0.05)


def _binary(name: str) -> Path:
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    newest = max(versions, key=lambda path: float(path.parts[4]), default=shutil.which(name))
    if newest is None:
        raise RuntimeError("PostgreSQL is missing: install the package postgresql")
    return Path(newest)


def _mortal() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
