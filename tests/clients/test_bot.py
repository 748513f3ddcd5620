"""The bot of examples/: it answers each mention once, also if it is killed at any moment."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.openapi.node import ROOT as NODE
from tests.processes import end, spawn, tail, wait_until
from tests.realtime.client import Api
from tests.realtime.conftest import Deployment
from tests.servers import ROOT

FAILING = """
import { Confab as Library } from './library.js';

/** The library, whose first look at the messages of a conversation fails. */
export class Confab extends Library {
  constructor(options) {
    super(options);
    const { api } = this;
    const all = api.all.bind(api);
    api.all = (path) => {
      if (!path.includes('after=')) return all(path);
      api.all = all;
      return Promise.reject(new Error('the server is away'));
    };
  }
}
"""


class Bot:
    """The bot as a process of Node, in a folder of its own with the files of the server."""

    def __init__(self, deployment: Deployment, folder: Path):
        self.api = deployment.user()
        self.name = self.api("GET", "/api/users/me")["username"]
        token = self.api("POST", "/api/auth/tokens", {"name": "bot"})["token"]
        self._folder, self._log = folder, folder / "log"
        self._env = {"PATH": os.environ["PATH"], "CONFAB_URL": deployment.url, "CONFAB_TOKEN": token}
        self._process: subprocess.Popen[bytes] | None = None
        shutil.copy(ROOT / "examples" / "bot.mjs", folder)
        for name in ("confab.js", "confab-node.js"):
            (folder / name).write_bytes(requests.get(f"{deployment.url}/{name}", timeout=15).content)

    def start(self) -> None:
        self._log.write_text("")
        self._process = spawn([NODE / "bin" / "node", "bot.mjs"], log=self._log, cwd=self._folder, env=self._env)
        with self.explained():
            wait_until(lambda: f"{self.name} listens" in self.log(), "the bot listens", 30)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """A block whose failure shows what the bot wrote."""
        try:
            yield
        except TimeoutError as error:
            code = self._process.poll() if self._process is not None else "not started"
            raise AssertionError(f"{error}; exit code of the bot: {code}\n{tail(self._log)}") from error

    def log(self) -> str:
        """What the bot wrote since its last start."""
        return self._log.read_text()

    def break_first_look(self) -> None:
        """From the next start on, the bot's first call for messages fails."""
        (self._folder / "confab.js").rename(self._folder / "library.js")
        (self._folder / "confab.js").write_text(FAILING)

    def kill(self) -> None:
        if self._process is not None:
            end(self._process, signal.SIGKILL)
            self._process = None

    def answers(self, conversation_id: str) -> Counter[int]:
        """How many answers of the bot each message has."""
        messages = self.api("GET", f"/api/chat/messages?conversation_id={conversation_id}&limit=100")
        return Counter(message["parent_id"] for message in messages if message["sender_id"] == self.api.id)


@pytest.fixture
def bot(deployment: Deployment, tmp_path: Path) -> Bot:
    return Bot(deployment, tmp_path)


def mention(api: Api, bot: Bot, room: str) -> int:
    """Mention the bot, after a message that does not. Returns the id of the mention."""
    api.send("nothing for the bot", conversation_id=room)
    return int(api.send(f"@{bot.name} are you there?", conversation_id=room)["id"])


def test_the_bot_answers_each_mention_once_although_it_is_killed(bot: Bot, deployment: Deployment) -> None:
    person = deployment.user()
    room = person.room(bot.api)["conversation_id"]
    mentions = [mention(person, bot, room)]
    try:
        for answered in range(4):
            bot.start()
            before = bot.answers(room).total()
            mentions += [mention(person, bot, room) for _ in range(3)]
            with bot.explained():
                wait_until(lambda: bot.answers(room).total() >= before + answered, f"{answered} answers")  # noqa: B023
            bot.kill()
            mentions.append(mention(person, bot, room))  # while it is away
        newer = person.room(bot.api)["conversation_id"]  # a conversation that it does not know
        first = mention(person, bot, newer)
        bot.start()
        with bot.explained():
            wait_until(lambda: set(bot.answers(room)) >= set(mentions), "each mention has an answer")
            wait_until(lambda: bot.answers(newer)[first], "the mention in the new room has an answer")
            last = mention(person, bot, room)
            wait_until(lambda: bot.answers(room)[last], "it answers at once")
    finally:
        bot.kill()
    assert bot.answers(room) == Counter([*mentions, last])
    assert bot.answers(newer) == Counter([first])


def test_the_bot_tries_again_after_a_failed_call(bot: Bot, deployment: Deployment) -> None:
    person = deployment.user()
    room = person.room(bot.api)["conversation_id"]
    bot.break_first_look()
    try:
        bot.start()
        mentioned = mention(person, bot, room)
        with bot.explained():
            wait_until(lambda: "the server is away" in bot.log(), "the failure")
            wait_until(lambda: bot.answers(room)[mentioned], "the mention has an answer")
    finally:
        bot.kill()
