"""Many sockets in one room of one server, and the measurements on them."""

import asyncio
import time

from bench.load_http import ANSWER_TIMEOUT, content
from bench.load_ws import Socket, connect_all, disconnect_all
from bench.machine import tree_pss_kb
from bench.measure import Run, make_run
from bench.servers import Server

SENDERS = 4
SAMPLED = 50  # sockets whose latencies are recorded
SETTLE = 3  # seconds between opening the sockets and measuring the memory
RATE = 10  # messages a second in a paced run


class SocketGroup:
    def __init__(self, server: Server, sockets: list[Socket]):
        self.server, self.sockets = server, sockets
        step = max(1, len(sockets) // SAMPLED)
        self.sampled = sockets[::step]
        count = min(SENDERS, len(sockets))
        self.senders = [sockets[(2 * k + 1) * len(sockets) // (2 * count)] for k in range(count)]

    async def connect(self) -> "SocketGroup":
        """Open the sockets, and record the server memory that each takes (`kb_per_socket`)."""
        before = tree_pss_kb(self.server.pid)
        await connect_all(self.sockets, self.server.url)
        await asyncio.sleep(SETTLE)
        self.kb_per_socket = (tree_pss_kb(self.server.pid) - before) / len(self.sockets)
        return self

    def close(self) -> None:
        disconnect_all(self.sockets)

    @property
    def received(self) -> int:
        return sum(socket.received for socket in self.sockets)

    async def saturate(self, seconds: float) -> Run:
        """Measure deliveries a second with four senders that each wait for their own message before the next."""
        latencies = self._record_latencies()
        before, start = self.received, time.perf_counter()

        async def pump(sender: Socket):
            while time.perf_counter() < start + seconds:
                await sender.post_and_wait(content())

        await asyncio.wait_for(asyncio.gather(*map(pump, self.senders)), seconds + ANSWER_TIMEOUT)
        elapsed, count = time.perf_counter() - start, self.received - before
        await self._wait_until_drained()
        return make_run(elapsed, latencies, count)

    async def paced(self, seconds: float) -> Run:
        """Measure latencies at RATE messages a second. The run ends when all messages have arrived."""
        latencies = self._record_latencies()
        before, start = self.received, time.perf_counter()
        total = max(1, round(seconds * RATE))
        for number in range(total):
            self.senders[number % len(self.senders)].post(content())
            await asyncio.sleep(max(0, start + (number + 1) / RATE - time.perf_counter()))
        deadline = time.perf_counter() + ANSWER_TIMEOUT
        while (got := self.received - before) < total * len(self.sockets):
            if time.perf_counter() > deadline:
                raise RuntimeError(f"{self.server.name}: {got} deliveries of {total * len(self.sockets)}")
            await asyncio.sleep(0.01)
        return make_run(time.perf_counter() - start, latencies, got)

    def _record_latencies(self) -> list[float]:
        latencies: list[float] = []
        for socket in self.sampled:
            socket.latencies = latencies
        return latencies

    async def _wait_until_drained(self) -> None:
        """Wait until no more messages arrive, so that the next arm has the core to itself."""
        last = -1
        while (count := self.received) != last:
            last = count
            await asyncio.sleep(0.2)
