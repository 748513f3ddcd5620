"""A short run of the checker, and proof that it finds planted faults. `make chaos` runs it for long."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import requests

from tests.chaos.checker import LATE_SECONDS, Campaign
from tests.chaos.readers import Findings, Reader
from tests.processes import wait_until
from tests.realtime.conftest import Deployment, Deployments, OpenDeployment, app_root
from tests.services import PrivatePostgres

ENOUGH = 120
"""So many messages show every planted fault. The rarest concerns one message in twenty."""


@dataclass
class FaultyServer:
    """A server whose faults are planted one after the other, each in place of the former."""

    deployment: Deployment

    def plant(self, fault: str) -> None:
        requests.post(f"{self.deployment.url}/planted", json={"fault": fault}, timeout=10).raise_for_status()


@pytest.fixture(scope="module")
def faulty(deployments: Deployments, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyServer]:
    root = app_root(tmp_path_factory.mktemp("planted"), "tests.chaos.planted")
    with deployments() as open_deployment:
        deployment = open_deployment("sqlite", root=root)
        yield FaultyServer(deployment)
        deployment.server.stop(signal.SIGINT)


def make_campaign(deployment: Deployment, writers: int = 3, readers: int = 3, **options: float) -> Campaign:
    users = [deployment.user() for _ in range(writers + readers)]
    return Campaign(deployment.app, users, readers, **options)  # type: ignore[arg-type]


def wait_for_more(campaign: Campaign) -> None:
    """Wait until 25 more messages are acknowledged, and every reader has received some since."""
    enough = campaign.acknowledged + 25
    before = [reader.position for reader in campaign.readers]
    wait_until(lambda: campaign.acknowledged >= enough, "25 more acknowledgements", 60)
    is_ahead = lambda: all(r.position > old for r, old in zip(campaign.readers, before, strict=True))  # noqa: E731
    wait_until(is_ahead, "every reader to receive more", 60)


def test_nothing_is_lost_while_everything_is_killed(open_deployment: OpenDeployment) -> None:
    with PrivatePostgres() as postgres:
        deployment = open_deployment("redis", database_url=postgres.new_database("chaos"))
        assert deployment.redis is not None
        campaign = make_campaign(deployment)
        campaign.start()
        try:
            wait_for_more(campaign)
            os.kill(deployment.server.worker_pids[0], signal.SIGKILL)
            wait_for_more(campaign)
            deployment.redis.kill()
            wait_for_more(campaign)
            deployment.redis.start()
            wait_for_more(campaign)
            postgres.kill()
            postgres.start()
            wait_for_more(campaign)
            wait_until(
                lambda: campaign.changed > 10 and campaign.uploaded and campaign.pinned, "changes of each kind", 60
            )
        finally:
            found = campaign.finish()
        assert campaign.acknowledged > 50
        assert campaign.changed > 10
        assert campaign.uploaded > 0
        assert campaign.pinned > 0
        assert found == {}


def test_nothing_is_lost_while_the_only_worker_is_killed_and_reloaded(faulty: FaultyServer) -> None:
    faulty.plant("")
    deployment = faulty.deployment
    campaign = make_campaign(deployment, writers=2)
    campaign.start()
    try:
        wait_for_more(campaign)
        former = deployment.server.worker_pids
        os.kill(former[0], signal.SIGKILL)
        wait_until(lambda: deployment.server.worker_pids not in (former, []), "another worker", 30)
        wait_for_more(campaign)
        former = deployment.server.worker_pids
        os.kill(deployment.server.pid, signal.SIGHUP)
        wait_until(lambda: former[0] not in deployment.server.worker_pids, "the end of the former worker", 30)
        wait_for_more(campaign)
    finally:
        found = campaign.finish()
    assert campaign.acknowledged > 20
    assert found == {}


def test_a_reader_whose_resumption_is_refused_resumes_again(faulty: FaultyServer) -> None:
    faulty.plant("failing first resumptions")
    author, member = faulty.deployment.user(), faulty.deployment.user()
    room = author.room(member)
    for number in range(5):
        author.send(str(number), room_id=room["id"])
    reader, ends = Reader(member, room["conversation_id"], position=2), time.monotonic() + 10
    reader.follow(Findings(), lambda _: len(reader.seqs) == 5 or time.monotonic() > ends)
    assert reader.seqs == {1, 2, 3, 4, 5}


def test_a_server_that_hangs_is_found(faulty: FaultyServer) -> None:
    faulty.plant("hanging worker")
    campaign = make_campaign(faulty.deployment, writers=1, readers=1)
    campaign.start()
    wait_until(lambda: campaign.acknowledged > 40, "the acknowledgements of the writer", 30)
    while not campaign.found:
        campaign.expect_progress(2)
    os.kill(faulty.deployment.server.worker_pids[0], signal.SIGKILL)
    assert campaign.finish().keys() == {"silent"}


def test_a_finding_names_the_reader_and_the_missing_messages() -> None:
    found = Findings()
    found.missing("reader 2 never received messages", [4, 5, 6, 9])
    assert found == {"missing": ["reader 2 never received messages 4-6, 9"]}


def wait_for_enough(campaign: Campaign) -> None:
    """Wait until `ENOUGH` more messages are acknowledged."""
    before = campaign.acknowledged
    wait_until(lambda: campaign.acknowledged > before + ENOUGH, "the acknowledgements of the writers", 30)


def test_faults_of_the_bus_are_tolerated(faulty: FaultyServer) -> None:
    # Without changes: a later change of a message would bring what a fault made a reader miss.
    campaign = make_campaign(faulty.deployment, writers=2, readers=2, change_chance=0, attachment_chance=0)
    faulty.plant("drop")
    campaign.start()
    try:
        wait_for_enough(campaign)
        for fault in ("double", "reorder", "slow openings"):
            faulty.plant(fault)
            wait_for_enough(campaign)
    finally:
        found = campaign.finish()
    assert found == {}


@pytest.mark.parametrize(
    ("fault", "finding", "options"),
    [
        ("drop+no repair", "missing", {"late_seconds": 1}),
        ("double+no order", "doubled", {}),
        ("reorder+no order", "reordered", {}),
        ("slow openings+no bootstrapping", "doubled", {}),
        ("skipping cursor", "missing", {"stretch_seconds": 0.5}),
        ("wrong ack", "lost", {}),
    ],
)
def test_planted_faults_are_found(faulty: FaultyServer, fault: str, finding: str, options: dict[str, float]) -> None:
    faulty.plant(fault)
    campaign = make_campaign(faulty.deployment, writers=2, readers=2, change_chance=0, attachment_chance=0, **options)
    # A fault of resumption needs resumptions: a fast server acknowledges enough messages before there are some.
    resumptions = 4 if fault == "skipping cursor" else 0
    campaign.start()
    try:
        wait_for_enough(campaign)
        wait_until(lambda: len(campaign.readers[1].stretches) >= resumptions, "the second reader to resume", 30)
    finally:
        found = campaign.finish()
    assert set(found) >= {finding}, found


def has_pinned(campaign: Campaign) -> bool:
    """Enough pins stand, also of messages with an odd id, which two of the faults concern."""
    expected = [each for writer in campaign.writers for each in list(writer.expected.values())]
    return campaign.pinned > 20 and sum(each.is_pinned for each in expected if each.message_id % 2) > 4


def has_uploaded(campaign: Campaign) -> bool:
    return campaign.uploaded > 12


def has_synced_without_attachments(campaign: Campaign) -> bool:
    """Every message of the campaign has attachments."""
    return any(not message["attachments"] for message in list(campaign.readers[1].held.values()))


@pytest.mark.parametrize(
    ("fault", "finding", "is_enough", "late_seconds"),
    [
        ("lose pins", None, has_pinned, LATE_SECONDS),
        ("lose pins+no repair", "missing", has_pinned, 1),
        ("unstored pins", "lost", has_pinned, LATE_SECONDS),
        ("incomplete list of pins", "stale", has_pinned, LATE_SECONDS),
        ("forgotten attachments", "lost", has_uploaded, LATE_SECONDS),
        ("altered downloads", "altered", has_uploaded, LATE_SECONDS),
        ("sync without attachments", "stale", has_synced_without_attachments, LATE_SECONDS),
    ],
)
def test_planted_faults_of_pins_and_attachments_are_found(
    faulty: FaultyServer,
    fault: str,
    finding: str | None,
    is_enough: Callable[[Campaign], bool],
    late_seconds: float,
) -> None:
    faulty.plant(fault)
    chances = (
        {"change_chance": 1, "attachment_chance": 0}
        if is_enough is has_pinned
        else {"change_chance": 0, "attachment_chance": 1}
    )
    # Only a message that is sent between two sockets of a reader is synced: short stretches make many of these gaps.
    options = {"late_seconds": late_seconds, "stretch_seconds": 0.5} | chances
    campaign = make_campaign(faulty.deployment, writers=2, readers=2, **options)
    campaign.start()
    try:
        wait_until(lambda: is_enough(campaign), "enough pins or attachments", 30)
    finally:
        found = campaign.finish()
    assert (set(found) == {finding}) if finding else (found == {}), found
