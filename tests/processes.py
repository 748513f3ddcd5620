"""Processes and folders of the tests: all of them end with the run that created them, even if it is killed."""

from __future__ import annotations

import ctypes
import fcntl
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
STOPPED = {"T", "Z", ""}
"""States in which a process runs no code; a process that ended while its parent was stopped stays a zombie."""

PREFIX = "confab-test-"
TEMPORARY = Path("/tmp")
_libc = ctypes.CDLL(None, use_errno=True)


class Folder:
    """A temporary folder whose path is short enough for a Unix socket (107 bytes), locked as long as its owner lives."""

    def __init__(self, owner: str | None = None):
        # It gets a name that `sweep` looks for when it is locked: until then, a sweep would take its owner for dead.
        new = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=TEMPORARY))
        self._lock = os.open(new, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = new.rename(new.with_name(new.name.removeprefix(".")))
        if owner:
            shutil.chown(self.path, owner)
            self.path.chmod(0o755)

    def remove(self) -> None:
        """Remove the folder with all its content."""
        shutil.rmtree(self.path, ignore_errors=True)
        with suppress(OSError):
            os.close(self._lock)


def sweep() -> None:
    """Remove the folders of dead owners, and end the processes that still run in them.

    The kernel releases the lock of a dead process, so a reused process id cannot mislead.
    """
    for path in TEMPORARY.glob(f"{PREFIX}*"):
        with suppress(OSError):
            lock = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for pid in running_in(path):
                    with suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, signal.SIGKILL)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)


def has_user(name: str) -> bool:
    """Return whether the system has an account with this name."""
    return any(entry.pw_name == name for entry in pwd.getpwall())


def running_in(path: Path) -> Iterator[int]:
    """The processes whose working folder is *path* or below it."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if Path(os.readlink(process / "cwd")).is_relative_to(path):
                yield int(process.name)


def spawn(
    command: list[str | Path],
    *,
    log: Path,
    last_signal: int = signal.SIGKILL,
    user: str | None = None,
    confine: Callable[[], None] | None = None,
    **options: Any,
) -> subprocess.Popen[bytes]:
    """Start *command*, as *user*, in a session of its own; it gets *last_signal* when this process ends in any way.

    *confine* runs in the new process, last of all, to limit what it may do.

    Only from the main thread: the kernel treats the end of the forking thread as the death of the parent.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("spawn() outside the main thread: the process would die with this thread")
    parent = os.getpid()
    account = pwd.getpwnam(user) if user else None

    def prepare() -> None:
        if account:
            os.setgroups([])
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
        # After the change of user, which resets it.
        _libc.prctl(PR_SET_PDEATHSIG, last_signal)
        if os.getppid() != parent:  # the parent died in between
            os._exit(1)
        if confine is not None:
            confine()

    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=prepare,
            **options,
        )


def descendants(pid: int) -> list[int]:
    """*pid* and all its descendants, parents first.

    Each process itself names its parent: the kernel's own list of a process's children omits some while others end.
    """
    children: dict[int, list[int]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            children.setdefault(int(_status(process)[1]), []).append(int(process.name))
    found = [pid]
    for parent in found:
        found += sorted(children.get(parent, []))
    return found


def state(pid: int) -> str:
    """The state of a process, as ps shows it: `T` is stopped; `Z`, like the empty one, has ended."""
    with suppress(OSError):
        return _status(Path(f"/proc/{pid}"))[0]
    return ""


def _status(process: Path) -> list[str]:
    """The fields of a process's `stat` after its name, which may contain any character."""
    return (process / "stat").read_text().rpartition(")")[2].split()


def signal_tree(pid: int, signum: int) -> None:
    """Send *signum* to *pid* and all its descendants."""
    for each in descendants(pid):
        with suppress(ProcessLookupError):
            os.kill(each, signum)


def freeze_tree(pid: int) -> None:
    """Stop *pid* and all its descendants (SIGSTOP), and return when all are stopped."""

    def is_still() -> bool:
        signal_tree(pid, signal.SIGSTOP)  # again, for processes that were forked meanwhile
        return all(state(each) in STOPPED for each in descendants(pid))

    wait_until(is_still, f"every process below {pid} to be stopped")


def end(process: subprocess.Popen[bytes], signum: int = signal.SIGTERM, patience: float = 10.0) -> int:
    """Terminate *process*, kill it after *patience* seconds, and return its exit code. All its descendants end too."""
    tree = descendants(process.pid)
    if process.poll() is None:
        process.send_signal(signum)
        process.send_signal(signal.SIGCONT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    for pid in {*tree, *descendants(process.pid)} - ({process.pid} if process.poll() is not None else set()):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return process.wait()


def wait_until(is_so: Callable[[], object], what: str, seconds: float = 15.0) -> None:
    """Poll until *is_so* returns a true value. Raises TimeoutError, which names *what* was awaited."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)


@cache
def _ports() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 15_000 + 1_000 * (worker % 16)
    return cycle(random.sample(range(first, first + 1_000), 1_000))


def free_port() -> int:
    """A TCP port that is free, below those that the kernel gives to outgoing connections, which could take it at once.

    Its server binds it a moment later, and again after a restart. So each worker has a thousand ports of its own, and gets none
    of them twice before it had all.
    """
    for port in islice(_ports(), 1_000):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("none of the thousand ports of this worker is free")


def tail(log: Path, lines: int = 30) -> str:
    """The last lines of a log file, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""
