"""What every workload is given; servers and users are made when the first workload asks for them."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.crowd import Crowd
from bench.postgres import DurablePostgres
from bench.seed import Population, populate
from bench.servers import PEERS, Confab, Server, bare_fastapi


@dataclass
class Bench:
    checkout: Path
    seconds: float
    runs: int
    receivers: int
    peers_only: bool
    postgres: DurablePostgres
    stack: ExitStack
    started: list[Server] = field(default_factory=list)
    people: Population | None = None
    crowds: dict[str, Crowd] = field(default_factory=dict)

    def launch(self, server: Server) -> Server:
        """Start a server that lives as long as the bench."""
        self.started.append(self.stack.enter_context(server))
        return server

    @cached_property
    def peer(self) -> Server:
        return self.launch(self.make_peer())

    @cached_property
    def confab(self) -> Server:
        return self.launch(self.make_confab())

    def make_peer(self) -> Server:
        return bare_fastapi(self._peer_dsn)

    def make_confab(self) -> Server:
        return Confab(self.checkout, self._confab_dsn, self._instance)

    @property
    def roots(self) -> list[int]:
        """The processes whose CPU time is the servers' own."""
        return [server.pid for server in self.started] + [self.postgres.pid]

    async def meet_people(self) -> Population:
        """The users and rooms of the started Confab, with tokens that are good for a while."""
        if self.people is None:
            self.people = await populate(self.confab.url)
        await self.people.refresh()
        return self.people

    @cached_property
    def _instance(self) -> Path:
        return Path(self.stack.enter_context(TemporaryDirectory(prefix="bench-instance-")))

    @cached_property
    def _peer_dsn(self) -> str:
        dsn = self.postgres.create("peer")
        with self.postgres.cursor("peer") as cursor:
            cursor.execute((PEERS / "schema.sql").read_text())
        return dsn

    @cached_property
    def _confab_dsn(self) -> str:
        """A database that is at head, as an operator makes it."""
        dsn = self.postgres.create("confab")
        Confab(self.checkout, dsn, self._instance).migrate()
        return dsn
