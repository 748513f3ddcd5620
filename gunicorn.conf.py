"""How gunicorn serves Confab: `gunicorn --config gunicorn.conf.py wsgi:app`.

Runs in the master, before any worker is forked and patched by gevent, so it imports nothing of `backend`.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path
from typing import Any

from dotenv import load_dotenv
from gunicorn.glogging import Logger

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # bin/gunicorn has its own folder there, and config.py is here

import metrics_folder  # noqa: E402
import private_files  # noqa: E402
from config import Config, ConfigError  # noqa: E402
from gunicorn_worker import Worker  # noqa: E402
from json_formatter import JsonFormatter  # noqa: E402

# The same file and the same rule as the `flask` command: what the environment says wins.
if not os.environ.get("FLASK_SKIP_DOTENV"):
    load_dotenv(HERE / ".env")

private_files.set_umask()
try:
    environment = Config.from_env()
except ConfigError as error:
    sys.exit("\n".join(f"confab: {fault}" for fault in error.faults))
private_files.tighten(environment)


class ErrorLog(Logger):
    """gunicorn's log of errors alone. Once anything of logging is configured, it would also put each request into words."""

    def access(self, *_: Any) -> None:
        """Say nothing: the application logs its requests itself, without the query string, where tokens are."""


def process_members() -> dict[str, int]:
    """Return what each line of gunicorn's log has besides: the process, which is the master or one of several workers."""
    return {"pid": os.getpid()}


def post_worker_init(worker: Any) -> None:
    """Let the worker send what waits in the outbox, and tell whoever started it by hand where to look."""
    if state := getattr(worker.wsgi, "extensions", {}).get("confab"):
        state.start()
    if environment.app_env == "development" and worker.age == 1:
        print(
            f"Confab is at {environment.public_url} (API: {environment.public_url}/docs). Ctrl-C ends it.", flush=True
        )


def child_exit(server: Any, worker: Any) -> None:  # a worker's open sockets end with it; what it counted stays
    metrics_folder.forget(environment, worker.pid, server.log)


metrics_folder.prepare(environment)

# A connection is a descriptor, and the usual soft limit of 1,024 would be the real limit on clients.
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
_wanted = 65_536 if _hard == resource.RLIM_INFINITY else min(_hard, 65_536)
if _soft != resource.RLIM_INFINITY and _soft < _wanted:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_wanted, _hard))

_host = f"[{environment.host}]" if ":" in environment.host else environment.host
bind = f"{_host}:{environment.port}"
workers = environment.web_concurrency
worker_class = Worker
Worker.patience = environment.client_timeout
# Requests under way and idle keep-alive connections of one worker; beyond it clients wait in the backlog. Sockets leave the
# request behind when they detach, and are not counted.
worker_connections = 10_000
# A shared port would let a second server start on it unnoticed and take half of the requests.
reuse_port = False
# Forking after the application was loaded would share its database connections, and kill its listener threads.
preload_app = False

# A worker whose loop does not turn for so long is stuck and is replaced. It is no limit on a request.
timeout = 30
# What is still being answered at SIGTERM has so long, and up to 2 s follow. Idle keep-alive connections and sockets are told
# to go at once, so that a worker with nothing to answer is gone in 2 s. A connection that never asked has a second longer.
graceful_timeout = 5
# How long a connection may idle between two requests. deploy/nginx.conf drops its idle connections sooner, so that it never
# sends a request into one that closes. What a client may take for a request, and to read its answer, is CLIENT_TIMEOUT's to say.
keepalive = 60

# The longest line that gunicorn's parser can be told to take: an id of 4,000 digits is the application's to refuse.
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190
# Bodies are bounded by the application, which knows the route: 413 from Content-Length, before a byte is read.

# gunicorn_h1c, where somebody installs it, would be used by "auto": requests would be parsed by code that no test here met.
http_parser = "python"
# X_Forwarded_For would become the same WSGI variable as X-Forwarded-For.
header_map = "drop"
# Who is trusted is TRUSTED_PROXIES' to say, in the application. gunicorn would believe every process of this machine about the
# scheme, SCRIPT_NAME and PATH_INFO.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""

# A file is sent as all else is: in `Client.sendall`, which waits for a client only so long.
sendfile = False

# Otherwise gunicorn opens a socket in the home folder through which it can be steered.
control_socket_disable = True
# A heartbeat file on a busy disk can stall a worker until it is taken for dead.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108

accesslog = None
logger_class = ErrorLog
loglevel = environment.log_level
logconfig_dict = {
    "root": {"level": "WARNING", "handlers": []},  # the application's to configure
    "loggers": {"gunicorn.error": {"level": loglevel.upper(), "handlers": ["stderr"], "propagate": False}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
    "formatters": {"json": {"()": JsonFormatter, "context": process_members}},
}
