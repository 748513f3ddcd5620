"""Confab as it is deployed: gunicorn in a process of its own, and nginx in front of it.

with Server({"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}) as server:
    requests.get(f"{server.url}/api/health", timeout=5)
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self
from weakref import WeakSet

from tests import packages
from tests.certificates import write_certificate
from tests.processes import Folder, descendants, end, free_port, spawn, sweep, tail, wait_until

ROOT = Path(__file__).resolve().parent.parent
SERVING = (
    "gunicorn.conf.py", "gunicorn_worker.py", "gunicorn_client.py", "config.py", "config_environment.py",
    "config_services.py", "listen_address.py", "log_formatters.py", "metrics_folder.py", "private_files.py",
)  # fmt: skip
"""The files that gunicorn loads before the application: with another wsgi.py beside them they serve another application."""


def stand_in(folder: Path, application: str) -> Path:
    """Prepare *folder* as the `root` of a `Server` that serves *application*, the text of a wsgi.py. Returns *folder*."""
    for name in SERVING:
        shutil.copy(ROOT / name, folder)
    (folder / "wsgi.py").write_text(application)
    return folder


# The variables that a server inherits from the tests. It must not get any other, such as a developer's DATABASE_URL.
INHERITED = re.compile(r"PATH|HOME|LANG|LC_.*|TZ|TMPDIR|VIRTUAL_ENV|PYTHON.*|COV_.*|COVERAGE_.*")

COVERAGE = "COVERAGE_PROCESS_CONFIG"


def environment(given: dict[str, str], *, measured: bool = False) -> dict[str, str]:
    """A clean environment for a subprocess (a server, or the `flask` command), with *given* in it.

    Coverage of the process is measured (*measured*) if it runs code that no other test runs: measuring doubles its cost.
    """
    found = {**{k: v for k, v in os.environ.items() if INHERITED.fullmatch(k)}, "FLASK_SKIP_DOTENV": "1", **given}
    if not measured:
        found.pop(COVERAGE, None)
    return found


def _with_greenlets(env: dict[str, str]) -> dict[str, str]:
    """Return *env* with its coverage settings, if it has any, extended to greenlets and forked workers.

    Separating those doubles the cost of measuring. The process of the tests has none, so it does without.
    """
    if COVERAGE not in env:
        return env
    from coverage.config import CoverageConfig

    config = CoverageConfig.deserialize(env[COVERAGE])
    config.concurrency = ["thread", "gevent"]
    config.patch = ["fork", "subprocess"]
    return env | {COVERAGE: config.serialize()}


running_servers: WeakSet[Server] = WeakSet()
"""The servers that were not closed yet. `tests.plugin_server_logs` reads their logs."""


class Server:
    """A running server on a free port; `url` is its address. INSTANCE_DIR is a temporary folder by default."""

    def __init__(
        self,
        env: dict[str, str] | None = None,
        *,
        root: Path = ROOT,
        wait: bool = True,
        patience: float = 30,
        measured: bool = False,
    ):
        sweep()
        self.root = root
        self.patience = patience
        self.folder = Folder()
        self.log = self.folder.path / "log"
        self.port = int((env or {}).get("PORT") or free_port())
        self.url = f"http://127.0.0.1:{self.port}"
        own = {"HOST": "127.0.0.1", "PORT": str(self.port), "INSTANCE_DIR": str(self.folder.path / "instance")}
        self.env = _with_greenlets(environment({**own, **(env or {})}, measured=measured))
        self._process: subprocess.Popen[bytes] | None = None
        running_servers.add(self)
        try:
            self.start(wait=wait)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The process id of gunicorn's master."""
        assert self._process is not None
        return self._process.pid

    @property
    def worker_pids(self) -> list[int]:
        """The process ids of gunicorn's workers."""
        return descendants(self.pid)[1:]

    def start(self, *, wait: bool = True) -> None:
        """Start the server, or restart it on the same port. With *wait*, return when it answers.

        Raises RuntimeError, with the end of its log, if it does not.
        """
        self._process = spawn(self.command(), log=self.log, last_signal=signal.SIGKILL, cwd=self.root, env=self.env)
        if wait:
            self.wait_until_ready()

    def command(self) -> list[str | Path]:
        """What `start` runs, in `root`."""
        return [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]

    def wait_until_ready(self) -> None:
        """Return when it answers GET /api/health. Raises RuntimeError, with the end of its log, if it does not."""
        try:
            wait_until(lambda: self.exit_code is not None or self._is_healthy(), "an answer", self.patience)
        except TimeoutError as late:
            raise RuntimeError(f"{late}; its log ends:\n{tail(self.log)}") from late
        if self.exit_code is not None:
            raise RuntimeError(f"The server ended with {self.exit_code}; its log ends:\n{tail(self.log)}")

    def _is_healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/api/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll() if self._process else None

    def wait(self, seconds: float = 20) -> int:
        """Wait until it ends by itself, and return its exit code."""
        assert self._process is not None
        return self._process.wait(seconds)

    def stop(self, signum: int = signal.SIGTERM, patience: float = 10) -> int:
        """Terminate it, kill it after *patience* seconds, and return its exit code. `start` restarts it."""
        assert self._process is not None
        return end(self._process, signum, patience)

    def log_size(self) -> int:
        """The bytes that it wrote to its log."""
        return self.log.stat().st_size if self.log.exists() else 0

    def output(self, start: int = 0) -> str:
        """What it wrote to its log, after the first *start* bytes."""
        return self.log.read_bytes()[start:].decode(errors="replace") if self.log.exists() else ""

    def close(self) -> None:
        """Stop it and remove its folder. It ends at once, which spares a second, unless its coverage is measured."""
        if self._process is not None:
            self.stop(self._last_signal)
        running_servers.discard(self)
        self.folder.remove()

    def begin_to_stop(self) -> None:
        """Let it end, as `close` does, and return at once. `close` then takes the time that is left."""
        if self.exit_code is None and self._process is not None:
            self._process.send_signal(self._last_signal)

    @property
    def _last_signal(self) -> signal.Signals:
        return signal.SIGTERM if COVERAGE in self.env else signal.SIGINT

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Nginx:
    """nginx with deploy/nginx.conf, or nginx-tls.conf (*tls*), on free ports, in front of *upstreams* (`127.0.0.1:8000`).

    A client can set its address with X-Test-Address. *places* are further patterns to replace in the files. With *tls*, `port`
    and `url` are those of HTTPS, `plain_port` that of HTTP, and `certificate` is the file to trust.
    """

    def __init__(self, *upstreams: str, places: dict[str, str] | None = None, tls: bool = False):
        sweep()
        # As root it uses another account for its workers, which must be able to read the folder.
        self.folder = Folder("nobody" if os.geteuid() == 0 else None)
        self.port = self.plain_port = free_port()
        if tls:
            self.plain_port = free_port()
            self.certificate = write_certificate(self.folder.path)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.access_log, self.error_log = self.folder.path / "access.log", self.folder.path / "error.log"
        self.config = self.folder.path / "nginx.conf"
        self._write(ROOT / "deploy" / ("nginx-tls.conf" if tls else "nginx.conf"), upstreams, places or {})
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = spawn(self._command("-g", "daemon off;"), log=self.error_log, cwd=self.folder.path)
            wait_until(lambda: self._process.poll() is not None or self._accepts(), "an answer of nginx")
            if self._process.poll() is not None:
                raise RuntimeError(f"nginx ended at once:\n{tail(self.error_log)}")
        except BaseException:
            self.close()
            raise

    def check(self) -> str:
        """Return the output of `nginx -t`. Raises CalledProcessError if the file is invalid."""
        done = subprocess.run(self._command("-t"), cwd=self.folder.path, capture_output=True, text=True, check=True)
        return done.stderr

    def _command(self, *options: str) -> list[str]:
        return [str(packages.nginx_binary()), "-p", str(self.folder.path), "-c", str(self.config), *options]

    def _accepts(self) -> bool:
        import socket

        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _write(self, source: Path, upstreams: tuple[str, ...], more: dict[str, str]) -> None:
        """Write the shipped files with only their addresses and paths replaced; a missing pattern is an error."""
        folder = self.folder.path
        is_tls = hasattr(self, "certificate")
        servers = " ".join(f"server {upstream};" for upstream in upstreams)
        places = {
            r"worker_processes auto;": "worker_processes 1;",
            r"worker_rlimit_nofile \d+;": "",
            r"worker_connections \d+;": "worker_connections 512;",
            r"listen 80 default_server;": f"listen 127.0.0.1:{self.plain_port} default_server;",
            r"server 127\.0\.0\.1:8000;": servers,
            r"/run/nginx\.pid": str(folder / "pid"),
            r"/var/log/nginx/": f"{folder}/",
            r"/var/www/confab-acme": str(folder / "acme"),
            r"\nhttp \{": "\nhttp {\n" + "".join(f"    {kind}_temp_path {kind};\n" for kind in TEMPORARY_KINDS)
            + "    set_real_ip_from 127.0.0.1;\n    real_ip_header X-Test-Address;\n",
            **more,
        }  # fmt: skip
        if is_tls:
            places[r"listen 443 ssl http2"] = f"listen 127.0.0.1:{self.port} ssl http2"
            places[r"/etc/letsencrypt/live/confab/"] = f"{folder}/"
        texts = {"nginx.conf": source.read_text()}
        texts |= {f"nginx/{path.name}": path.read_text() for path in (ROOT / "deploy/nginx").iterdir()}
        for pattern, value in places.items():
            found = 0
            for name, text in texts.items():
                texts[name], count = re.subn(pattern, lambda _, value=value: value, text)
                found += count
            if not found:
                raise ValueError(f"{source.name} has no {pattern}")
        (folder / "nginx").mkdir()
        for name, text in texts.items():
            (folder / name).write_text(text)

    def close(self) -> None:
        """Stop it and remove its folder."""
        if self._process is not None:
            end(self._process)
        self.folder.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


TEMPORARY_KINDS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
