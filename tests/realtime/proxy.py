"""A network that a test can take away: a TCP proxy in front of a server."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Lock, Thread
from typing import Self

from tests.processes import free_port


class Proxy:
    """Forwards connections to the server on *port* of this machine, until `cut`. `url` is its own address."""

    def __init__(self, port: int):
        self._server = port
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._lock = Lock()
        self._listener: socket.socket | None = None
        self._sockets: set[socket.socket] = set()
        self.restore()

    def restore(self) -> None:
        """Accept connections from now on."""
        listener = socket.create_server(("127.0.0.1", self._port))
        with self._lock:
            self._listener = listener
        Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """End every connection, and refuse new ones."""
        with self._lock:
            listener, self._listener = self._listener, None
            if listener is not None:
                _end(listener)
            for each in self._sockets:
                _end(each)
            self._sockets.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._server))
                except OSError:  # the server is away
                    _end(client)
                    continue
                with self._lock:
                    if self._listener is not listener:
                        _end(client)
                        _end(server)
                        return
                    self._sockets |= {client, server}
                for source, target in ((client, server), (server, client)):
                    Thread(target=self._forward, args=(source, target), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data)
        _end(source)
        _end(target)
        with self._lock:
            self._sockets -= {source, target}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it
    each.close()
