"""A strict client of the WebSocket.

It checks every frame that it receives against docs/realtime.schema.json, and every frame that it sent and the server accepted.
The modseqs of each conversation must rise: a repeated modseq, or one after a later one, fails the test. `missing` compares what
the client received with the rows of the database.
"""

from __future__ import annotations

import itertools
import json
import secrets
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import jsonschema_rs
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.json_schema import closed

SCHEMA = closed(json.loads((Path(__file__).resolve().parents[2] / "docs/realtime.schema.json").read_text()))
"""Without undocumented fields, which clients ignore and tests report."""


def _validators_of(side: str) -> dict[str, jsonschema_rs.Draft202012Validator]:
    """The validators of the frames of one side, by their type."""
    return {
        name.removeprefix(side): jsonschema_rs.Draft202012Validator(
            {"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}, validate_formats=True
        )
        for name in SCHEMA["$defs"]
        if name.startswith(side)
    }


from_server, from_client = _validators_of("server."), _validators_of("client.")
Frame = dict[str, Any]
open_clients: set[LiveClient] = set()
"""The clients that are open: those that a test leaves open are closed after it."""
DURABLE = ("message.", "member.")


class ContractViolation(AssertionError):
    """The server did not do what the contract says."""


def check(frame: Frame, validators: dict[str, jsonschema_rs.Draft202012Validator] = from_server) -> Frame:
    """Return *frame*. Raises ContractViolation where the schema does not allow it."""
    validator = validators.get(frame.get("type", ""))
    if validator is None:
        raise ContractViolation(f"the schema has no such frame: {frame}")
    faults = [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(frame)]
    if faults:
        raise ContractViolation(f"{faults} in {frame}")
    return frame


class LiveClient:
    """One socket of one user. `events` has every received frame, in order; `unread` those that no `expect` has returned yet."""

    def __init__(self, url: str, token: str, client_id: str | None = None, *, ready: bool = True, **options: Any):
        self.client_id = client_id or secrets.token_hex(4)
        self.events: list[Frame] = []
        self.unread: list[Frame] = []
        self.modseqs: dict[str, int] = {}
        self.seen: dict[str, dict[int, Frame]] = defaultdict(dict)
        self._ids = itertools.count(1)
        self._sent: dict[str, Frame] = {}
        address = f"{url.replace('http', 'ws', 1)}/ws/{self.client_id}?token={token}"
        options = {
            "open_timeout": 10,
            "close_timeout": 5,
            "max_size": None,
            "compression": None,
            "proxy": None,
            **options,
        }
        self._stack = ExitStack()
        self.socket: ClientConnection = self._stack.enter_context(connect(address, **options))
        open_clients.add(self)
        try:
            self.ready: Frame = self._expect_ready() if ready else {}
        except BaseException:
            self.close()
            raise

    # -- receiving

    def _expect_ready(self) -> Frame:
        ready = self.expect("ready")
        if self.events[0] is not ready:
            raise ContractViolation(f"the first frame is not `ready` but {self.events[0]}")
        return ready

    def receive(self, timeout: float = 5) -> Frame:
        """Check and record the next frame, and return it. Raises TimeoutError and ConnectionClosed."""
        text = self.socket.recv(timeout=timeout)
        if not isinstance(text, str):
            raise ContractViolation(f"a binary frame: {text!r}")
        frame = check(json.loads(text))
        sent = self._sent.pop(frame.get("id", ""), None)
        if sent is not None and frame["type"] != "error":
            check(sent, from_client)  # the schema must allow every frame that the server accepts
        self.events.append(frame)
        self._record(frame)
        return frame

    def _record(self, frame: Frame) -> None:
        if frame["type"].startswith(DURABLE):
            name, modseq = frame["conversation_id"], frame["modseq"]
            if modseq <= self.modseqs.get(name, 0):
                raise ContractViolation(f"received modseq {modseq} of {name} after {self.modseqs[name]}")
            self.modseqs[name] = modseq
            self.seen[name][modseq] = frame
            if "message" in frame and (frame["message"]["modseq"], frame["message"]["conversation_id"]) != (
                modseq,
                name,
            ):
                raise ContractViolation(f"the event and its message disagree: {frame}")
        elif frame["type"] == "resumed":
            for row in frame["conversations"]:
                for change in changes_of(row):
                    self.seen[row["id"]][change["modseq"]] = change
                self.modseqs[row["id"]] = end_of(row)

    def expect(self, type_: str, timeout: float = 5, **match: Any) -> Frame:
        """The next frame of this type with these fields. Other frames stay in `unread`."""

        def matches(frame: Frame) -> bool:
            return frame["type"] == type_ and all(frame.get(key) == value for key, value in match.items())

        return self.expect_where(matches, f"{type_} {match}", timeout)

    def expect_where(self, matches: Callable[[Frame], bool], what: str, timeout: float = 5) -> Frame:
        """The next frame for which *matches* is true. Raises TimeoutError, whose message calls the frame *what*."""
        for frame in self.unread:
            if matches(frame):
                self.unread.remove(frame)
                return frame
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            try:
                frame = self.receive(left)
            except TimeoutError:
                break
            if matches(frame):
                return frame
            self.unread.append(frame)
        raise TimeoutError(f"no {what} within {timeout} s; unread: {[f['type'] for f in self.unread]}")

    def expect_message(self, content: str, timeout: float = 5) -> Frame:
        """The `message.created` with this content."""
        return self.expect_where(
            lambda f: f["type"] == "message.created" and f["message"]["content"] == content,
            f"message {content!r}",
            timeout,
        )

    def drain(self, seconds: float = 0.2) -> list[Frame]:
        """Receive until no frame arrives for *seconds*. Returns the unread frames, and empties `unread`."""
        try:
            while True:
                self.unread.append(self.receive(seconds))
        except TimeoutError:
            pass
        frames, self.unread = self.unread, []
        return frames

    def sync(self) -> list[Frame]:
        """Receive up to the answer to a ping: every frame sent before it. Returns the unread frames, and empties `unread`."""
        self.call("ping")
        frames, self.unread = self.unread, []
        return frames

    def close_code(self, timeout: float = 5) -> int:
        """Receive until the connection is closed, and return the close code; 1006 where there was no close frame."""
        deadline = time.monotonic() + timeout
        try:
            while True:
                self.unread.append(self.receive(max(0.01, deadline - time.monotonic())))
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd is not None else 1006

    # -- sending

    def send_frame(self, type_: str, **fields: Any) -> str:
        """Send a frame, and return its id. Does not wait for the answer."""
        id_ = f"{type_}-{next(self._ids)}"
        self._sent[id_] = {"type": type_, "id": id_, **fields}
        self.socket.send(json.dumps(self._sent[id_]))
        return id_

    def answer(self, id_: str, timeout: float = 10) -> Frame:
        """The answer to the frame *id_*."""
        return self.expect_where(lambda frame: frame.get("id") == id_, f"answer to {id_}", timeout)

    def call(self, type_: str, **fields: Any) -> Frame:
        """Send a frame, and return its answer."""
        return self.answer(self.send_frame(type_, **fields))

    def send(self, content: str, **fields: Any) -> Frame:
        """Send a message, and return it as it was acknowledged."""
        answer = self.call("send", content=content, **fields)
        if answer["type"] != "ack":
            raise ContractViolation(f"not sent: {answer}")
        message: Frame = answer["message"]
        return message

    def send_many(self, contents: Iterable[str], **fields: Any) -> None:
        """Send many messages, at most 50 of them unacknowledged."""
        waiting: deque[str] = deque()
        for content in contents:
            waiting.append(self.send_frame("send", content=content, **fields))
            if len(waiting) == 50:
                self.answer(waiting.popleft(), 30)
        for id_ in waiting:
            self.answer(id_, 30)

    def resume(self, seen: dict[str, int] | None = None, timeout: float = 20) -> list[Frame]:
        """Resume from the modseqs *seen*, and return all pages."""
        id_ = self.send_frame("resume", conversations=seen or {})
        pages = [self.answer(id_, timeout)]
        while pages[-1]["type"] == "resumed" and not pages[-1]["done"]:
            pages.append(self.answer(id_, timeout))
        return pages

    def close(self) -> None:
        """Close the connection. Safe to repeat."""
        self._stack.close()
        open_clients.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def changes_of(row: Frame) -> list[Frame]:
    """The changes of a conversation in a page. Raises ContractViolation where they do not rise, or are behind its head."""
    for changes in (row["messages"], row["members"]):
        modseqs = [change["modseq"] for change in changes]
        if modseqs != sorted(set(modseqs)) or (modseqs and modseqs[-1] > row["last_modseq"]):
            raise ContractViolation(f"{row['id']} at {row['last_modseq']} has the modseqs {modseqs}")
    return [*row["messages"], *row["members"]]


def end_of(row: Frame) -> int:
    """The modseq up to which a page has every change of a conversation."""
    return int(max(change["modseq"] for change in changes_of(row)) if row["truncated"] else row["last_modseq"])


def missing(client: LiveClient, name: str, since: int, rows: list[Frame]) -> list[Frame]:
    """The *rows* (messages or memberships, as /sync answers them) after modseq *since* that the client did not receive.

    Those after its last event count: an event may still be on its way, so first receive what is expected last.
    """
    return [row for row in rows if row["modseq"] > since and row["modseq"] not in client.seen[name]]


class Api:
    """The REST API as one user calls it."""

    def __init__(self, url: str, token: str, id_: int):
        self.url = url
        self.token = token
        self.id = id_

    def __call__(self, method: str, path: str, json: Any = None, *, status: int | None = None) -> Any:
        """Call *path*, and return the JSON of the answer. Raises ContractViolation for an error, or a status but *status*."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.request(method, self.url + path, json=json, headers=headers, timeout=15)
        if answer.status_code != status if status is not None else not answer.ok:
            raise ContractViolation(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def upload(self, name: str, data: bytes) -> Frame:
        """Upload a file, and return the attachment."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.post(
            f"{self.url}/api/chat/attachments", files={"file": (name, data)}, headers=headers, timeout=15
        )
        if answer.status_code != 201:
            raise ContractViolation(f"upload: {answer.status_code} {answer.text}")
        attachment: Frame = answer.json()
        return attachment

    def live(self, client_id: str | None = None, **options: Any) -> LiveClient:
        """Open a socket of this user."""
        return LiveClient(self.url, self.token, client_id, **options)

    def room(self, *members: Api, **fields: Any) -> Frame:
        """Create a room that this user owns, and add *members*."""
        room: Frame = self("POST", "/api/rooms", {"name": "room", **fields})
        for member in members:
            self("PUT", f"/api/rooms/{room['id']}/members/{member.id}")
        return room

    def send(self, content: str, **fields: Any) -> Frame:
        """Send a message over REST."""
        message: Frame = self("POST", "/api/chat/send", {"content": content, **fields})
        return message
