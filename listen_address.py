"""Check that the server's address is free before gunicorn opens it.

Gunicorn's master uses this module, so it imports nothing of `backend`.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

PROC = Path("/proc")
LISTEN = "0A"
"""The state of a listening socket in /proc/net/tcp."""


def check(addresses: Iterable[object], example: str) -> None:
    """Exit with one line if one of *addresses* cannot be opened. Only pairs of host and port are checked.

    The line says which program listens there, and *example* with the next free port in place of `{port}`. gunicorn itself would
    try five times, and would not say who listens.
    """
    for address in addresses:
        if isinstance(address, tuple):
            host, port = address
            if fault := _fault(host, port, example):
                sys.exit(f"confab: {fault}")


def _fault(host: str, port: int, example: str) -> str | None:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        _open(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            who = listening_program(host, port) or "Another program"
            return (
                f"{who} already listens at {where}. Choose another port: {example.format(port=_free_port(host, port))}"
            )
        return f"It is impossible to listen at {where}: {error.strerror}. Correct HOST or PORT."
    return None


def _open(host: str, port: int) -> None:
    """Open the address as gunicorn does, and close it. Raises OSError."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _free_port(host: str, busy: int) -> int:
    """Return the first free port above *busy*. Where there is none, return one below it, or *busy* itself."""
    for port in chain(range(busy + 1, 65_536), range(1024, busy)):
        with suppress(OSError):
            _open(host, port)
            return port
    return busy


def listening_program(host: str, port: int) -> str | None:
    """Return the name and process id of the program that listens at this address.

    Returns None where the system does not tell: without /proc, or if the program is another account's.
    """
    with suppress(OSError):
        sockets = {f"socket:[{inode}]" for inode in _inodes(host, port)}
        # A server and its workers share a socket. The server has the lowest process id.
        for process in sorted(PROC.glob("[0-9]*"), key=lambda path: int(path.name)):
            if sockets & set(_open_files(process)):
                name = "".join(filter(str.isprintable, (process / "comm").read_text()))
                return f"{name} (process {process.name})"
    return None


def _inodes(host: str, port: int) -> Iterator[str]:
    """Yield the inodes of listening sockets that conflict with this address."""
    own = _hexadecimal(host)
    conflicting = {own, _hexadecimal("0.0.0.0"), _hexadecimal("::"), _hexadecimal(f"::ffff:{host}")}  # noqa: S104
    is_wildcard = not int(own or "0", 16)
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                _, local, _, state, *rest = line.split()
                address, _, number = local.partition(":")
                if state == LISTEN and int(number, 16) == port and (is_wildcard or address in conflicting):
                    yield rest[5]


def _hexadecimal(host: str) -> str:
    """Return an address as /proc/net writes it: words of four bytes, each in the order of this machine."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            packed = socket.inet_pton(family, host)
            words = (packed[start : start + 4] for start in range(0, len(packed), 4))
            return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
    return ""


def _open_files(process: Path) -> Iterator[str]:
    with suppress(OSError):
        for file in (process / "fd").iterdir():
            with suppress(OSError):
                yield os.readlink(file)
