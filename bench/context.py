"""The context that every workload receives. Servers and users are created when a workload first uses them."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.machine import SERVER_CORE, pinned
from bench.postgres import DurablePostgres
from bench.seed import Population, populate
from bench.servers import PEERS, Confab, Server, bare_fastapi
from bench.socket_group import SocketGroup
from tests.services import PrivateRedis

CONFAB, BASELINE = "Confab", "Confab, baseline"


class Deployment:
    """One checkout of Confab with its own database, instance folder, users and rooms."""

    def __init__(self, name: str, checkout: Path, bench: "Bench"):
        self.name, self.checkout, self.bench = name, checkout, bench
        self.database = "confab" if name == CONFAB else "baseline"
        self._people: Population | None = None

    @cached_property
    def server(self) -> Server:
        """The running server. It starts at the first access."""
        return self.bench.launch(self.make())

    def make(self, **settings: str) -> Server:
        """Return another server on the same database, not started."""
        return Confab(self.name, self.checkout, self._dsn, self._instance, **settings)

    async def population(self) -> Population:
        """Return the users and rooms, with access tokens that outlive the next workload."""
        if self._people is None:
            self._people = await populate(self.server.url)
        await self._people.refresh()
        return self._people

    @cached_property
    def _instance(self) -> Path:
        return Path(self.bench.stack.enter_context(TemporaryDirectory(prefix="bench-instance-")))

    @cached_property
    def _dsn(self) -> str:
        """A database at head, created as an operator would create it."""
        dsn = self.bench.postgres.create(self.database)
        Confab(self.name, self.checkout, dsn, self._instance).migrate()
        return dsn


@dataclass
class Bench:
    checkout: Path
    baseline: Path | None
    seconds: float
    runs: int
    receivers: int
    peers_only: bool
    postgres: DurablePostgres
    stack: ExitStack
    started: list[Server] = field(default_factory=list)
    redis_servers: list[PrivateRedis] = field(default_factory=list)
    groups: dict[str, SocketGroup] = field(default_factory=dict)

    def launch(self, server: Server) -> Server:
        """Start a server that runs until the bench ends."""
        self.started.append(self.stack.enter_context(server))
        return server

    @cached_property
    def peer(self) -> Server:
        return self.launch(self.make_peer())

    def make_peer(self) -> Server:
        return bare_fastapi(self._peer_dsn)

    @cached_property
    def confab(self) -> Deployment:
        return Deployment(CONFAB, self.checkout, self)

    @cached_property
    def deployments(self) -> list[Deployment]:
        """Confab, and the baseline checkout if there is one."""
        return [self.confab] + ([Deployment(BASELINE, self.baseline, self)] if self.baseline else [])

    @property
    def roots(self) -> list[int]:
        """The ids of the processes whose CPU time counts as the servers'."""
        return [server.pid for server in [*self.started, *self.redis_servers, self.postgres]]

    def new_redis(self) -> str:
        """Start a Redis on the servers' core, and return its URL."""
        with pinned(SERVER_CORE):
            redis = self.stack.enter_context(PrivateRedis())
        self.redis_servers.append(redis)
        return redis.url

    @cached_property
    def _peer_dsn(self) -> str:
        dsn = self.postgres.create("peer")
        with self.postgres.cursor("peer") as cursor:
            cursor.execute((PEERS / "schema.sql").read_text())
        return dsn
