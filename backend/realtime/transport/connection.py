"""One client's socket, outside the request that opened it.

No greenlet waits for an idle client: the worker's loop calls `_readable` when bytes came, and `writable` when a slow reader
has room again. Frames that need the database are done one after the other by a greenlet that lives while there are any.
"""

from __future__ import annotations

import random
import time
from _socket import SHUT_WR, socket
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gevent
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Protocol, Side, State

from backend.realtime.pace import Pace
from backend.realtime.transport.frames import (
    HEARTBEAT_SECONDS,
    MAX_FRAME_BYTES,
    PING,
    PONG_HEAD,
    REASONS,
    Close,
    close_frame,
    ending_of,
)
from backend.realtime.transport.write_buffer import Outbox

if TYPE_CHECKING:
    from backend.realtime.hub import Hub
    from backend.realtime.places import ConversationRef
    from backend.realtime.right import Right

READ = 1
MAX_WAITING_FRAMES = 64
"""How many frames of one client may wait to be done; reading pauses above it."""

CLOSING_SECONDS, SLOW_CLOSING_SECONDS = 3.0, 30.0
"""How long a client has to hear why it was closed; one that reads slowly has more to read before."""

FINISHING_SECONDS = 8.0
"""How long what came before a client's goodbye may take. Chromium waits 10 s for the answer to its own."""


