"""From the frames of one client to its messages."""

from __future__ import annotations

from websockets.frames import CloseCode, Frame, Opcode

from backend.realtime.transport.frame_rate import TokenBucket
from backend.realtime.transport.frames import REASONS, Close


class RefusedFrame(Exception):
    """A frame that ends the connection, with this close code and reason."""

    def __init__(self, code: int, reason: str):
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class MessageAssembler:
    """Joins fragments (RFC 6455, section 5.4), and checks that frames are text, in UTF-8 and not too many."""

    __slots__ = ("_bucket", "_fragments")

    def __init__(self, now: float, *, is_rate_limited: bool):
        self._bucket = TokenBucket(now) if is_rate_limited else None
        self._fragments: bytearray | None = None

    def accept(self, frame: Frame, now: float) -> bytes | None:
        """The message that *frame* completes, or None. Raises RefusedFrame."""
        if self._bucket is not None and not self._bucket.take(now):
            raise RefusedFrame(Close.TOO_MANY_FRAMES, REASONS[Close.TOO_MANY_FRAMES])
        if frame.opcode is Opcode.BINARY:
            raise RefusedFrame(CloseCode.UNSUPPORTED_DATA, "text frames only")
        if frame.opcode not in (Opcode.TEXT, Opcode.CONT):
            return None
        data = bytes(frame.data)
        if self._fragments is not None or not frame.fin:
            self._fragments = bytearray() if self._fragments is None else self._fragments
            self._fragments += data
            if not frame.fin:
                return None
            data, self._fragments = bytes(self._fragments), None
        try:
            data.decode()
        except UnicodeDecodeError:
            raise RefusedFrame(CloseCode.INVALID_DATA, "text that is not UTF-8") from None
        return data
