"""Reading of deploy/confab.service, and a sandbox that applies its limits to a process without systemd."""

from __future__ import annotations

import ctypes
import errno
import socket
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from tests import packages

ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM  # SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(EPERM)
EQUAL, MASKED_EQUAL = 4, 7
PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000


def read_unit(path: Path) -> dict[str, list[str]]:
    """The values of each setting of a unit, in order. A setting may have several lines."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


class Comparison(ctypes.Structure):
    """`struct scmp_arg_cmp` of libseccomp."""

    _fields_ = [
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    ]


class Filter:
    """A filter of system calls. `load` applies it to the calling process."""

    def __init__(self, otherwise: int):
        self._library = ctypes.CDLL(str(packages.seccomp_library()), use_errno=True)
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._library.seccomp_rule_add_array.argtypes = [
            ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p,
        ]  # fmt: skip
        self._library.seccomp_load.argtypes = [ctypes.c_void_p]
        self._context = self._library.seccomp_init(otherwise)
        assert self._context

    def add(self, action: int, name: str, *comparisons: Comparison) -> None:
        """Add a rule for the system call *name*. One that this kernel's architecture does not have is left out."""
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return
        array = (Comparison * len(comparisons))(*comparisons)
        failed = self._library.seccomp_rule_add_array(self._context, action, number, len(comparisons), array)
        assert failed == 0, (name, failed)

    def load(self) -> None:
        """Apply the filter, and with it "no new privileges". It cannot be undone."""
        failed = self._library.seccomp_load(self._context)
        if failed:
            raise OSError(-failed, "seccomp_load")


@cache
def call_sets() -> dict[str, list[str]]:
    """The members of each set of system calls that systemd knows: `@system-service` and the others."""
    command = [str(packages.systemd_analyze_binary()), "syscall-filter", "--no-pager"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    sets: dict[str, list[str]] = {}
    members: list[str] = []
    for line in printed.splitlines():
        if line.startswith("@"):
            members = sets[line.strip()] = []
        elif line.startswith("    ") and not line.strip().startswith("#"):
            members.append(line.strip())
    return sets


def expand(name: str) -> Iterator[str]:
    """The system calls of a set, or the one of this name."""
    if not name.startswith("@"):
        yield name
        return
    for member in call_sets()[name]:
        yield from expand(member)


def allowed_calls(filters: list[str]) -> set[str]:
    """The system calls that the lines of `SystemCallFilter` allow."""
    allowed = set(expand("@default"))
    for line in filters:
        calls = {call for name in line.removeprefix("~").split() for call in expand(name)}
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


def sandbox(unit: dict[str, list[str]]) -> Callable[[], None]:
    """A function that limits the calling process as systemd would: system calls, address families, and executable memory."""
    calls = Filter(REFUSE)
    for name in allowed_calls(unit["SystemCallFilter"]) - {"socket"}:
        calls.add(ALLOW, name)
    for family in unit["RestrictAddressFamilies"][0].split():
        calls.add(ALLOW, "socket", Comparison(0, EQUAL, getattr(socket, family)))
    filters = [calls]
    if unit["MemoryDenyWriteExecute"] == ["yes"]:
        memory = Filter(ALLOW)
        memory.add(REFUSE, "mmap", Comparison(2, MASKED_EQUAL, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC))
        for name in ("mprotect", "pkey_mprotect"):
            memory.add(REFUSE, name, Comparison(2, MASKED_EQUAL, PROT_EXEC, PROT_EXEC))
        memory.add(REFUSE, "shmat", Comparison(2, MASKED_EQUAL, SHM_EXEC, SHM_EXEC))
        filters.insert(0, memory)  # the other one may refuse the call that loads it

    def confine() -> None:
        for each in filters:
            each.load()

    return confine
