"""The workloads over the socket: fan-out beside Node's ws and socket.io, sends beside the bare FastAPI endpoint.

Every socket of a crowd is in one room. Confab stores each message before it delivers it; the peers do not.
"""

import asyncio

from bench import report
from bench.context import CONFAB, Bench, Deployment
from bench.crowd import RATE, Crowd
from bench.load_http import Call, closed_loop, content
from bench.load_ws import ConfabSocket, Socket, SocketIo, connect_all, disconnect_all
from bench.measure import Arm, Run, make_run, measure_rounds
from bench.rest import BYSTANDERS, PEER, getter, http_arm, peer_senders
from bench.seed import seed_users
from bench.servers import Server, node, raw_gevent

WS, SOCKET_IO, RAW = "Node ws", "socket.io", "raw gevent, the goal"
ROOM = "live"


async def socket_send(bench: Bench) -> None:
    """Sends by 50 users in 10 rooms over their sockets, acknowledged after the commit."""
    arms = {PEER: http_arm(peer_senders(bench.peer.url))}
    open_sockets: list[Socket] = []
    for confab in [] if bench.peers_only else bench.deployments:
        people = await confab.meet_people()
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


async def rest_with_sockets(bench: Bench) -> None:
    """What ten REST clients notice of a thousand quiet sockets."""
    if bench.peers_only:
        return
    people = await bench.confab.meet_people()
    clients = [getter(people.url, "/api/users/me", token) for token in people.tokens[:BYSTANDERS]]

    async def with_sockets(seconds: float) -> Run:
        sockets = await connect_all(await _confab_sockets(bench.confab), people.url)
        await asyncio.sleep(1)
        run = make_run(*await closed_loop(clients, seconds))
        disconnect_all(sockets)
        await asyncio.sleep(1)
        return run

    crowded = f"{bench.receivers:,} sockets"
    arms = {"no sockets": http_arm(clients), crowded: with_sockets}
    rounds = await measure_rounds(arms, bench.roots, bench.seconds, bench.runs)
    report.ratio("rest-with-sockets, p99", rounds, crowded, "no sockets", 2, at_least=False, field="p99")
    report.details(rounds)


async def socket_memory(bench: Bench) -> None:
    """What an idle socket adds to the server (PSS)."""
    crowds = await _crowds(bench)
    if CONFAB in crowds:
        size = crowds[CONFAB].kb_per_socket
        report.verdict("socket-memory", size, 15, at_least=False, unit=" kB")
    for name, crowd in crowds.items():
        report.detail(f"{name}: {crowd.kb_per_socket:.1f} kB")


async def socket_memory_users(bench: Bench) -> None:
    """What an idle socket adds where each is a user's own, in no room but the lobby."""
    if bench.peers_only:
        return
    first = (await _confab_sockets(bench.confab))[0]
    tokens = seed_users(bench.postgres, bench.confab.database, bench.receivers)
    sockets: list[Socket] = [ConfabSocket(f"idle-{n}", token, []) for n, token in enumerate(tokens)]
    with bench.confab.make() as server:
        crowd = await _crowd(server, sockets, first)
        report.verdict("socket-memory, distinct users", crowd.kb_per_socket, 10, at_least=False, unit=" kB")
        crowd.close()


async def fanout(bench: Bench) -> None:
    """Deliveries a second in one room, as fast as it goes."""
    arms: dict[str, Arm] = {name: crowd.flat_out for name, crowd in (await _crowds(bench)).items()}
    rounds = await measure_rounds(arms, bench.roots, bench.seconds, bench.runs)
    report.ratio("fanout : ws", rounds, CONFAB, WS, 1.5)
    report.ratio("fanout : socket.io", rounds, CONFAB, SOCKET_IO, 2.5)
    report.against_baseline("fanout", rounds)
    report.details(rounds)


async def fanout_p99(bench: Bench) -> None:
    """From send to receive at a pace that leaves everyone idle between messages."""
    arms: dict[str, Arm] = {name: crowd.paced for name, crowd in (await _crowds(bench)).items()}
    rounds = await measure_rounds(arms, bench.roots, bench.seconds, bench.runs)
    report.ratio(f"fanout-p99 at {RATE}/s : ws", rounds, CONFAB, WS, 1, at_least=False, field="p99")
    report.against_baseline("fanout-p99", rounds, "p99")
    report.details(rounds)


async def _crowds(bench: Bench) -> dict[str, Crowd]:
    """A crowd in each server. They stay connected for all the workloads that need them."""
    if not bench.crowds:
        size = bench.receivers
        for name, server, kind in (
            (WS, node(WS, "ws_node.js"), Socket),
            (SOCKET_IO, node(SOCKET_IO, "sio_node.js"), SocketIo),
            (RAW, raw_gevent(), Socket),
        ):
            bench.crowds[name] = await _crowd(bench.launch(server), [kind() for _ in range(size)], kind())
        for confab in [] if bench.peers_only else bench.deployments:
            sockets, first = await _confab_sockets(confab), (await _confab_sockets(confab))[0]
            fresh = bench.launch(confab.make())  # in which no closed sockets have left memory to be used again
            bench.crowds[confab.name] = await _crowd(fresh, sockets, first)
    return bench.crowds


async def _crowd(server: Server, sockets: list[Socket], first: Socket) -> Crowd:
    """The *first* socket comes and goes, so that what a server loads at the first is not counted."""
    await first.connect(server.url)
    first.transport.abort()
    await asyncio.sleep(0.5)
    return await Crowd(server, sockets).connect()


async def _confab_sockets(confab: Deployment) -> list[Socket]:
    """As many sockets as there are receivers, the users' in turn, all in one room."""
    people = await confab.meet_people()
    if ROOM not in people.rooms:
        await people.make_room(ROOM, people.users)
    rooms, tokens = [people.rooms[ROOM]], people.tokens
    count = confab.bench.receivers
    return [ConfabSocket(f"crowd-{n}", tokens[n % len(tokens)], rooms, own_delivery=True) for n in range(count)]
