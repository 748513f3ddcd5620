"""The servers under test. They run on the servers' core, and end with this process."""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from bench.machine import SERVER_CORE, pinned
from tests.processes import end, free_port, spawn, tail, wait_until

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers"
PEER_SECRET, SECRET_KEY, JWT_SECRET_KEY = (secrets.token_hex(32) for _ in range(3))
START_TIMEOUT = 60


class StartError(RuntimeError):
    """A server did not start, so nothing can be measured."""


class Server:
    """A process that listens on a port of 127.0.0.1."""

    def __init__(self, name: str, command: list[str], cwd: Path, port: int, probe: str | None = None, **env: str):
        self.name, self.command, self.cwd, self.probe = name, command, cwd, probe
        self.url, self.env = f"http://127.0.0.1:{port}", {**os.environ, **env}

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *exc) -> None:
        self.stop()

    def start(self) -> "Server":
        """Start the process and wait for its first answer. `start_seconds` is the time that this took."""
        self.folder = tempfile.TemporaryDirectory(prefix="confab-bench-")
        self.log = Path(self.folder.name) / "log"
        begun = time.perf_counter()
        with pinned(SERVER_CORE):
            self.process = spawn(self.command, log=self.log, cwd=self.cwd, env=self.env)
        try:
            wait_until(lambda: self._answers() or self.process.poll() is not None, "an answer", START_TIMEOUT)
        except TimeoutError as late:
            self.stop()
            raise StartError(f"{self.name}: {late}\n{tail(self.log)}") from late
        self.start_seconds = time.perf_counter() - begun
        if self.process.poll() is not None:
            raise StartError(f"{self.name} ended at once:\n{tail(self.log)}")
        return self

    def stop(self) -> None:
        end(self.process)

    @property
    def pid(self) -> int:
        return self.process.pid

    def _answers(self) -> bool:
        """Return whether the server gives any HTTP answer, or without a probe, whether its port is open."""
        parts = urlsplit(self.url)
        try:
            with socket.create_connection((parts.hostname, parts.port), 0.5) as link:
                if self.probe is None:
                    return True
                link.settimeout(5)
                link.sendall(f"GET {self.probe} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                return link.recv(16).startswith(b"HTTP/1.")
        except OSError:
            return False


def bare_fastapi(dsn: str) -> Server:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "bare_fastapi:app", "--loop", "uvloop", "--http", "httptools"]
    command += ["--no-access-log", "--port", str(port)]
    return Server("bare FastAPI", command, PEERS, port, "/me", DSN=dsn, JWT_SECRET=PEER_SECRET)


def node(name: str, script: str) -> Server:
    """Return a peer in Node. npm installs the pinned packages if they are missing."""
    if not (HERE / "node_modules").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=HERE, check=True)
    port = free_port()
    return Server(name, ["node", script, str(port)], PEERS, port)


def raw_gevent() -> Server:
    port = free_port()
    return Server("raw gevent", [sys.executable, "gevent_raw.py", str(port)], PEERS, port)


class Confab(Server):
    """The application as an operator runs it: migrate, then gunicorn with Confab's configuration."""

    def __init__(self, name: str, checkout: Path, dsn: str, instance: Path, **settings: str):
        port = free_port()
        own = checkout / ".venv" / "bin"
        self.bin = own if own.exists() else Path(sys.executable).parent  # this environment has requirements.txt too
        command = [str(self.bin / "gunicorn"), "-c", "gunicorn.conf.py", "wsgi:app"]
        env = {
            "APP_ENV": "production",
            "DATABASE_URL": dsn,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "INSTANCE_DIR": str(instance),
            "SECRET_KEY": SECRET_KEY,
            "JWT_SECRET_KEY": JWT_SECRET_KEY,
            "RATE_LIMITS": "off",
            "LOG_LEVEL": "warning",
            "WEB_CONCURRENCY": "1",
            "PYTHONDONTWRITEBYTECODE": "",  # so that a second start uses the compiled files, as in production
            **settings,
        }
        super().__init__(name, command, checkout, port, "/api/health", **env)

    def migrate(self) -> None:
        command = [str(self.bin / "flask"), "--app", "wsgi", "db", "upgrade"]
        done = subprocess.run(command, cwd=self.cwd, env=self.env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StartError(f"flask db upgrade failed:\n{(done.stderr or done.stdout)[-2000:]}")
