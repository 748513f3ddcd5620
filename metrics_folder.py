"""The folder of the workers' metrics for Prometheus. Gunicorn's master uses this module, so it imports nothing of `backend`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from config import Config


def prepare(config: Config) -> None:
    """Create the folder, and set the library's variable. Does nothing without METRICS_TOKEN."""
    if config.metrics_token is not None:
        folder = _folder(config)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def empty(config: Config) -> None:
    """Remove what an earlier run left in the folder. Call it only while no other server has the address and uses the folder."""
    if config.metrics_token is not None:
        shutil.rmtree(_folder(config), ignore_errors=True)
        prepare(config)


def _folder(config: Config) -> Path:
    return config.instance_dir / f"metrics-{config.port}"


def forget(config: Config, pid: int, log: Any) -> None:
    """Remove the gauges of a worker that ended; its counters stay. Never raises, because the master calls it."""
    if config.metrics_token is None:
        return
    try:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid)
    except Exception:
        log.exception("could not remove the metrics of worker %s", pid)
