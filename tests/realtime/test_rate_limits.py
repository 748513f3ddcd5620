"""The budget of a user over REST and all sockets together, and the limits on the number of open sockets."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.processes import wait_until
from tests.realtime.client import Api, Frame, LiveClient
from tests.realtime.conftest import Deployment, Deployments
from tests.realtime.raw import RawSocket, refusal

BUDGET, SOCKETS = 600, 20
ADDRESS = "127.0.0.2"
"""The address of a client whose budget of refused openings is used up."""


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def limited(request: pytest.FixtureRequest, deployments: Deployments) -> Iterator[Deployment]:
    """A deployment with its limits on. A test uses up budgets of its own users, or of an address that no other test uses."""
    with deployments() as open_deployment:
        yield open_deployment(request.param, measured=True, RATE_LIMITS="on")


def remaining(user: Api) -> int:
    """What remains of a user's budget after this call."""
    headers = {"Authorization": f"Bearer {user.token}"}
    answer = requests.get(f"{user.url}/api/users/me", headers=headers, timeout=10)
    assert answer.headers["X-RateLimit-Limit"] == str(BUDGET)
    return int(answer.headers["X-RateLimit-Remaining"])


def answers(client: LiveClient, ids: list[str]) -> list[Frame]:
    return [client.answer(id_) for id_ in ids]


def test_a_user_has_one_budget_over_rest_and_all_its_sockets(limited: Deployment) -> None:
    user, other = limited.user(), limited.user()
    room = user.room()
    clients = limited.on_each_worker(user) + [user.live() for _ in range(3)]
    left = remaining(user)
    ids = [
        [client.send_frame("typing", conversation_id=room["conversation_id"]) for _ in range(190)] for client in clients
    ]
    got = [frame for client, sent in zip(clients, ids, strict=True) for frame in answers(client, sent)]
    assert Counter(frame["type"] for frame in got) == {"ok": left, "error": len(got) - left}
    refused = [frame for frame in got if frame["type"] == "error"]
    assert {frame["code"] for frame in refused} == {"rate_limited"}
    for frame in refused:
        assert 1 <= frame["retry_after"] <= 60
        assert f" {frame['retry_after']} second" in frame["detail"]
    headers = {"Authorization": f"Bearer {user.token}"}
    assert requests.get(f"{limited.url}/api/users/me", headers=headers, timeout=10).status_code == 429
    assert refusal(limited.url, f"/ws/more?token={user.token}") == (429, "rate_limited")
    for client in clients:  # pings are answered without the budget
        assert client.call("ping")["type"] == "pong"
    with other.live() as stranger:
        assert stranger.send("another budget", room_id=other.room()["id"])["seq"] == 1


def test_refused_frames_are_answered_in_order(limited: Deployment) -> None:
    user = limited.user()
    room = user.room()
    clients = [user.live() for _ in range(4)]
    ids = [[client.send_frame("send", content=str(n), room_id=room["id"]) for n in range(180)] for client in clients]
    for client, sent in zip(clients, ids, strict=True):
        answers(client, sent)
        client.sync()
        mine = [frame["id"] for frame in client.events if frame.get("id") in sent]
        assert mine == sent
        acks = [frame["message"]["content"] for frame in client.events if frame["type"] == "ack"]
        assert acks == [str(n) for n in range(len(acks))], (
            "after the first refusal everything is refused in this minute"
        )
    for client in clients:
        client.sync()  # one that has much unread waits long for the answer to its close frame


def test_bad_frames_are_counted(limited: Deployment) -> None:
    user = limited.user()
    with user.live() as client:
        before = remaining(user)
        for payload in ("nonsense", "{}", '{"type": "jump"}', '{"type": "ping"}'):
            client.socket.send(payload)
            client.receive()
        assert remaining(user) == before - 4  # three bad frames, and the call that reads the budget


