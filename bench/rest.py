"""The workloads over REST, compared with the bare FastAPI endpoint."""

import asyncio
import json

from bench import report
from bench.context import CONFAB, Bench, Deployment
from bench.load_http import AnswerError, Call, Connection, build, closed_loop, content
from bench.measure import Arm, Run, make_run, measure_rounds
from bench.seed import (
    PASSWORD,
    PEER_LARGE,
    ROOMS,
    ROOMS_EACH,
    Population,
    peer_tokens,
    seed_history,
    seed_page,
    seed_peer,
)

PEER = "bare FastAPI"
READERS, PAGE = 16, 50
LOGIN_CLIENTS, MEASURED_CLIENTS = 32, 10


def http_arm(calls: list[Call]) -> Arm:
    async def arm(seconds: float) -> Run:
        return make_run(*await closed_loop(calls, seconds))

    return arm


def getter(url: str, path: str, token: str) -> Call:
    connection, request = Connection(url), build("GET", path, token)

    async def call() -> None:
        await connection.expect(200, request)

    return call


def sender(url: str, token: str, requests: list[tuple[str, str]]) -> Call:
    """Return a call that sends *requests* in turn. Each is a path and a template of the body, with a place for the content."""
    connection, turn = Connection(url), 0

    async def call() -> None:
        nonlocal turn
        path, body = requests[turn % len(requests)]
        turn += 1
        data = (body % content().decode()).encode()
        await connection.expect(201, build("POST", path, token, data))

    return call


def peer_senders(url: str) -> list[Call]:
    def requests(index: int) -> list[tuple[str, str]]:
        return [(f"/rooms/{(index + k) % ROOMS}/messages", '{"body":"%s"}') for k in range(ROOMS_EACH)]

    return [sender(url, token, requests(index)) for index, token in enumerate(peer_tokens())]


def confab_senders(url: str, people: Population) -> list[Call]:
    def requests(index: int) -> list[tuple[str, str]]:
        rooms = people.rooms_of(index)
        return [("/api/chat/send", f'{{"room_id":{room},"content":"%s"}}') for room in rooms]

    return [sender(url, token, requests(index)) for index, token in enumerate(people.tokens)]


async def send(bench: Bench) -> None:
    """Measure acknowledged sends by 50 users in 10 rooms."""
    arms = {PEER: http_arm(peer_senders(bench.peer.url))}
    for confab in bench.deployments:
        arms[confab.name] = http_arm(confab_senders(confab.server.url, await confab.population()))
    rounds = await measure_rounds(arms, bench.roots, bench.seconds, bench.runs)
    report.ratio("send", rounds, CONFAB, PEER, 0.7)
    report.against_baseline("send", rounds)
    report.details(rounds)


async def me(bench: Bench) -> None:
    """Measure `GET /api/users/me` by 50 users."""
    arms = {PEER: http_arm([getter(bench.peer.url, "/me", token) for token in peer_tokens()])}
    for confab in bench.deployments:
        people = await confab.population()
        arms[confab.name] = http_arm([getter(people.url, "/api/users/me", token) for token in people.tokens])
    rounds = await measure_rounds(arms, bench.roots, bench.seconds, bench.runs)
    report.ratio("me", rounds, CONFAB, PEER, 0.3)
    report.against_baseline("me", rounds)
    report.details(rounds)


async def history(bench: Bench) -> None:
    """Measure reading the latest 50 messages of a room with 1,000,000 messages, and of one with 1,000."""
    peer, small = bench.peer.url, f"{CONFAB}, 1,000"
    await asyncio.to_thread(seed_peer, bench.postgres)
    arms = {PEER: await _readers(peer, f"/rooms/{PEER_LARGE}/messages?limit={PAGE}", peer_tokens())}
    for confab in bench.deployments:
        await seed_history(bench.postgres, confab.database, await confab.population())
        arms[confab.name] = await _confab_readers(confab, "large")
    arms[small] = await _confab_readers(bench.confab, "small")
    rounds = await measure_rounds(arms, bench.roots, bench.seconds, bench.runs)
    report.ratio("history", rounds, CONFAB, PEER, 0.6)
    report.ratio("history, time 1,000,000 : 1,000", rounds, small, CONFAB, 1.2, at_least=False)
    report.against_baseline("history", rounds)
    report.details(rounds)


async def history_rich(bench: Bench) -> None:
    """Measure reading 50 messages with reactions, against 50 plain ones of a room of the same size."""
    plain, rich = "plain", "with reactions"
    people = await bench.confab.population()
    arms = {}
    for name in (plain, rich):
        await people.make_room(name, people.users)
        await asyncio.to_thread(seed_page, bench.postgres, bench.confab.database, people, name, PAGE, name == rich)
        arms[name] = await _confab_readers(bench.confab, name)
    rounds = await measure_rounds(arms, bench.roots, bench.seconds, bench.runs)
    report.ratio("history with reactions, time", rounds, plain, rich, 1.5, at_least=False)
    report.details(rounds)


async def _confab_readers(confab: Deployment, room: str) -> Arm:
    people = await confab.population()
    path = f"/api/rooms/{people.rooms[room]}/messages?limit={PAGE}"
    return await _readers(people.url, path, people.tokens)


async def _readers(url: str, path: str, tokens: list[str]) -> Arm:
    """Return an arm that reads *path*. Raises AnswerError if the answer is not a full page."""
    answer = json.loads(await Connection(url).expect(200, build("GET", path, tokens[0])))
    page = answer if isinstance(answer, list) else answer["messages"]
    if len(page) != PAGE:
        raise AnswerError(f"{path}: {len(page)} messages instead of {PAGE}")
    return http_arm([getter(url, path, token) for token in tokens[:READERS]])


async def login_storm(bench: Bench) -> None:
    """Measure the latency of ten clients while 32 others log in. bcrypt runs on the same core as the server."""
    people = await bench.confab.population()
    url = people.url
    clients = [getter(url, "/api/users/me", token) for token in people.tokens[:MEASURED_CLIENTS]]
    login_calls = [_login(url, people.users[n % len(people.users)].email) for n in range(LOGIN_CLIENTS)]
    quiet, during, logins = "no logins", f"with {LOGIN_CLIENTS} clients that log in", 0

    async def during_logins(seconds: float) -> Run:
        nonlocal logins
        task = asyncio.create_task(closed_loop(login_calls, seconds))
        run = make_run(*await closed_loop(clients, seconds))
        logins += len((await task)[1])
        return run

    arms = {quiet: http_arm(clients), during: during_logins}
    rounds = await measure_rounds(arms, bench.roots, bench.seconds, bench.runs)
    report.verdict("login-storm, p99 of others", rounds.median(during, "p99"), 100, at_least=False, unit=" ms")
    report.details(rounds)
    report.detail(f"{logins} logins in total")


def _login(url: str, email: str) -> Call:
    connection = Connection(url)
    body = json.dumps({"email": email, "password": PASSWORD}).encode()
    request = build("POST", "/api/auth/login", body=body)

    async def call() -> None:
        await connection.expect(200, request)

    return call
