"""A client that keeps the messages of its conversations, by the rule of docs/realtime.md: same id, higher modseq wins."""

from __future__ import annotations

import requests
from websockets.exceptions import WebSocketException

from tests.realtime.client import Api, ContractViolation, Frame, LiveClient

UNREACHABLE = (OSError, EOFError, WebSocketException, TimeoutError, requests.RequestException)


class Replica:
    """One client's copy of what its user may see. It is brought up to date by events, by `resume` and by /sync, in any mix."""

    def __init__(self, api: Api):
        self.api = api
        self.socket: LiveClient | None = None
        self.messages: dict[str, dict[int, Frame]] = {}
        self.positions: dict[str, int] = {}
        self._applied = 0

    # -- by events

    def connect(self) -> None:
        """Open a socket, and resume from the positions of this client."""
        self.disconnect()
        try:
            self.socket, self._applied = self.api.live(), 0
            pages = self.socket.resume(dict(self.positions))
            self._apply_received()
            if pages[-1]["type"] == "error":
                self.disconnect()
        except UNREACHABLE:
            self.disconnect()

    def disconnect(self) -> None:
        """Close the socket without reading the rest of its stream."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def receive(self, seconds: float = 0.0) -> None:
        """Apply the frames that have arrived; disconnect where the server closed the socket."""
        if self.socket is None:
            return
        try:
            self.socket.drain(max(seconds, 0.001))
        except UNREACHABLE:
            self._apply_received()
            self.disconnect()
        else:
            self._apply_received()

    def _apply_received(self) -> None:
        """Apply the frames that arrived since the last call, in order."""
        assert self.socket is not None
        frames, self._applied = self.socket.events[self._applied :], len(self.socket.events)
        for frame in frames:
            if frame["type"] == "resumed":
                for row in frame["conversations"]:
                    self._merge_row(row)
            elif frame["type"].startswith(("message.", "member.")):
                if "message" in frame:
                    self._merge(frame["message"])
                self.positions[frame["conversation_id"]] = frame["modseq"]

    # -- by /sync

    def sync(self) -> None:
        """Catch up over REST, page by page."""
        is_complete = False
        while not is_complete:
            try:
                answer = self.api("POST", "/api/chat/sync", {"conversations": self.positions})
            except (*UNREACHABLE, ContractViolation):
                return
            for row in answer["conversations"]:
                self._merge_row(row)
            is_complete = not any(row["truncated"] for row in answer["conversations"])

    def _merge_row(self, row: Frame) -> None:
        for message in row["messages"]:
            self._merge(message)
        changed = [each["modseq"] for each in (*row["messages"], *row["members"])]
        self.positions[row["id"]] = max(changed) if row["truncated"] else row["last_modseq"]

    def _merge(self, message: Frame) -> None:
        known = self.messages.setdefault(message["conversation_id"], {})
        if message["id"] not in known or message["modseq"] > known[message["id"]]["modseq"]:
            known[message["id"]] = message


def read_all(api: Api, conversation_id: str) -> dict[int, Frame]:
    """Every message of a conversation, read from the beginning."""
    found: dict[int, Frame] = {}
    after = 0
    while page := api("GET", f"/api/chat/messages?conversation_id={conversation_id}&after={after}&limit=100"):
        found |= {message["id"]: message for message in page}
        after = page[-1]["seq"]
    return found
