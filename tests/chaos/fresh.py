"""A fresh read of the conversation after a campaign, and what differs from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

import requests

from tests.attachments.files import digest
from tests.chaos.expected import Expected
from tests.chaos.readers import Findings, Reader
from tests.realtime.client import Api, ContractViolation, Frame

START_SECONDS = 30.0
"""How long a server that was just killed may take to answer again."""

PERSONAL = ("is_read", "client_message_id")
"""The fields of a message that differ between its readers and its sender."""

Result = TypeVar("Result")


class FreshRead:
    """The conversation *name* as *api* reads it now. `messages` are by id, and `pinned` has the ids that the list of pins has."""

    def __init__(self, api: Api, name: str):
        self.api = api
        path = f"/api/chat/messages?conversation_id={name}&limit=100"
        self.messages = {message["id"]: message for message in self._all(path)}
        self.pinned = {message["id"] for message in self._all(f"{path}&pinned=true")}

    def compare_readers(self, readers: Iterable[Reader], found: Findings) -> None:
        """Add a finding for each message that a reader received in its present state, but with other content."""
        for number, reader in enumerate(readers):
            for id_, held in reader.held.items():
                fresh = self.messages.get(id_)
                if fresh is not None and held["modseq"] == fresh["modseq"] and _shared(held) != _shared(fresh):
                    found.add("stale", f"reader {number} holds {held}, and a fresh read has {fresh}")

    def compare_pins(self, found: Findings) -> None:
        """Add a finding for each message whose place in the list of pinned messages contradicts the message."""
        marked = {id_ for id_, message in self.messages.items() if message["is_pinned"]}
        for id_ in marked ^ self.pinned:
            kind = "is pinned and not in" if id_ in marked else "is not pinned and in"
            found.add("stale", f"message {id_} {kind} the list of pinned messages")

    def compare_attachments(self, expected: Collection[Expected], found: Findings) -> None:
        """Add a finding for each message without its acknowledged attachments, and for each download with other bytes."""
        for each in expected:
            fresh = self.messages.get(each.message_id)
            if fresh is not None and not each.is_uncertain and fresh["attachments"] != each.attachments:
                found.add("lost", f"{each} was acknowledged, and a fresh read has {fresh}")
        for message in self.messages.values():
            for file in message["attachments"]:
                self._compare_file(file, found)

    def _compare_file(self, file: Frame, found: Findings) -> None:
        for url in (file["url"], file["thumbnail_url"]):
            if url is not None:
                answer = self._get(url)
                if answer.status_code != 200 or (url == file["url"] and digest(answer.content) != file["filename"]):
                    found.add(
                        "altered", f"{url} has {answer.status_code} and {len(answer.content)} bytes, and is {file}"
                    )

    def _all(self, path: str) -> list[Frame]:
        messages: list[Frame] = []
        while page := self._page(f"{path}&after={messages[-1]['seq'] if messages else 0}"):
            messages += page
        return messages

    def _page(self, path: str) -> list[Frame]:
        answer = self._get(path)
        if answer.status_code != 200:
            raise ContractViolation(f"GET {path}: {answer.status_code} {answer.text}")
        page: list[Frame] = answer.json()
        return page

    def _get(self, path: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.api.token}"}
        return _once_started(lambda: requests.get(self.api.url + path, headers=headers, timeout=15))


def _shared(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name not in PERSONAL}


def _once_started(call: Callable[[], Result]) -> Result:
    """Repeat *call* while the server cannot be reached, for `START_SECONDS` at most."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return call()
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
