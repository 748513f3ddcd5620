"""Each client's copy, built from any mix of events and syncs, equals a fresh read after random changes and kills of workers."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from tests.processes import wait_until
from tests.realtime.client import Api, ContractViolation, Frame
from tests.realtime.conftest import Deployment
from tests.realtime.replica import UNREACHABLE, Replica, read_all

SEED, STEPS = 1, 150
KILLS = (50, 100)
"""The steps before which a worker is killed, if there are two. A new one takes a second of CPU time to start."""
EMOJI = "👍🎉😀"


class RandomOperations:
    """Random operations of three users in a room and a direct conversation."""

    def __init__(self, deployment: Deployment):
        self.deployment, self.rng = deployment, random.Random(SEED)
        self.users = [deployment.user() for _ in range(3)]
        room = self.users[0].room(*self.users[1:])
        for user in self.users[1:]:
            self.users[0]("PATCH", f"/api/rooms/{room['id']}/members/{user.id}", {"is_admin": True})
        self.targets: list[dict[str, Any]] = [{"room_id": room["id"]}, {"recipient_id": self.users[1].id}]
        self.names: list[str] = [room["conversation_id"]]
        self.sent: list[tuple[Api, Frame]] = []
        self.replicas = [Replica(user) for user in self.users for _ in range(2)]
        self.operations: list[tuple[int, Callable[[], None]]] = [
            (8, self.send), (3, self.reply), (6, self.edit), (2, self.delete), (8, self.react), (4, self.unreact),
            (3, self.pin), (4, self.connect), (3, self.disconnect), (3, self.sync), (10, self.receive),
        ]  # fmt: skip

    def run(self) -> None:
        self.send()
        weights = [weight for weight, _ in self.operations]
        for step in range(STEPS):
            if step in KILLS and self.deployment.redis is not None:
                self.kill_a_worker()
            [(_, operation)] = self.rng.choices(self.operations, weights)
            try:
                operation()
            except (*UNREACHABLE, ContractViolation):
                continue  # a worker was killed; the fresh read shows whether the call took effect

    # -- messages

    def send(self, **fields: Any) -> None:
        target = fields or self.rng.choice(self.targets)
        author = self.users[0] if "recipient_id" in target else self.rng.choice(self.users)
        message = author.send(f"message {len(self.sent)}", **target)
        self.sent.append((author, message))
        if message["conversation_id"] not in self.names:
            self.names.append(message["conversation_id"])

    def reply(self) -> None:
        _, message = self.rng.choice(self.sent)
        self.send(conversation_id=message["conversation_id"], parent_id=message["id"])

    def edit(self) -> None:
        author, message = self.rng.choice(self.sent)
        author("PATCH", self._path(message), {"content": f"edit {self.rng.random()}"})

    def delete(self) -> None:
        author, message = self.rng.choice(self.sent)
        author("DELETE", f"{self._path(message)}?hard={self.rng.choice(['true', 'false'])}")

    def react(self) -> None:
        self._of_member("PUT", f"/reactions/{quote(self.rng.choice(EMOJI))}")

    def unreact(self) -> None:
        self._of_member("DELETE", f"/reactions/{quote(self.rng.choice(EMOJI))}")

    def pin(self) -> None:
        self._of_member(self.rng.choice(["PUT", "DELETE"]), "/pin")

    def _of_member(self, method: str, path: str) -> None:
        _, message = self.rng.choice(self.sent)
        user = self.users[0] if message["room_id"] is None else self.rng.choice(self.users)
        user(method, self._path(message) + path)

    @staticmethod
    def _path(message: Frame) -> str:
        return f"/api/chat/messages/{message['id']}"

    # -- clients and workers

    def connect(self) -> None:
        self.rng.choice(self.replicas).connect()

    def disconnect(self) -> None:
        self.rng.choice(self.replicas).disconnect()

    def sync(self) -> None:
        offline = [replica for replica in self.replicas if replica.socket is None]
        if offline:
            self.rng.choice(offline).sync()

    def receive(self) -> None:
        self.rng.choice(self.replicas).receive()

    def kill_a_worker(self) -> None:
        server = self.deployment.server
        victim = self.rng.choice(server.worker_pids)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in server.worker_pids and len(server.worker_pids) == 2, "another worker", 20)


def test_every_copy_equals_a_fresh_read(deployment: Deployment) -> None:
    scenario = RandomOperations(deployment)
    scenario.run()
    fresh = {(user.id, name): _read(user, name) for user in scenario.users for name in scenario.names}
    scenario.replicas.append(Replica(scenario.users[0]))  # a client without any messages
    for replica in scenario.replicas:
        if replica.socket is None:
            replica.sync()
    heads = {row["id"]: row["last_modseq"] for row in scenario.users[0]("GET", "/api/chat/conversations")}
    for replica in scenario.replicas:
        names = [name for name in scenario.names if fresh[replica.api.id, name]]
        wait_until(lambda r=replica, n=names: _is_at(r, n, heads), f"{replica.positions} to be at {heads}", 20)
        for name in names:
            assert _stable(replica.messages[name]) == _stable(fresh[replica.api.id, name])


def _is_at(replica: Replica, names: list[str], heads: dict[str, int]) -> bool:
    replica.receive(0.05)
    if replica.socket is None:
        replica.sync()
    return all(replica.positions.get(name, 0) >= heads[name] for name in names)


def _read(user: Api, name: str) -> dict[int, Frame]:
    try:
        return read_all(user, name)
    except ContractViolation:
        return {}  # the third user may not read the direct conversation


def _stable(messages: dict[int, Frame]) -> dict[int, Frame]:
    """*messages* without `is_read`, which follows the read mark and takes no modseq."""
    return {id_: {k: v for k, v in message.items() if k != "is_read"} for id_, message in messages.items()}
