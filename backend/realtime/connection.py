"""One client's socket, outside the request that opened it.

No greenlet waits for an idle client: the worker's loop calls `_readable` when bytes came, and `_writable` when a slow reader
has room again. Frames that need the database are done one after the other by a greenlet that lives while there are any.
"""

from __future__ import annotations

import time
from _socket import SHUT_RDWR, socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import gevent
from websockets import frames
from websockets.exceptions import PayloadTooBig
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from backend.realtime.protocol import MAX_FRAME_BYTES, REASONS, Close

if TYPE_CHECKING:
    from backend.realtime.hub import Hub

READ, WRITE = 1, 2
MAX_BACKLOG_BYTES = 1024 * 1024
"""What the server keeps for a client that does not read; then the client is closed (4410) and resumes."""

MAX_WAITING_FRAMES = 64
"""How many frames of one client may wait to be done; reading pauses above it."""

BURST, PER_SECOND = 200, 50
CLOSING_SECONDS = 3.0


@dataclass(slots=True)
class Right:
    """By what right a socket is open. It ends with its session or API token, or at `expires_at` unless renewed."""

    user_id: int
    session_id: int | None
    api_token_id: int | None
    scopes: frozenset[str]
    expires_at: datetime | None


class Connection:
    """A WebSocket that is open. `write` never waits; `close` is safe to call at any time, more than once."""

    __slots__ = (
        "_backlog", "_backlog_bytes", "_fragments", "_hub", "_io_read", "_io_write", "_is_paused", "_is_working",
        "_protocol", "_socket", "_tokens", "_tokens_at", "_waiting", "address", "client_id", "closed_at", "conversations",
        "heard_at", "is_open", "right", "uid",
    )  # fmt: skip

    def __init__(self, hub: Hub, sock: socket, right: Right, client_id: str, uid: str, address: str | None):
        self._hub = hub
        self._socket = sock
        self.right = right
        self.client_id = client_id
        self.uid = uid
        self.address = address
        self.conversations: set[str] = set()
        self.is_open = True
        self.closed_at: float | None = None
        self.heard_at = time.monotonic()
        self._protocol = Protocol(Side.SERVER, state=State.OPEN, max_size=MAX_FRAME_BYTES, logger=hub.quiet)
        self._backlog: deque[bytes] | None = None
        self._backlog_bytes = 0
        self._fragments: list[bytes] | None = None
        self._waiting: deque[bytes] | None = None
        self._is_working = self._is_paused = False
        self._tokens, self._tokens_at = float(BURST), self.heard_at
        loop = gevent.get_hub().loop
        self._io_read = loop.io(sock.fileno(), READ)
        self._io_write: Any = None
        self._io_read.start(self._guarded, self._readable)

    @property
    def user_id(self) -> int:
        return self.right.user_id

    # -- out

    def write(self, data: bytes) -> None:
        """Send whole frames, now or as soon as the client reads. One who falls too far behind is closed."""
        if not self.is_open:
            return
        if self._backlog is not None:
            self._keep(data)
            return
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop()
            return
        if sent < len(data):
            self._keep(data[sent:])
            self._io_write = gevent.get_hub().loop.io(self._socket.fileno(), WRITE)
            self._io_write.start(self._guarded, self._writable)

    def _keep(self, data: bytes) -> None:
        backlog = self._backlog if self._backlog is not None else deque()
        if self._backlog_bytes + len(data) > MAX_BACKLOG_BYTES and backlog:
            self._give_up_on_slow_reader(backlog[0])
            return
        backlog.append(data)
        self._backlog = backlog
        self._backlog_bytes += len(data)

    def _give_up_on_slow_reader(self, half_sent: bytes) -> None:
        """Forget what waits but for the rest of the frame that is half sent, so that the stream stays whole to its end."""
        self._backlog = deque([half_sent])
        self._backlog_bytes = len(half_sent)
        self._hub.metrics["too_slow"] += 1
        self.close(Close.TOO_SLOW)

    def _writable(self) -> None:
        while self._backlog:
            data = self._backlog[0]
            try:
                sent = self._socket.send(data)
            except BlockingIOError:
                return
            self._backlog_bytes -= sent
            if sent < len(data):
                self._backlog[0] = data[sent:]
                return
            self._backlog.popleft()
        self._backlog, self._backlog_bytes = None, 0
        self._io_write.stop()
        self._io_write.close()
        self._io_write = None
        if self._protocol.close_expected() and self._protocol.eof_sent:
            self._finish()

    # -- in

    def _guarded(self, callback: Callable[[], None]) -> None:
        """What the loop calls must never raise into it."""
        try:
            callback()
        except OSError:
            self._drop()
        except Exception:
            self._hub.log.exception("a socket failed")
            self._drop()

    def _readable(self) -> None:
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return
        if not data:
            self._drop()
            return
        protocol = self._protocol
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Frame):
                self._take(event)
        if isinstance(protocol.parser_exc, PayloadTooBig) and self.is_open:
            protocol.data_to_send()  # the library's own goodbye, with a code that is not the contract's
            self.close(Close.TOO_LARGE)
            return
        self._send_pending()

    def _send_pending(self) -> None:
        """Write what the library wants to say: pongs, and its side of the closing handshake."""
        for data in self._protocol.data_to_send():
            if data:
                self._write_closing(data) if not self.is_open else self.write(data)
            else:
                self._finish()

    def _take(self, frame: Frame) -> None:
        now = time.monotonic()
        self.heard_at = now
        if not self._may_send(now):
            self.close(Close.TOO_MANY_FRAMES)
        if not self.is_open:
            return
        if frame.opcode is Opcode.BINARY:
            self.close(frames.CloseCode.UNSUPPORTED_DATA, "text frames only")
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            self._gather(bytes(frame.data), frame.fin)

    def _gather(self, data: bytes, is_last: bool) -> None:
        if self._fragments is not None or not is_last:
            self._fragments = [*(self._fragments or []), data]
            if not is_last:
                return
            data, self._fragments = b"".join(self._fragments), None
        try:
            data.decode()
        except UnicodeDecodeError:
            self.close(frames.CloseCode.INVALID_DATA, "text that is not UTF-8")
            return
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(data)
        if len(self._waiting) >= MAX_WAITING_FRAMES:
            self._is_paused = True
            self._io_read.stop()
        if not self._is_working:
            self._is_working = True
            gevent.spawn(self._work)

    def _work(self) -> None:
        """Do what waits, in order; what came together is done together."""
        try:
            while self._waiting and self.is_open:
                batch, self._waiting = list(self._waiting), deque()
                self._hub.perform(self, batch)
                if self.is_open and self._is_paused:
                    self._is_paused = False
                    self._io_read.start(self._guarded, self._readable)
        except Exception:
            self._hub.log.exception("a client's frames failed")
            self.close(frames.CloseCode.INTERNAL_ERROR)
        finally:
            self._is_working, self._waiting = False, None

    def _may_send(self, now: float) -> bool:
        """A bucket of 200 frames that fills by 50 a second."""
        if not self._hub.limits_frames:
            return True
        self._tokens = min(BURST, self._tokens + (now - self._tokens_at) * PER_SECOND)
        self._tokens_at = now
        self._tokens -= 1
        return self._tokens >= 0

    # -- heartbeat and end

    def ping(self) -> None:
        """Ask for a sign of life. Any frame is one."""
        self.write(Frame(Opcode.PING, b"").serialize(mask=False))

    def close(self, code: int, reason: str | None = None) -> None:
        """Say why, then end; the client has a few seconds to hear it."""
        if not self.is_open:
            return
        self.is_open = False
        self.closed_at = time.monotonic()
        self._hub.forget(self)
        reason = reason if reason is not None else REASONS.get(Close(code), "") if code >= 4000 or code == 1012 else ""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code, reason)
            self._send_pending()
        else:
            self._write_closing(Frame(Opcode.CLOSE, frames.Close(code, reason).serialize()).serialize(mask=False))
        self._hub.closing.add(self)

    def _write_closing(self, data: bytes) -> None:
        """Write behind the close: `write` takes nothing any more."""
        self.is_open = True
        try:
            self.write(data)
        finally:
            self.is_open = False

    def _finish(self) -> None:
        """Both sides have said goodbye: end the stream, once what waits is out. The hub ends who never reads it."""
        if self._backlog is None:
            with suppress(OSError):
                self._socket.shutdown(SHUT_RDWR)
            self._drop()
        elif self.is_open:
            self.is_open = False
            self.closed_at = time.monotonic()
            self._hub.forget(self)
            self._hub.closing.add(self)

    def _drop(self) -> None:
        self.is_open = False
        self._hub.forget(self)
        self.release()

    def release(self) -> None:
        """Give the descriptor back. Nothing is written or read after this."""
        self._hub.closing.discard(self)
        for watcher in (self._io_read, self._io_write):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        self._io_write = None
        self._backlog = None
        self._socket.close()