class Connection:
    """A WebSocket that is open. What is written waits for `begin`, and so does what the client says.

    `close` is safe to call at any time, more than once. What the client itself ends, by a goodbye or by what the protocol
    forbids, ends once all that it sent before is done and answered; its rights hold until then.
    """

    __slots__ = (
        "_ending", "_fragments", "_hub", "_io_read", "_is_paused", "_is_working", "_out", "_pace", "_protocol", "_socket",
        "_waiting", "client_id", "conversations", "heard_at", "is_open", "opened_at", "pinged_at", "place", "right", "uid",
    )  # fmt: skip

    def __init__(self, hub: Hub, sock: socket, right: Right, client_id: str, uid: str, place: ConversationRef | None):
        self._hub = hub
        self._socket = sock
        self._out = Outbox(self, sock)
        self.right = right
        self.client_id = client_id
        self.uid = uid
        self.place = place
        self.conversations: set[str] = set()
        self.is_open = True
        self.opened_at = time.time()
        self.heard_at = time.monotonic()
        # Those who come together, as after a restart, are not to be pinged together, and to answer together, ever after.
        self.pinged_at = self.heard_at - random.uniform(0, HEARTBEAT_SECONDS)  # noqa: S311
        self._protocol = Protocol(Side.SERVER, state=State.OPEN, max_size=MAX_FRAME_BYTES, logger=hub.quiet)
        self._fragments: bytearray | None = None
        self._waiting: deque[bytes] | None = None
        self._ending: tuple[int, str] | None = None
        self._is_working, self._is_paused = False, True
        self._pace = Pace(self.heard_at)
        self._io_read: Any = gevent.get_hub().loop.io(sock.fileno(), READ)

    @property
    def user_id(self) -> int:
        return self.right.user_id

    @property
    def may_read(self) -> bool:
        """Whether it is told anything of others: a token that only writes is not."""
        return "read" in self.right.scopes

    # -- out

    def begin(self, ready: bytes) -> None:
        """Send *ready*, and then what was written before it; and begin to read."""
        try:
            self._out.release(ready)
        except OSError:
            self.drop()
        self._read_on()

    def write(self, data: bytes) -> None:
        """Send whole frames, now or as soon as the client reads. One who falls too far behind is closed."""
        if self.is_open:
            try:
                if not self._out.write(data):
                    self._hub.metrics["too_slow"] += 1
                    self._out.cut()
                    self.close(Close.TOO_SLOW)
            except OSError:
                self._lose()

    def wait_for_room(self, seconds: float) -> None:
        """Wait until the client has read what it was sent, so that much can be sent to it piece by piece."""
        self._out.wait(seconds)

    def writable(self) -> None:
        """The loop says that the client reads on."""
        self._out.flush()
        self._half_close()

    def ping(self, now: float) -> None:
        """Ask for a sign of life. Any frame is one."""
        self.pinged_at = now
        self.write(PING)

    # -- in

    def guarded(self, callback: Callable[[], None]) -> None:
        """What the loop calls must never raise into it."""
        try:
            callback()
        except OSError:
            self._lose()
        except Exception:
            self._hub.log.exception("a socket failed")
            self.drop()

    def _readable(self) -> None:
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return
        if not data:
            self._lose()
            return
        protocol = self._protocol
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Frame) and self.is_open and self._ending is None:
                self._take(event)
        # The library's own goodbye would come before the answers to what the client sent, and with codes of its own.
        if pongs := b"".join(data for data in protocol.data_to_send() if data[:1] == PONG_HEAD):
            self.write(pongs)
        if protocol.eof_sent:
            self._finish(*ending_of(protocol))
            self._half_close()

    def _take(self, frame: Frame) -> None:
        now = time.monotonic()
        self.heard_at = now
        if self._hub.limits_frames and not self._pace.allows(now):
            self._finish(Close.TOO_MANY_FRAMES, REASONS[Close.TOO_MANY_FRAMES])
        elif frame.opcode is Opcode.BINARY:
            self._finish(CloseCode.UNSUPPORTED_DATA, "text frames only")
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            self._gather(bytes(frame.data), frame.fin)

    def _gather(self, data: bytes, is_last: bool) -> None:
        if self._fragments is not None or not is_last:
            self._fragments = bytearray() if self._fragments is None else self._fragments
            self._fragments += data
            if not is_last:
                return
            data, self._fragments = bytes(self._fragments), None
        try:
            data.decode()
        except UnicodeDecodeError:
            self._finish(CloseCode.INVALID_DATA, "text that is not UTF-8")
            return
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(data)
        if len(self._waiting) >= MAX_WAITING_FRAMES:
            self._pause()
        if not self._is_working:
            self._is_working = True
            gevent.spawn(self._work)

    def _work(self) -> None:
        """Do what waits, in order; what came together is done together."""
        try:
            while self._waiting and self.is_open:
                batch, self._waiting = list(self._waiting), deque()
                self._hub.perform(self, batch)
                self._read_on()
        except Exception:
            self._hub.log.exception("a client's frames failed")
            self.close(CloseCode.INTERNAL_ERROR)
        finally:
            self._is_working, self._waiting = False, None
        if self._ending is not None:
            self._end_as_asked()

    def _pause(self) -> None:
        self._is_paused = True
        self._io_read.stop()

    def _read_on(self) -> None:
        if self.is_open and self._is_paused and self._ending is None:
            self._is_paused = False
            self._io_read.start(self.guarded, self._readable)

    # -- the end

    def _finish(self, code: int, reason: str = "") -> None:
        """Take nothing more from the client, and end with *code* once all that it sent before is done."""
        if not self.is_open or self._ending is not None:
            return
        self._ending = (code, reason)
        self._pause()
        if self._is_working:
            self._hub.closing[self] = time.monotonic() + FINISHING_SECONDS
        else:
            self._end_as_asked()

    def _end_as_asked(self) -> None:
        if self.is_open and self._ending is not None:
            code, reason = self._ending
            if code == CloseCode.ABNORMAL_CLOSURE:
                self.drop()
            else:
                self.close(code, reason)

    def _lose(self) -> None:
        """The client is gone without a goodbye. What it sent before is done all the same."""
        if self.is_open and self._is_working:
            self._out.stop()
            self._finish(CloseCode.ABNORMAL_CLOSURE)
        else:
            self.drop()

    def late(self) -> None:
        """The clock says that the end takes too long. Where work is left, the client hears that it was not all done."""
        if self.is_open:
            self.close(Close.RESTARTING, "not all was done in time")
        else:
            self.drop()

    def close(self, code: int, reason: str | None = None) -> None:
        """Say why, then end; the client has a while to hear it and to say goodbye."""
        if not self.is_open:
            return
        self._end(SLOW_CLOSING_SECONDS if code == Close.TOO_SLOW else CLOSING_SECONDS)
        reason = REASONS.get(code, "") if reason is None else reason
        try:
            self._out.release()
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(code, reason)
                self._out.write(b"".join(self._protocol.data_to_send()), is_last=True)
            else:
                self._out.write(close_frame(code, reason), is_last=True)
            self._half_close()
        except OSError:
            self.drop()

    def _end(self, seconds: float) -> None:
        """Take part no longer. Whoever does not end the stream within *seconds* is dropped by the clock."""
        self.is_open = False
        self._hub.forget(self)
        self._hub.closing[self] = time.monotonic() + seconds
        if self._is_paused and self._io_read is not None:
            self._io_read.start(self.guarded, self._readable)  # to hear the other side's goodbye

    def _half_close(self) -> None:
        """Once both have said goodbye and all is out, end our side alone, and wait for the other.

        To close outright while bytes are unread would take back what the client has yet to read.
        """
        if not self.is_open and self._protocol.eof_sent and self._out.is_empty:
            self._socket.shutdown(SHUT_WR)

    def drop(self) -> None:
        """The end without a word. Nothing is written or read after this."""
        self.is_open = False
        self._hub.forget(self)
        self._hub.closing.pop(self, None)
        self._out.stop()
        if self._io_read is not None:
            self._io_read.stop()
            self._io_read.close()
            self._io_read = None
            self._socket.close()