def test_refused_openings_are_counted_by_address(limited: Deployment) -> None:
    user = limited.user()
    own = f"/ws/x?token={user.token}"
    kinds = (
        ("/ws/x?token=made-up", {}, 101), (own, {"Origin": "http://evil.example"}, 403),
        (own, {"Sec_WebSocket_Key": None}, 400), ("/ws/a.b", {}, 422),
    )  # fmt: skip
    statuses = []
    for number in range(BUDGET):
        path, headers, status = kinds[number % len(kinds)]
        with RawSocket(limited.url, path, source=ADDRESS, **headers) as raw:
            assert raw.status == status
            statuses.append(raw.status)
    for path, headers, _ in kinds:
        with RawSocket(limited.url, path, source=ADDRESS, **headers) as raw:
            assert raw.status == 429, "before the upgrade"
            assert "retry-after: " in raw.head.lower()
    with RawSocket(limited.url, own, source=ADDRESS) as raw:  # a valid token from the same address is accepted
        assert raw.status == 101
    call = HTTPConnection("127.0.0.1", limited.server.port, timeout=10, source_address=(ADDRESS, 0))
    with closing(call):
        call.request("GET", "/api/users/me")
        assert call.getresponse().status == 429, "REST calls with a bad token share this limit"


def test_openings_at_once_do_not_pass_the_limit_of_sockets(limited: Deployment) -> None:
    user = limited.user()
    workers = len(limited.server.worker_pids)

    def attempt(number: int) -> RawSocket:
        return RawSocket(limited.url, f"/ws/c{number}?token={user.token}")

    with ThreadPoolExecutor(60) as pool:
        raws = list(pool.map(attempt, range(60)))
    statuses = Counter(raw.status for raw in raws)
    assert set(statuses) == {101, 429}
    assert statuses[101] <= SOCKETS * workers
    for raw in raws:
        raw.socket.close()

    def are_released() -> bool:
        retried = [attempt(number) for number in range(SOCKETS)]
        for raw in retried:
            raw.socket.close()
        return all(raw.status == 101 for raw in retried)

    wait_until(are_released, "every slot to be released", 10)


@pytest.mark.parametrize("limited", ["sqlite"], indirect=True)
def test_a_client_that_sends_too_many_frames_is_closed(limited: Deployment) -> None:
    user = limited.user()
    with user.live() as calm, user.live() as client:
        for _ in range(199):
            client.send_frame("ping")
        client.call("ping")
        for _ in range(300):
            try:
                client.send_frame("ping")
            except ConnectionClosed:
                break
        assert client.close_code() == 4429
        assert calm.call("ping")["type"] == "pong"
    sockets = [user.live() for _ in range(20)]
    with pytest.raises(InvalidStatus) as refused:
        user.live()
    assert refused.value.response.status_code == 429
    with user.live(sockets[0].client_id):  # a socket that replaces another is within the limit
        assert sockets[0].close_code() == 4409
    for socket in sockets:
        socket.close()


def typing_states(client: LiveClient, user: Api) -> list[bool]:
    return [f["is_typing"] for f in client.events if f["type"] == "typing" and f["user_id"] == user.id]


@pytest.mark.parametrize("is_steady", [True, False])
def test_typing_is_sent_about_once_a_second(deployment: Deployment, is_steady: bool) -> None:
    typist, member = deployment.user(), deployment.user()
    room = typist.room(member)
    name = room["conversation_id"]
    clients, receivers = [typist.live() for _ in range(3)], deployment.on_each_worker(member)
    started = time.monotonic()
    for _ in range(50):
        for client in clients:
            client.send_frame("typing", conversation_id=name, is_typing=True)
            if not is_steady:
                client.send_frame("typing", conversation_id=name, is_typing=False)
    for client in clients:
        client.sync()
        client.call("typing", conversation_id=name)
        client.call("typing", conversation_id=name, is_typing=False)
    for number, client in enumerate(clients):
        client.send(f"end {number}", room_id=room["id"])
    for client in receivers:
        for number in range(len(clients)):
            client.expect_message(f"end {number}")  # published after every state of this socket
        while typing_states(client, typist)[-1:] != [False]:
            client.receive(10)
        states, seconds = typing_states(client, typist), time.monotonic() - started
        assert (states[0], states[-1]) == (True, False)
        assert states.count(True) <= seconds + 2
        assert states.count(False) <= states.count(True)
