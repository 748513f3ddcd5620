"""One WebSocket connection, outside the request that opened it.

No greenlet waits for an idle client: the event loop calls `_read` when bytes arrived, and `_on_writable` when a slow
client reads again. A greenlet handles the client's frames, one batch after the other, and ends when there are none.
"""

from __future__ import annotations

import logging
import random
import time
from _socket import SHUT_WR, socket
from collections import deque
from collections.abc import Callable
from typing import Any

import gevent
from websockets.frames import CloseCode, Frame
from websockets.protocol import Protocol, Side, State

from backend.identity.identity import Credentials
from backend.realtime.transport.assembler import MessageAssembler, RefusedFrame
from backend.realtime.transport.callbacks import ConnectionCallbacks
from backend.realtime.transport.connection_limits import ConnectionSlot
from backend.realtime.transport.frames import (
    HEARTBEAT_SECONDS,
    MAX_FRAME_BYTES,
    PING,
    PONG_HEAD,
    REASONS,
    Close,
    close_frame,
    close_of,
    protocol_log,
)
from backend.realtime.transport.write_buffer import WriteBuffer

log = logging.getLogger("confab.realtime")

READ = 1
MAX_QUEUED_FRAMES = 64
"""Reading pauses while this many frames of one client are queued."""

CLOSING_SECONDS, SLOW_CLOSING_SECONDS = 3.0, 30.0
"""How long a client has to read the close frame. A slow client has more to read before it."""

FINISHING_SECONDS = 8.0
"""How long the frames that preceded a client's close frame may take. Chromium waits 10 s for the answer to its own."""


