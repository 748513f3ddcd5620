"""A case: its data, and the run of its steps."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance import invariants
from conformance.device import Device
from conformance.expectations import EXPECTATIONS, shown
from conformance.failure import Failure
from conformance.server import cues
from conformance.server.accounts import PASSWORD, Accounts
from conformance.server.server import HEARTBEAT, LIST_LIMIT, PAGE, Server
from conformance.server.world import World
from conformance.trace import Trace

FOLDER = Path(__file__).parent / "cases"
USERS = ["ann", "ben", "cas"]
ROOMS = {"room:1": ["ann*", "ben", "cas"], "room:2": ["ben*", "ann"]}
LIVE_SECONDS = 10


@dataclass(frozen=True)
class Case:
    """A case as its file describes it (docs/clients.md)."""

    name: str
    title: str
    promise: str
    steps: list[dict[str, Any]]
    needs: list[str] = field(default_factory=list)
    world: dict[str, Any] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    """What `token_wanted` is answered with, one after the other: `fresh`, `same`, `none`. The last one is repeated."""

    @classmethod
    def load(cls, path: Path) -> Case:
        """Raises TypeError for a field that does not exist or is missing."""
        return cls(path.stem, **json.loads(path.read_text()))


def all_cases() -> list[Case]:
    """Every case, by name."""
    return [Case.load(path) for path in sorted(FOLDER.glob("*.json"))]


@dataclass
class Result:
    """The outcome of one run. `skipped` has the capabilities that the adapter lacks."""

    case: Case
    trace: Trace
    failure: str | None = None
    skipped: list[str] = field(default_factory=list)
    seconds: float = 0


def make_world(described: dict[str, Any]) -> World:
    """The data of a case: users, rooms with members (`*`: admin) and messages."""
    accounts = Accounts(USERS, described.get("token_seconds", 900))
    world = World(accounts)
    for id_, members in (ROOMS | described.get("rooms", {})).items():
        ids = {accounts.named(member.rstrip("*")).id: member.endswith("*") for member in members}
        world.add_conversation(id_, ids, [user for user, is_admin in ids.items() if is_admin], f"Room {id_}")
    for id_, messages in described.get("messages", {}).items():
        texts = [f"ben: message {n}" for n in range(1, messages + 1)] if isinstance(messages, int) else messages
        for text in texts:
            name, content = text.split(": ", 1)
            world.send(accounts.named(name), {"conversation_id": id_, "content": content})
    return world


class Run:
    """One run of *case* with a server of its own and adapters of *command*. `texts` has the content of each sent message.

    Expectations wait *patience* times as long as the case says.
    """

    def __init__(
        self, case: Case, command: str, check: Callable[[str, dict[str, Any]], None] | None = None, patience: float = 1
    ):
        self.case = case
        self.trace = Trace()
        self.world = make_world(case.world)
        self.server = Server(self.world, self.trace, check)
        self.server.page = case.world.get("page", PAGE)
        self.server.heartbeat = case.world.get("heartbeat", HEARTBEAT)
        self.server.list_limit = case.world.get("list_limit", LIST_LIMIT)
        self.devices: dict[str, Device] = {}
        self.marks: dict[str, float] = {"start": 0.0}
        self.texts: dict[str, str] = {}
        self.opened: dict[str, list[tuple[str, str]]] = {}
        """The conversations that each device has opened, each with the tab. Those of a closed tab are gone."""
        self.users: dict[str, str] = {}
        self.patience = patience
        self._command = command
        self._folder = Path(tempfile.mkdtemp(prefix="confab-conformance-"))
        self._tokens = list(case.tokens)
        self._last_token: str | None = None

    async def run(self) -> Result:
        """Run all steps. Never raises for what the client does."""
        result = Result(self.case, self.trace)
        await self.server.open()
        try:
            first = await self._device("a")
            result.skipped = sorted(set(self.case.needs) - first.capabilities)
            if not result.skipped:
                for number, step in enumerate(self.case.steps, start=1):
                    self.trace.add("step", number=number, **step)
                    await self._step(step)
                await invariants.check(self)
        except Failure as failure:
            result.failure = str(failure)
        finally:
            for device in self.devices.values():
                await device.kill()
            await self.server.close()
            shutil.rmtree(self._folder, ignore_errors=True)
        result.seconds = self.trace.now()
        return result

    def since(self, mark: str | None) -> float:
        """The time of a mark, in seconds since the start."""
        return self.marks[mark or "start"]

    async def _device(self, name: str) -> Device:
        device = self.devices.get(name)
        if device is None:
            device = Device(name, self._command, self._folder / name, self.trace, self._token)
            self.devices[name] = device
        if not device.is_running:
            await device.launch()
        return device

    def _token(self) -> str | None:
        """The answer to `token_wanted`."""
        how = self._tokens.pop(0) if len(self._tokens) > 1 else (self._tokens or ["fresh"])[0]
        if how == "fresh":
            self._last_token = self.world.accounts.login("ann", PASSWORD)["access_token"]
        return None if how == "none" else self._last_token

    async def _step(self, step: dict[str, Any]) -> None:
        step = dict(step)
        name = step.pop("device", "a")
        match step:
            case {"begin": user}:
                await self._begin(name, user, step)
            case {"do": _}:
                await self._command_device(name, step)
            case {"cue": _}:
                await cues.carry_out(self.server, step)
            case {"expect": what}:
                arguments = {"is_" if key == "is" else key: value for key, value in step.items() if key != "expect"}
                await EXPECTATIONS[what](self, self.devices.get(name), **arguments)
            case {"mark": mark}:
                self.marks[mark] = self.trace.now()
            case {"wait": ms}:
                await asyncio.sleep(ms / 1000)
            case _:
                raise ValueError(f"{self.case.name}: {step} is no step")

    async def _begin(self, name: str, user: str, step: dict[str, Any]) -> None:
        """Start a client, sign in and wait until it is live. With a list of tokens the client is in getToken mode."""
        options = {key: value for key, value in step.items() if key != "begin"}
        await self._command_device(name, {"do": "start", **options})
        if not self.case.tokens:
            await self._command_device(name, {"do": "sign_in", "user": user})
        self.users[name] = user
        await shown.state(self, self.devices[name], "live", within=LIVE_SECONDS * 1000)

    async def _command_device(self, name: str, step: dict[str, Any]) -> None:
        device = await self._device(name)
        arguments = dict(step)
        do = arguments.pop("do")
        tab = arguments.get("tab", "1")
        if do == "kill":
            await device.kill()
            return
        if do == "start":
            arguments = {"url": self.server.url, "storage": str(device.storage), **arguments}
            arguments["mode"] = "get_token" if self.case.tokens else "password"
        elif do == "sign_in":
            self.users[name] = user = arguments.pop("user")
            arguments |= {"email": self.world.accounts.named(user).email, "password": PASSWORD}
        elif do in ("edit", "remove", "react", "unreact"):
            conversation = self.world.conversations[arguments["conversation"]]
            arguments["message_id"] = conversation.messages[arguments.pop("seq") - 1].id
        elif do == "open":
            self.opened.setdefault(name, []).append((arguments["conversation"], tab))
        elif do == "close_tab":
            self.opened[name] = [opened for opened in self.opened.get(name, []) if opened[1] != tab]
        elif do in ("retry", "cancel"):
            content = arguments.pop("content")
            arguments["client_message_id"] = next(key for key, text in self.texts.items() if text == content)
        answer = await device.call(do, **arguments)
        if do == "send":
            self._note_sent(arguments["content"], answer)

    def _note_sent(self, content: str, answer: Any) -> None:
        key = answer.get("client_message_id") if isinstance(answer, dict) else None
        if not isinstance(key, str) or not re.fullmatch(r".{1,64}", key):
            raise Failure(f"send must answer with client_message_id, of 1 to 64 characters, and answered {answer}")
        if key in self.texts:
            raise Failure(f"two messages have the same client_message_id, {key}")
        self.texts[key] = content
