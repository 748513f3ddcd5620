"""`make chaos` runs campaigns for some minutes: `make chaos ARGS="--minutes 60 --seed 7"`. Exits with 1 at the first finding."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from backend import create_app
from config import Config
from tests.chaos.checker import Campaign
from tests.chaos.readers import Findings
from tests.realtime.conftest import SETTINGS, Deployment, migrate
from tests.servers import Server
from tests.services import PrivatePostgres, PrivateRedis

MAX_LINES = 20
"""How many findings of each kind are printed."""

RECOVERY_CHANCE = 0.3
"""How often the server has to recover from a fault before the next one."""


class FaultyDeployment:
    """Two workers on a PostgreSQL and a Redis of their own, and the faults that can be caused in them."""

    def __init__(self, postgres: PrivatePostgres, redis: PrivateRedis, folder: str, rng: random.Random):
        self.postgres, self.redis, self.rng = postgres, redis, rng
        url = postgres.new_database("chaos")
        settings = SETTINGS | {"DATABASE_URL": url, "INSTANCE_DIR": folder, "WEB_CONCURRENCY": "2"}
        app = create_app(Config.from_env(settings | {"WEB_CONCURRENCY": "1"}))
        migrate(app)
        self.server = Server(settings | {"REDIS_URL": redis.url})
        self.deployment = Deployment(self.server, app, redis)
        self.faults: list[Callable[[], None]] = [
            self.kill_worker, self.restart_server, self.kill_redis, self.freeze_redis, self.kill_postgres, self.freeze_postgres,
        ]  # fmt: skip

    def kill_worker(self) -> None:
        if pids := self.server.worker_pids:
            os.kill(self.rng.choice(pids), signal.SIGKILL)

    def restart_server(self) -> None:
        self.server.stop(self.rng.choice([signal.SIGTERM, signal.SIGINT]))
        self.server.start()

    def kill_redis(self) -> None:
        self.redis.kill()
        time.sleep(self.rng.uniform(0, 3))
        self.redis.start()

    def freeze_redis(self) -> None:
        self.redis.freeze()
        time.sleep(self.rng.uniform(0, 6))
        self.redis.thaw()

    def kill_postgres(self) -> None:
        self.postgres.kill()
        time.sleep(self.rng.uniform(0, 3))
        self.postgres.start()

    def freeze_postgres(self) -> None:
        self.postgres.freeze()
        time.sleep(self.rng.uniform(0, 6))
        self.postgres.thaw()

    def campaign(self, seconds: float) -> tuple[str, Findings]:
        """Run one campaign. Returns what was acknowledged, in words, and the findings."""
        campaign = Campaign(self.deployment.app, [self.deployment.user() for _ in range(7)], readers=4)
        campaign.start()
        ends = time.monotonic() + seconds
        try:
            while time.monotonic() < ends:
                fault = self.rng.choice(self.faults)
                print(f"  {datetime.now(UTC):%H:%M:%S.%f} {fault.__name__}", flush=True)
                fault()
                time.sleep(self.rng.uniform(0, 3))
                if self.rng.random() < RECOVERY_CHANCE:
                    campaign.expect_progress()
            campaign.expect_progress()
            time.sleep(8)
        finally:
            found = campaign.finish()
        done = f"{campaign.acknowledged} messages, {campaign.changed} changes (pins: {campaign.pinned})"
        return f"{done} and {campaign.uploaded} uploads", found


def main() -> None:
    """Run campaigns, and print the findings of each."""
    os.environ["FLASK_SKIP_DOTENV"] = "1"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    print(f"seed {given.seed}")
    ends = time.monotonic() + given.minutes * 60
    with PrivatePostgres() as postgres, PrivateRedis() as redis, tempfile.TemporaryDirectory() as folder:
        faulty = FaultyDeployment(postgres, redis, folder, random.Random(given.seed))
        try:
            while time.monotonic() < ends:
                done, found = faulty.campaign(min(60, given.minutes * 60))
                print(f"{done} acknowledged; found {'' if found else 'nothing'}", flush=True)
                if found:
                    for kind, lines in found.items():
                        print(f"{kind}: {len(lines)}", *lines[:MAX_LINES], sep="\n  ", flush=True)
                    Path("chaos.log").write_text(faulty.server.output())
                    sys.exit(1)
        finally:
            faulty.server.close()


if __name__ == "__main__":
    main()
