"""Writers, which send, change and pin messages until they are stopped, and record what the server acknowledged."""

from __future__ import annotations

import random
import time
from threading import Event

import requests
from websockets.exceptions import WebSocketException

from tests.attachments.files import image, small_file
from tests.chaos.expected import Expected
from tests.chaos.readers import Findings, RecordingClient
from tests.realtime.client import Api, Frame

UNREACHABLE = (OSError, EOFError, WebSocketException, TimeoutError)
PAUSE_SECONDS = 0.05
"""How long a client pauses while a fault is active."""

UNAVAILABLE: Frame = {"type": "error", "code": "unavailable"}


class Writer:
    """Sends one message after the other to *room* as *api*, and repeats one that was not acknowledged under the same key.

    The keys are the writer's *number* and the number of the message. A message has attachments with the probability
    *attachment_chance*. After each send the writer changes one of its messages with the probability *change_chance*. The *owner*
    of the room pins it. What contradicts an acknowledgement is added to *found*.

    `acknowledged` has the messages as they were acknowledged, and `expected` what their changes made of them, by key. `changed`,
    `pinned` and `uploaded` count what was acknowledged. Only the thread of `run` changes these.
    """

    def __init__(
        self,
        number: int,
        api: Api,
        owner: Api,
        room: Frame,
        found: Findings,
        change_chance: float,
        attachment_chance: float,
    ):
        self.number, self.api, self.owner, self.room, self.found = number, api, owner, room, found
        self.change_chance, self.attachment_chance = change_chance, attachment_chance
        self.acknowledged: dict[str, Frame] = {}
        self.expected: dict[str, Expected] = {}
        self.changed = self.pinned = self.uploaded = 0
        self.is_over = Event()
        self._random = random.Random(number)
        self._socket: RecordingClient | None = None

    def run(self) -> None:
        """Write until `is_over` is set."""
        try:
            while not self.is_over.is_set():
                if self._send(f"w{self.number}-{len(self.acknowledged)}", self._upload_some()):
                    self._change_one()
        finally:
            self._disconnect()

    def _send(self, key: str, attachments: list[Frame]) -> bool:
        """Send a message until it is acknowledged. Returns False if that does not happen before the end."""
        fields = {"attachment_ids": [each["id"] for each in attachments]} if attachments else {}
        while not self.is_over.is_set():
            try:
                message = self._connect().send(key, room_id=self.room["id"], client_message_id=key, **fields)
            except (*UNREACHABLE, AssertionError):
                self._disconnect()
                time.sleep(PAUSE_SECONDS)
                continue
            self.expected[key] = Expected(self.api.id, message["id"], key, attachments=attachments)
            self.acknowledged[key] = message
            if message["attachments"] != attachments:
                self.found.add("lost", f"{key} was sent with {attachments}, and acknowledged as {message}")
            return True
        return False

    def _upload_some(self) -> list[Frame]:
        """Upload the attachments of the next message. An upload that is not acknowledged is repeated, and its file never sent."""
        chance, uploaded = self._random, list[Frame]()
        count = chance.randint(1, 3) if chance.random() < self.attachment_chance else 0
        while len(uploaded) < count and not self.is_over.is_set():
            try:
                uploaded.append(self.api.upload(*chance.choice([small_file, image])(chance)))
            except (requests.RequestException, AssertionError):
                time.sleep(PAUSE_SECONDS)
        self.uploaded += len(uploaded)
        return uploaded

    def _change_one(self) -> None:
        """Change one message at random, or none, and repeat the change until it is acknowledged."""
        changeable = [each for each in self.expected.values() if not each.is_deleted]
        if not changeable or self._random.random() > self.change_chance:
            return
        target = self._random.choice(changeable)
        frame, changed = target.change(self._random)
        while not self.is_over.is_set():
            answer = self._change(target, frame)
            if answer["type"] != "error":
                self.expected[changed.key] = changed
                self.changed += 1
                self.pinned += frame["type_"] in ("pin", "unpin")
                return
            if answer["code"] != "unavailable":
                self.found.add("lost", f"{target} could not be changed by {frame}: {answer}")
                return
            time.sleep(PAUSE_SECONDS)
        target.is_uncertain = True

    def _change(self, target: Expected, frame: Frame) -> Frame:
        """Try a change once. Returns the answer, or `UNAVAILABLE` if the server gave none."""
        try:
            if frame["type_"] in ("pin", "unpin"):
                return self._set_pin(target, frame["type_"])
            return self._connect().call(**frame)
        except requests.RequestException:
            return UNAVAILABLE
        except (*UNREACHABLE, AssertionError):
            self._disconnect()
            return UNAVAILABLE

    def _set_pin(self, target: Expected, kind: str) -> Frame:
        """Pin or unpin a message as the owner of the room. Returns the answer as the socket would return it."""
        path = f"{self.owner.url}/api/chat/messages/{target.message_id}/pin"
        headers = {"Authorization": f"Bearer {self.owner.token}"}
        answer = requests.request("PUT" if kind == "pin" else "DELETE", path, headers=headers, timeout=10)
        if not answer.ok:
            return {"type": "error", "code": answer.json()["code"]}
        message: Frame = answer.json()
        if message["is_pinned"] != (kind == "pin"):
            self.found.add("lost", f"{kind} was acknowledged with {message}")
        return {"type": "ack", "message": message}

    def _connect(self) -> RecordingClient:
        """The socket of this writer, which is opened if there is none."""
        if self._socket is None:
            self._socket = RecordingClient(self.api.url, self.api.token, Findings())
        return self._socket

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
