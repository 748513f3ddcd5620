"""Gunicorn's configuration: `gunicorn --config gunicorn.conf.py wsgi:app`.

The master runs it before gevent patches and forks any worker, so it imports nothing of `backend`.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path
from typing import Any

from dotenv import load_dotenv
from gunicorn import __version__, systemd
from gunicorn.glogging import Logger

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # otherwise it has the folder of bin/gunicorn, and not config.py

import listen_address  # noqa: E402
import metrics_folder  # noqa: E402
import private_files  # noqa: E402
from config import Config, ConfigError  # noqa: E402
from gunicorn_worker import Worker  # noqa: E402
from log_formatters import make_formatter  # noqa: E402

# As the `flask` command does: variables of the environment have priority over the file.
if not os.environ.get("FLASK_SKIP_DOTENV"):
    load_dotenv(HERE / ".env")

private_files.set_umask()
try:
    environment = Config.from_env()
except ConfigError as error:
    sys.exit("\n".join(f"confab: {fault}" for fault in error.faults))
private_files.tighten(environment)


class ErrorLog(Logger):
    """gunicorn's error log, without its lines about requests and about the start."""

    def info(self, msg: str, *args: Any, **options: Any) -> None:
        """Leave out gunicorn's first line. It comes before `on_starting`, which may end the server with one line of its own."""
        if msg != "Starting gunicorn %s":
            super().info(msg, *args, **options)

    def access(self, *_: Any) -> None:
        """Log nothing: the application logs its requests, without the query string, which may hold a token."""


def process_members() -> dict[str, int]:
    """Additional members of each line of gunicorn's log: the id of the process, which is the master or a worker."""
    return {"pid": os.getpid()}


def on_starting(server: Any) -> None:
    """Check that the address is free, unless this process inherited its sockets: from systemd, or from the server it replaces.

    Then nobody else uses the metrics folder of this address, except the server that this one replaces.
    """
    if not (server.master_pid or systemd.listen_fds(unset_environment=False)):
        is_development = environment.app_env == "development"
        listen_address.check(server.cfg.address, "PORT={port} make run" if is_development else "PORT={port}")
    if not server.master_pid:
        metrics_folder.empty(environment)
    server.log.info("Starting with gunicorn %s", __version__)


def post_worker_init(worker: Any) -> None:
    """Start the background work of the worker. In development, print the address of the server."""
    if state := getattr(worker.wsgi, "extensions", {}).get("confab"):
        state.start()
    if environment.app_env == "development" and worker.age == 1:
        docs = f" (API: {environment.public_url}/docs)" if environment.has_docs else ""
        print(f"Confab is at {environment.public_url}{docs}. Ctrl-C ends it.", flush=True)


def child_exit(server: Any, worker: Any) -> None:  # remove its gauges; its counters stay
    metrics_folder.forget(environment, worker.pid, server.log)


metrics_folder.prepare(environment)

# Each connection is a file descriptor. The usual soft limit of 1,024 would limit the number of clients.
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
_wanted = 65_536 if _hard == resource.RLIM_INFINITY else min(_hard, 65_536)
if _soft != resource.RLIM_INFINITY and _soft < _wanted:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_wanted, _hard))

_host = f"[{environment.host}]" if ":" in environment.host else environment.host
bind = f"{_host}:{environment.port}"
workers = environment.web_concurrency
worker_class = Worker
Worker.patience = environment.client_timeout
# Running requests and idle keep-alive connections of one worker. Further clients wait in the backlog. WebSockets are detached
# from their requests, and are not counted.
worker_connections = 10_000
# With a shared port a second server could start unnoticed and receive half of the requests.
reuse_port = False
# A fork after loading the application would share its database connections and stop its threads.
preload_app = False

# A worker whose event loop is blocked for this time is replaced. It does not limit the time of a request.
timeout = 30
# Requests that run at SIGTERM have this time, and up to 2 s follow. Sockets are closed at once, idle connections after half a
# second, and new ones without a request after a second. So a worker without requests ends within 2 s.
graceful_timeout = 5
# How long a connection may be idle between two requests. deploy/nginx.conf closes idle connections earlier, so that it never
# sends a request to one that is closing. CLIENT_TIMEOUT limits the time for a request and for reading its response.
keepalive = 60

# The largest value of gunicorn: the application itself refuses an id of 4,000 digits.
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190
# The application limits bodies, because the limit depends on the route. It answers 413 before a byte is read.

# "auto" would use gunicorn_h1c if it is installed, and no test here covers that parser.
http_parser = "python"
# Headers X_Forwarded_For and X-Forwarded-For would become the same WSGI variable.
header_map = "drop"
# The application trusts proxies according to TRUSTED_PROXIES. gunicorn would trust every process of this machine with the scheme,
# SCRIPT_NAME and PATH_INFO.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""

# Files are sent by `Client.sendall` like everything else, because it limits the time for slow clients.
sendfile = False

# Otherwise gunicorn opens a control socket in the home folder.
control_socket_disable = True
# With a heartbeat file on a busy disk a worker may be blocked until the master takes it for dead.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108

accesslog = None
logger_class = ErrorLog
loglevel = environment.log_level
logconfig_dict = {
    "root": {"level": "WARNING", "handlers": []},  # the application configures it
    "loggers": {"gunicorn.error": {"level": loglevel.upper(), "handlers": ["stderr"], "propagate": False}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "chosen", "stream": "ext://sys.stderr"}},
    "formatters": {"chosen": {"()": make_formatter, "config": environment, "context": process_members}},
}
