"""A client of the live socket, as strict as one can be.

Every frame is checked against docs/realtime.schema.json, and so is every frame of ours that the server accepts. Of each
conversation the modseqs must rise: a number that comes twice, or after a later one, is a failure wherever it comes. `missing`
compares what was seen with what the database has.
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

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs/realtime.schema.json").read_text())


def _validators_of(side: str) -> dict[str, jsonschema_rs.Draft202012Validator]:
    """How the frames of one side are checked, by their type."""
    return {
        name.removeprefix(side): jsonschema_rs.Draft202012Validator(
            {"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}, validate_formats=True
        )
        for name in SCHEMA["$defs"]
        if name.startswith(side)
    }


_from_server, _from_client = _validators_of("server."), _validators_of("client.")
Frame = dict[str, Any]
opened: set[LiveClient] = set()
"""What a test leaves open is closed behind it."""
DURABLE = ("message.", "member.")


class Broken(AssertionError):
    """The server broke a promise."""


def check(frame: Frame, validators: dict[str, jsonschema_rs.Draft202012Validator] = _from_server) -> Frame:
    """*frame*, if it is one that the schema knows."""
    validator = validators.get(frame.get("type", ""))
    if validator is None:
        raise Broken(f"no such frame in the schema: {frame}")
    faults = [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(frame)]
    if faults:
        raise Broken(f"{faults} in {frame}")
    return frame


class LiveClient:
    """One socket of one user. `events` is everything that came, in order; `unread` what no `expect` has taken yet."""

    def __init__(self, url: str, token: str, client_id: str | None = None, *, ready: bool = True, **options: Any):
        self.client_id = client_id or secrets.token_hex(4)
        self.events: list[Frame] = []
        self.unread: list[Frame] = []
        self.modseqs: dict[str, int] = {}
        self.seen: dict[str, dict[int, Frame]] = defaultdict(dict)
        self._ids = itertools.count(1)
        self._said: dict[str, Frame] = {}
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
        opened.add(self)
        try:
            self.ready: Frame = self._greeting() if ready else {}
        except BaseException:
            self.close()
            raise

    # -- receiving

    def _greeting(self) -> Frame:
        greeting = self.expect("ready")
        if self.events[0] is not greeting:
            raise Broken(f"not `ready` first but {self.events[0]}")
        return greeting

    def receive(self, timeout: float = 5) -> Frame:
        """The next frame, checked and noted. Raises TimeoutError, and ConnectionClosed."""
        text = self.socket.recv(timeout=timeout)
        if not isinstance(text, str):
            raise Broken(f"a binary frame: {text!r}")
        frame = check(json.loads(text))
        said = self._said.pop(frame.get("id", ""), None)
        if said is not None and frame["type"] != "error":
            check(said, _from_client)  # what the server accepts, the schema must know
        self.events.append(frame)
        self._note(frame)
        return frame

    def _note(self, frame: Frame) -> None:
        if frame["type"].startswith(DURABLE):
            name, modseq = frame["conversation_id"], frame["modseq"]
            if modseq <= self.modseqs.get(name, 0):
                raise Broken(f"{modseq} of {name} after {self.modseqs[name]}")
            self.modseqs[name] = modseq
            self.seen[name][modseq] = frame
            if "message" in frame and (frame["message"]["modseq"], frame["message"]["conversation_id"]) != (
                modseq,
                name,
            ):
                raise Broken(f"the event and its message disagree: {frame}")
        elif frame["type"] == "resumed":
            for row in frame["conversations"]:
                for what in (*row["messages"], *row["members"]):
                    self.seen[row["id"]][what["modseq"]] = what
                last = row["messages"][-1]["modseq"] if row["truncated"] else row["last_modseq"]
                self.modseqs[row["id"]] = last

    def expect(self, type_: str, timeout: float = 5, **match: Any) -> Frame:
        """The next frame of this type with these members; others wait for their own `expect`."""

        def fits(frame: Frame) -> bool:
            return frame["type"] == type_ and all(frame.get(key) == value for key, value in match.items())

        return self.until(fits, f"{type_} {match}", timeout)

    def until(self, fits: Callable[[Frame], bool], what: str, timeout: float = 5) -> Frame:
        """The next frame that fits."""
        for frame in self.unread:
            if fits(frame):
                self.unread.remove(frame)
                return frame
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            try:
                frame = self.receive(left)
            except TimeoutError:
                break
            if fits(frame):
                return frame
            self.unread.append(frame)
        raise TimeoutError(f"no {what} within {timeout} s; there are {[f['type'] for f in self.unread]}")

    def message(self, content: str, timeout: float = 5) -> Frame:
        """The `message.created` with this content."""
        is_it = f"a message {content!r}"
        return self.until(
            lambda f: f["type"] == "message.created" and f["message"]["content"] == content, is_it, timeout
        )

    def drain(self, seconds: float = 0.2) -> list[Frame]:
        """Everything that comes until nothing has come for *seconds*, with what was left unread."""
        try:
            while True:
                self.unread.append(self.receive(seconds))
        except TimeoutError:
            pass
        frames, self.unread = self.unread, []
        return frames

    def sync(self) -> list[Frame]:
        """What came before the answer to a ping, which is everything that was said before it."""
        self.call("ping")
        frames, self.unread = self.unread, []
        return frames

    def closed(self, timeout: float = 5) -> int:
        """Read to the end, and return the close code."""
        deadline = time.monotonic() + timeout
        try:
            while True:
                self.unread.append(self.receive(max(0.01, deadline - time.monotonic())))
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd is not None else 1006

    # -- sending

    def say(self, type_: str, **fields: Any) -> str:
        """Send a frame without waiting for its answer, and return its id."""
        id_ = f"{type_}-{next(self._ids)}"
        self._said[id_] = {"type": type_, "id": id_, **fields}
        self.socket.send(json.dumps(self._said[id_]))
        return id_

    def answer(self, id_: str, timeout: float = 10) -> Frame:
        """The answer to the frame *id_*."""
        return self.until(lambda frame: frame.get("id") == id_, f"answer to {id_}", timeout)

    def call(self, type_: str, **fields: Any) -> Frame:
        """Send a frame, and return its answer."""
        return self.answer(self.say(type_, **fields))

    def send(self, content: str, **fields: Any) -> Frame:
        """Send a message, and return it as it was acknowledged."""
        answer = self.call("send", content=content, **fields)
        if answer["type"] != "ack":
            raise Broken(f"not sent: {answer}")
        message: Frame = answer["message"]
        return message

    def speak(self, contents: Iterable[str], **fields: Any) -> None:
        """Send many messages, at most 50 of them unacknowledged."""
        waiting: deque[str] = deque()
        for content in contents:
            waiting.append(self.say("send", content=content, **fields))
            if len(waiting) == 50:
                self.answer(waiting.popleft(), 30)
        for id_ in waiting:
            self.answer(id_, 30)

    def resume(self, seen: dict[str, int] | None = None, timeout: float = 20) -> list[Frame]:
        """Ask for what was missed, and return the pages."""
        id_ = self.say("resume", conversations=seen or {})
        pages = [self.answer(id_, timeout)]
        while pages[-1]["type"] == "resumed" and not pages[-1]["done"]:
            pages.append(self.answer(id_, timeout))
        return pages

    def close(self) -> None:
        """Say goodbye. Safe to repeat."""
        self._stack.close()
        opened.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def missing(client: LiveClient, name: str, since: int, rows: list[Frame]) -> list[Frame]:
    """Those of *rows* (messages or memberships, as /sync answers them) behind *since* whose last state the client never saw."""
    return [row for row in rows if row["modseq"] > since and row["modseq"] not in client.seen[name]]


class Api:
    """REST beside the socket, for one user."""

    def __init__(self, url: str, token: str, id_: int):
        self.url = url
        self.token = token
        self.id = id_

    def __call__(self, method: str, path: str, json: Any = None, *, status: int | None = None) -> Any:
        """Call it; the answer's JSON. Raises Broken for an answer that is an error, or is not *status*."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.request(method, self.url + path, json=json, headers=headers, timeout=15)
        if answer.status_code != status if status is not None else not answer.ok:
            raise Broken(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def live(self, client_id: str | None = None, **options: Any) -> LiveClient:
        """A socket of this user."""
        return LiveClient(self.url, self.token, client_id, **options)

    def room(self, *members: Api, **fields: Any) -> Frame:
        """A room of this user's, with *members*."""
        room: Frame = self("POST", "/api/rooms", {"name": "room", **fields})
        for member in members:
            self("PUT", f"/api/rooms/{room['id']}/members/{member.id}")
        return room

    def send(self, content: str, **fields: Any) -> Frame:
        """Send a message over REST."""
        message: Frame = self("POST", "/api/chat/send", {"content": content, **fields})
        return message
