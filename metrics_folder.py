"""The folder in which gunicorn's workers keep their numbers for Prometheus. For the master: imports nothing of `backend`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def prepare(folder: Path) -> None:
    """Make *folder*, empty, and let the library know of it: what an earlier run left is not ours."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def forget(pid: int) -> None:
    """Take what a worker that ended had open out of the numbers; what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid)
