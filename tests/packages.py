"""The programs that the tests need besides Python: found on this machine, or installed with apt where that is allowed."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

SYSTEM_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
SERVICES = ("postgresql", "redis-server", "nginx")
DEBIAN_CLUSTERS = Path("/etc/postgresql-common/createcluster.conf")
DEBIAN_POLICY = Path("/usr/sbin/policy-rc.d")


class Missing(Exception):
    """A program is missing and cannot be installed. The message is one line that says what to install."""


def postgres_folder() -> Path:
    """The folder with the newest PostgreSQL's programs."""
    return _found(_find_postgres, "PostgreSQL", SERVICES)


def redis_binary() -> Path:
    """The path of redis-server, or of valkey-server."""
    return _found(lambda: _which("redis-server", "valkey-server"), "redis-server", SERVICES)


def nginx_binary() -> Path:
    """The path of nginx."""
    return _found(lambda: _which("nginx"), "nginx", SERVICES)


def chromium_binary() -> Path:
    """The path of chromium, for the tests in a browser."""
    return _found(lambda: _which("chromium", "chromium-browser", "google-chrome"), "chromium", ("chromium",))


def headless_chromium_binary() -> Path:
    """The path of Chromium's headless shell, or of chromium where the shell cannot be installed.

    The shell is the same engine without the desktop program, and opens a page in a third of the time.
    """
    try:
        return _found(lambda: _which("chromium-headless-shell"), "chromium", ("chromium-headless-shell",))
    except Missing:
        return chromium_binary()


def systemd_analyze_binary() -> Path:
    """The path of systemd-analyze, which checks units where systemd does not run too."""
    return _found(lambda: _which("systemd-analyze"), "systemd-analyze", ("systemd",))


def promtool_binary() -> Path:
    """The path of promtool, which checks rules for Prometheus."""
    return _found(lambda: _which("promtool"), "promtool", ("prometheus",))


def debootstrap_binary() -> Path:
    """The path of debootstrap, which makes a Debian in a folder."""
    return _found(lambda: _which("debootstrap"), "debootstrap", ("debootstrap",))


def seccomp_library() -> Path:
    """The path of libseccomp, which filters system calls."""
    return _found(lambda: _find_library("libseccomp.so.2"), "libseccomp", ("libseccomp2",))


def _find_library(name: str) -> Path | None:
    return next(
        (path for folder in ("/lib", "/usr/lib", "/usr/lib64") for path in Path(folder).glob(f"**/{name}")), None
    )


def _which(*names: str) -> Path | None:
    return next((Path(found) for name in names if (found := shutil.which(name, path=SYSTEM_PATH))), None)


def _find_postgres() -> Path | None:
    """Debian keeps each version in a folder of its own, out of PATH; elsewhere the programs are in PATH."""
    versions = [
        p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/postgres") if p.parent.joinpath("initdb").exists()
    ]
    if versions:
        return max(versions, key=lambda folder: float(re.sub(r"[^0-9.]", "", folder.parent.name) or 0))
    initdb = _which("initdb")
    return initdb.resolve().parent if initdb else None


def _found(find: Callable[[], Path | None], what: str, packages: tuple[str, ...]) -> Path:
    found = find()
    if found is None:
        with _one_at_a_time():
            if find() is None:  # still missing after the wait for the lock
                _install(what, packages)
        found = find()
    if found is None:
        raise Missing(f"The tests need {what}; install it (Debian, Ubuntu: apt-get install {' '.join(packages)}).")
    return found


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with open(Path(tempfile.gettempdir()) / "confab-apt.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(what: str, packages: tuple[str, ...]) -> None:
    apt = shutil.which("apt-get", path=SYSTEM_PATH)
    if apt is None or os.geteuid() != 0:
        return
    print(f"confab: {what} is missing; installing {' '.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "PATH": SYSTEM_PATH}
    options = ["-qq", "-y", "-o", "DPkg::Lock::Timeout=300"]
    with ExitStack() as undo:
        # No cluster is created and no daemon starts: the tests run instances of their own.
        undo.enter_context(_for_now(DEBIAN_POLICY, "#!/bin/sh\nexit 101\n", 0o755))
        undo.enter_context(_for_now(DEBIAN_CLUSTERS, "create_main_cluster = false\n", 0o644))
        for command in (["update"], ["install", "--no-install-recommends", *packages]):
            done = subprocess.run(
                [apt, *options, *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise Missing(f"apt-get {command[0]} failed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")


@contextmanager
def _for_now(path: Path, content: str, mode: int) -> Iterator[None]:
    """Replace a file while something runs, and restore its content."""
    before = path.read_bytes() if path.exists() else None
    before_mode = path.stat().st_mode if before is not None else mode
    made_folder = not path.parent.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(mode)
    try:
        yield
    finally:
        if before is None:
            path.unlink(missing_ok=True)
            if made_folder and not any(path.parent.iterdir()):
                path.parent.rmdir()
        else:
            path.write_bytes(before)
            path.chmod(before_mode)
