"""The workloads over the socket: fan-out compared with Node's ws and socket.io, sends with the bare FastAPI endpoint.

All sockets of a group are in one room. Confab stores each message before it delivers it; the peers do not.
"""

import asyncio
import itertools

from bench import report
from bench.context import CONFAB, Bench, Deployment
from bench.load_http import Call, closed_loop, content
from bench.load_ws import ConfabSocket, Socket, SocketIo, connect_all, disconnect_all
from bench.measure import Arm, Run, make_run, measure_rounds
from bench.rest import MEASURED_CLIENTS, PEER, getter, http_arm, peer_senders
from bench.seed import seed_users
from bench.servers import Server, node, raw_gevent
from bench.socket_group import RATE, SocketGroup

WS, SOCKET_IO, RAW = "Node ws", "socket.io", "raw gevent, the goal"
ROOM = "live"
WITH_REDIS = ", with Redis"
MIN_REACTIONS = 2_000
"""A second, by 50 users."""


async def socket_send(bench: Bench) -> None:
    """Measure sends by 50 users in 10 rooms over their sockets, acknowledged after the commit."""
    arms = {PEER: http_arm(peer_senders(bench.peer.url))}
    open_sockets: list[Socket] = []
    for confab in [] if bench.peers_only else bench.deployments:
        people = await confab.population()
        sockets = [ConfabSocket(f"send-{i}", token, people.rooms_of(i)) for i, token in enumerate(people.tokens)]
        open_sockets += await connect_all(sockets, people.url)
        arms[confab.name] = http_arm([_socket_sender(socket) for socket in sockets])
    rounds = await measure_rounds(arms, bench.roots, bench.seconds, bench.runs)
    disconnect_all(open_sockets)
    report.ratio("socket-send", rounds, CONFAB, PEER, 2)
    report.against_baseline("socket-send", rounds)
    report.details(rounds)


def _socket_sender(socket: Socket) -> Call:
    async def call() -> None:
        await socket.post_and_wait(content())

    return call


async def reactions(bench: Bench) -> None:
    """Measure reactions by 50 users over their sockets to the messages of 10 rooms, acknowledged after the commit."""
    arms, open_sockets = {}, []
    for confab in [] if bench.peers_only else bench.deployments:
        people = await confab.population()
        sockets = [ConfabSocket(f"react-{i}", token, people.rooms_of(i)) for i, token in enumerate(people.tokens)]
        open_sockets += await connect_all(sockets, people.url)
        arms[confab.name] = http_arm([await _reactor(socket) for socket in sockets])
    if not arms:
        return
    rounds = await measure_rounds(arms, bench.roots, bench.seconds, bench.runs)
    disconnect_all(open_sockets)
    report.verdict("reactions", rounds.median(CONFAB, "rate"), MIN_REACTIONS, at_least=True, unit="/s")
    report.against_baseline("reactions", rounds)
    report.details(rounds)


async def _reactor(socket: ConfabSocket) -> Call:
    """A call that reacts to a message of each of the user's rooms in turn, or takes the reaction back."""
    messages = [
        (await socket.request(type="send", room_id=room, content="a message"))["message"]["id"] for room in socket.rooms
    ]
    turns = itertools.cycle([(kind, message) for kind in ("react", "unreact") for message in messages])

    async def call() -> None:
        kind, message = next(turns)
        await socket.request(type=kind, message_id=message, emoji="👍")

    return call


async def reconnects(bench: Bench) -> None:
    """Measure how many sockets a second 50 users open until `ready`, as after a restart of the server, with Redis and without."""
    arms = {}
    for confab in [] if bench.peers_only else bench.deployments:
        people = await confab.population()
        with_redis = bench.launch(confab.make(REDIS_URL=bench.new_redis()))
        for name, server in ((confab.name, confab.server), (confab.name + WITH_REDIS, with_redis)):
            arms[name] = http_arm([_opener(server, f"open-{i}", token) for i, token in enumerate(people.tokens)])
    if not arms:
        return
    rounds = await measure_rounds(arms, bench.roots, bench.seconds, bench.runs)
    report.ratio("reconnects, with Redis", rounds, CONFAB + WITH_REDIS, CONFAB, 0.8)
    report.against_baseline("reconnects", rounds)
    report.against_baseline("reconnects, with Redis", rounds, suffix=WITH_REDIS)
    report.details(rounds)


def _opener(server: Server, client_id: str, token: str) -> Call:
    async def call() -> None:
        socket = await ConfabSocket(client_id, token, []).connect(server.url)
        socket.transport.abort()

    return call


