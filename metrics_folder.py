"""The folder in which gunicorn's workers keep their numbers for Prometheus. For the master: imports nothing of `backend`."""

from __future__ import annotations

import os
import shutil
from typing import Any

from config import Config


def prepare(config: Config) -> None:
    """Make the folder, empty, and let the library know of it: what an earlier run left is not ours. Without a token, nothing."""
    if config.metrics_token is not None:
        folder = config.instance_dir / f"metrics-{config.port}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def forget(config: Config, pid: int, log: Any) -> None:
    """Take what a worker that ended had open out of the numbers; what it counted stays. Never fails: the master calls it."""
    if config.metrics_token is None:
        return
    try:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid)
    except Exception:
        log.exception("the numbers of worker %s stay", pid)