class Connection:
    """An open WebSocket. Data written before `begin` follows its frame; the client's frames are read from then on.

    `close` is safe to call at any time, more than once. When the client itself ends the connection, by a close frame or by a
    violation of the protocol, the frames that it sent before are handled and answered first.
    """

    __slots__ = (
        "_assembler", "_buffer", "_callbacks", "_handling", "_is_paused", "_pending_close", "_protocol", "_queue",
        "_read_watcher", "_socket", "client_id", "conversations", "credentials", "deadline", "is_open", "opened_at",
        "pinged_at", "received_at", "slot", "uid",
    )  # fmt: skip

    def __init__(
        self,
        sock: socket,
        credentials: Credentials,
        client_id: str,
        uid: str,
        callbacks: ConnectionCallbacks,
        slot: ConnectionSlot | None = None,
        *,
        is_rate_limited: bool = True,
    ):
        self._callbacks = callbacks
        self._socket = sock
        self._buffer = WriteBuffer(sock, self._on_writable)
        self.credentials = credentials
        self.client_id = client_id
        self.uid = uid
        self.slot = slot
        self.conversations: set[str] = set()
        self.is_open = True
        self.deadline: float | None = None
        self.opened_at = time.time()
        self.received_at = time.monotonic()
        # Clients that connect together, as after a restart, would otherwise be pinged and answer together for ever.
        self.pinged_at = self.received_at - random.uniform(0, HEARTBEAT_SECONDS)  # noqa: S311
        self._protocol = Protocol(Side.SERVER, state=State.OPEN, max_size=MAX_FRAME_BYTES, logger=protocol_log)
        self._queue: deque[bytes] | None = None
        self._pending_close: tuple[int, str] | None = None
        self._handling, self._is_paused = False, True
        self._assembler = MessageAssembler(self.received_at, is_rate_limited=is_rate_limited)
        self._read_watcher: Any = gevent.get_hub().loop.io(sock.fileno(), READ)

    @property
    def user_id(self) -> int:
        return self.credentials.user_id

    @property
    def may_read(self) -> bool:
        """Whether the client receives events. One with a token of the scope `write` alone does not."""
        return "read" in self.credentials.scopes

    @property
    def buffered_bytes(self) -> int:
        """The bytes that were written and that the client has not accepted yet."""
        return self._buffer.size

    # -- writing

    def begin(self, first: bytes) -> None:
        """Send *first*, and then what was written before; and begin to read."""
        try:
            self._buffer.release(first)
        except OSError:
            self.drop()
        self._resume_reading()

    def write(self, data: bytes) -> None:
        """Send whole frames, now or as soon as the client reads. A client that is too far behind is closed (4410)."""
        if self.is_open:
            try:
                if not self._buffer.write(data):
                    self._buffer.truncate()
                    self.close(Close.TOO_SLOW)
            except OSError:
                self._on_lost()

    def wait_until_written(self, seconds: float) -> None:
        """Wait until the client has accepted everything, at most *seconds*: a long answer is sent piece by piece."""
        self._buffer.wait_until_empty(seconds)

    def _on_writable(self) -> None:
        self._guard(self._flush)

    def _flush(self) -> None:
        self._buffer.flush()
        self._half_close()

    def ping(self, now: float) -> None:
        """Send a ping. Any frame of the client answers it."""
        self.pinged_at = now
        self.write(PING)

    # -- reading

    def _guard(self, callback: Callable[[], None]) -> None:
        """Run *callback* for the event loop, which must never see an exception."""
        try:
            callback()
        except OSError:
            self._on_lost()
        except Exception:
            log.exception("a socket failed")
            self.drop()

    def _read(self) -> None:
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return
        if not data:
            self._on_lost()
            return
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and self.is_open and self._pending_close is None:
                self._accept(event)
        # The library's own close frame would precede the answers to the client's frames, and has codes of its own.
        if pongs := b"".join(data for data in self._protocol.data_to_send() if data[:1] == PONG_HEAD):
            self.write(pongs)
        if self._protocol.eof_sent:
            self._finish(*close_of(self._protocol))
            self._half_close()

    def _accept(self, frame: Frame) -> None:
        self.received_at = time.monotonic()
        try:
            message = self._assembler.accept(frame, self.received_at)
        except RefusedFrame as refusal:
            self._finish(refusal.code, refusal.reason)
            return
        if message is not None:
            self._enqueue(message)

    def _enqueue(self, message: bytes) -> None:
        self._queue = self._queue or deque()
        self._queue.append(message)
        if len(self._queue) >= MAX_QUEUED_FRAMES:
            self._pause_reading()
        if not self._handling:
            self._handling = True
            gevent.spawn(self._handle_queue)

    def _handle_queue(self) -> None:
        """Handle the queued frames, in order; those that arrived together form a batch."""
        try:
            while self._queue and self.is_open:
                batch, self._queue = list(self._queue), deque()
                self._callbacks.on_frames(self, batch)
                self._resume_reading()
        except Exception:
            log.exception("a client's frames failed")
            self.close(CloseCode.INTERNAL_ERROR)
        finally:
            self._handling, self._queue = False, None
        if self._pending_close is not None:
            self._close_as_pending()

    def _pause_reading(self) -> None:
        self._is_paused = True
        self._read_watcher.stop()

    def _resume_reading(self) -> None:
        if self.is_open and self._is_paused and self._pending_close is None:
            self._is_paused = False
            self._read_watcher.start(self._guard, self._read)

    # -- closing

    def _finish(self, code: int, reason: str = "") -> None:
        """Accept no more frames, and close with *code* once the queued ones are handled."""
        if not self.is_open or self._pending_close is not None:
            return
        self._pending_close = (code, reason)
        self._pause_reading()
        if self._handling:
            self.deadline = time.monotonic() + FINISHING_SECONDS
        else:
            self._close_as_pending()

    def _close_as_pending(self) -> None:
        if self.is_open and self._pending_close is not None:
            if self._pending_close[0] == CloseCode.ABNORMAL_CLOSURE:
                self.drop()
            else:
                self.close(*self._pending_close)

    def _on_lost(self) -> None:
        """The client is gone without a close frame. The frames that it sent before are handled all the same."""
        if self.is_open and self._handling:
            self._buffer.stop()
            self._finish(CloseCode.ABNORMAL_CLOSURE)
        else:
            self.drop()

    def on_deadline(self) -> None:
        """Closing took too long. If frames are left, the close frame says that they were not all handled."""
        if self.is_open:
            self.close(Close.RESTARTING, "not all was done in time")
        else:
            self.drop()

    def close(self, code: int, reason: str | None = None) -> None:
        """Send a close frame, and give the client some seconds to read it and to answer."""
        if not self.is_open:
            return
        self._begin_closing(code, SLOW_CLOSING_SECONDS if code == Close.TOO_SLOW else CLOSING_SECONDS)
        reason = REASONS.get(code, "") if reason is None else reason
        try:
            self._buffer.release()
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(code, reason)
                self._buffer.write(b"".join(self._protocol.data_to_send()), is_last=True)
            else:
                self._buffer.write(close_frame(code, reason), is_last=True)
            self._half_close()
        except OSError:
            self.drop()

    def _begin_closing(self, code: int, seconds: float) -> None:
        """Handle and receive nothing more. A client that does not end the stream within *seconds* is dropped by the heartbeat."""
        self.is_open = False
        self.deadline = time.monotonic() + seconds
        self._callbacks.on_closing(self, code)
        if self._is_paused and self._read_watcher is not None:
            self._read_watcher.start(self._guard, self._read)  # to read the client's close frame

    def _half_close(self) -> None:
        """Once both sides have sent a close frame and everything is written, end our direction and wait for the client's.

        Closing the socket while bytes are unread would discard what the client has yet to read.
        """
        if not self.is_open and self._protocol.eof_sent and self._buffer.is_empty:
            self._socket.shutdown(SHUT_WR)

    def drop(self) -> None:
        """Close the socket without a close frame. Nothing is read or written after this."""
        if self.is_open:
            self.is_open = False
            self._callbacks.on_closing(self, CloseCode.ABNORMAL_CLOSURE)
        self._callbacks.on_closed(self)
        self._buffer.stop()
        if self._read_watcher is not None:
            self._read_watcher.stop()
            self._read_watcher.close()
            self._read_watcher = None
            self._socket.close()