async def rest_with_sockets(bench: Bench) -> None:
    """Measure the latency of ten REST clients while 1,000 idle sockets are open."""
    if bench.peers_only:
        return
    people = await bench.confab.population()
    clients = [getter(people.url, "/api/users/me", token) for token in people.tokens[:MEASURED_CLIENTS]]

    async def with_sockets(seconds: float) -> Run:
        sockets = await connect_all(await _confab_sockets(bench.confab), people.url)
        await asyncio.sleep(1)
        run = make_run(*await closed_loop(clients, seconds))
        disconnect_all(sockets)
        await asyncio.sleep(1)
        return run

    loaded = f"{bench.receivers:,} sockets"
    arms = {"no sockets": http_arm(clients), loaded: with_sockets}
    rounds = await measure_rounds(arms, bench.roots, bench.seconds, bench.runs)
    report.ratio("rest-with-sockets, p99", rounds, loaded, "no sockets", 2, at_least=False, field="p99")
    report.details(rounds)


async def socket_memory(bench: Bench) -> None:
    """Measure the memory (PSS) that an idle socket adds to the server."""
    groups = await _socket_groups(bench)
    if CONFAB in groups:
        size = groups[CONFAB].kb_per_socket
        report.verdict("socket-memory", size, 15, at_least=False, unit=" kB")
    for name, group in groups.items():
        report.detail(f"{name}: {group.kb_per_socket:.1f} kB")


async def socket_memory_users(bench: Bench) -> None:
    """Measure the memory of an idle socket if each belongs to another user, who is in the lobby alone."""
    if bench.peers_only:
        return
    first = (await _confab_sockets(bench.confab))[0]
    tokens = seed_users(bench.postgres, bench.confab.database, bench.receivers)
    sockets: list[Socket] = [ConfabSocket(f"idle-{n}", token, []) for n, token in enumerate(tokens)]
    with bench.confab.make() as server:
        group = await _connect_group(server, sockets, first)
        report.verdict("socket-memory, distinct users", group.kb_per_socket, 10, at_least=False, unit=" kB")
        group.close()


async def fanout(bench: Bench) -> None:
    """Measure deliveries a second in one room at full load."""
    arms: dict[str, Arm] = {name: group.saturate for name, group in (await _socket_groups(bench)).items()}
    rounds = await measure_rounds(arms, bench.roots, bench.seconds, bench.runs)
    report.ratio("fanout : ws", rounds, CONFAB, WS, 1.5)
    report.ratio("fanout : socket.io", rounds, CONFAB, SOCKET_IO, 2.5)
    report.against_baseline("fanout", rounds)
    report.details(rounds)


async def fanout_p99(bench: Bench) -> None:
    """Measure the time from send to receive at a rate that leaves all servers idle between messages."""
    arms: dict[str, Arm] = {name: group.paced for name, group in (await _socket_groups(bench)).items()}
    rounds = await measure_rounds(arms, bench.roots, bench.seconds, bench.runs)
    report.ratio(f"fanout-p99 at {RATE}/s : ws", rounds, CONFAB, WS, 1, at_least=False, field="p99")
    report.against_baseline("fanout-p99", rounds, "p99")
    report.details(rounds)


async def _socket_groups(bench: Bench) -> dict[str, SocketGroup]:
    """Return one group of sockets for each server. They stay connected for all workloads that use them."""
    if not bench.groups:
        size = bench.receivers
        for name, server, kind in (
            (WS, node(WS, "ws_node.js"), Socket),
            (SOCKET_IO, node(SOCKET_IO, "sio_node.js"), SocketIo),
            (RAW, raw_gevent(), Socket),
        ):
            bench.groups[name] = await _connect_group(bench.launch(server), [kind() for _ in range(size)], kind())
        for confab in [] if bench.peers_only else bench.deployments:
            sockets, first = await _confab_sockets(confab), (await _confab_sockets(confab))[0]
            fresh = bench.launch(confab.make())  # a new process, without free memory left by closed sockets
            bench.groups[confab.name] = await _connect_group(fresh, sockets, first)
    return bench.groups


async def _connect_group(server: Server, sockets: list[Socket], first: Socket) -> SocketGroup:
    """Connect a group. *first* connects and disconnects before it, so that memory loaded for the first socket is not counted."""
    await first.connect(server.url)
    first.transport.abort()
    await asyncio.sleep(0.5)
    return await SocketGroup(server, sockets).connect()


async def _confab_sockets(confab: Deployment) -> list[Socket]:
    """Return `receivers` sockets in one room, assigned to the users in turn."""
    people = await confab.population()
    if ROOM not in people.rooms:
        await people.make_room(ROOM, people.users)
    rooms, tokens = [people.rooms[ROOM]], people.tokens
    count = confab.bench.receivers
    return [ConfabSocket(f"group-{n}", tokens[n % len(tokens)], rooms, own_delivery=True) for n in range(count)]
