"""A short run of the checker, and proof that it finds planted faults. `make chaos` runs it for long."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.checker import Campaign
from tests.chaos.readers import Findings, Reader
from tests.processes import wait_until
from tests.realtime.conftest import Deployment, OpenDeployment, app_root
from tests.services import PrivatePostgres

ENOUGH = 250
"""So many messages show every planted fault. The rarest concerns one message in twenty."""


def make_campaign(deployment: Deployment, writers: int = 3, readers: int = 3, **options: float) -> Campaign:
    users = [deployment.user() for _ in range(writers + readers)]
    return Campaign(deployment.app, users, readers, **options)  # type: ignore[arg-type]


def wait_for_more(campaign: Campaign) -> None:
    """Wait until 25 more messages are acknowledged, and every reader has received some since."""
    enough = len(campaign.acknowledged) + 25
    before = [reader.position for reader in campaign.readers]
    wait_until(lambda: len(campaign.acknowledged) >= enough, "25 more acknowledgements", 60)
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
        assert len(campaign.acknowledged) > 50
        assert campaign.changed > 10
        assert campaign.uploaded > 0
        assert campaign.pinned > 0
        assert found == {}


def test_nothing_is_lost_while_the_only_worker_is_killed_and_reloaded(open_deployment: OpenDeployment) -> None:
    deployment = open_deployment("sqlite")
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
    assert len(campaign.acknowledged) > 20
    assert found == {}


def test_a_reader_whose_resumption_is_refused_resumes_again(open_deployment: OpenDeployment, tmp_path: Path) -> None:
    root = app_root(tmp_path, "tests.chaos.planted")
    deployment = open_deployment("sqlite", root=root, PLANTED="failing first resumptions")
    author, member = deployment.user(), deployment.user()
    room = author.room(member)
    for number in range(5):
        author.send(str(number), room_id=room["id"])
    reader, ends = Reader(member, room["conversation_id"], position=2), time.monotonic() + 10
    reader.follow(Findings(), lambda _: len(reader.seqs) == 5 or time.monotonic() > ends)
    assert reader.seqs == {1, 2, 3, 4, 5}


def test_a_server_that_hangs_is_found(open_deployment: OpenDeployment, tmp_path: Path) -> None:
    deployment = open_deployment("sqlite", root=app_root(tmp_path, "tests.chaos.planted"), PLANTED="+hanging worker")
    campaign = make_campaign(deployment, writers=1, readers=1)
    campaign.start()
    wait_until(lambda: len(campaign.acknowledged) > 40, "the acknowledgements of the writer", 30)
    while not campaign.found:
        campaign.expect_progress(2)
    os.kill(deployment.server.worker_pids[0], signal.SIGKILL)
    assert campaign.finish().keys() == {"silent"}


def test_a_finding_names_the_reader_and_the_missing_messages() -> None:
    found = Findings()
    found.missing("reader 2 never received messages", [4, 5, 6, 9])
    assert found == {"missing": ["reader 2 never received messages 4-6, 9"]}


@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        ("drop", None),
        ("double", None),
        ("reorder", None),
        ("drop+no repair", "missing"),
        ("double+no order", "doubled"),
        ("reorder+no order", "reordered"),
        ("slow openings", None),
        ("slow openings+no bootstrapping", "doubled"),
        ("+skipping cursor", "missing"),
        ("+wrong ack", "lost"),
    ],
)
def test_planted_faults_are_found_and_faults_of_the_bus_are_tolerated(
    open_deployment: OpenDeployment, tmp_path: Path, fault: str, finding: str | None
) -> None:
    deployment = open_deployment("sqlite", root=app_root(tmp_path, "tests.chaos.planted"), PLANTED=fault)
    # Without changes: a later change of a message would bring what a fault made a reader miss.
    campaign = make_campaign(deployment, writers=2, readers=2, change_chance=0, attachment_chance=0)
    # A fault of resumption needs resumptions: a fast server acknowledges enough messages before there are some.
    resumptions = 4 if fault == "+skipping cursor" else 0
    campaign.start()
    try:
        wait_until(lambda: len(campaign.acknowledged) > ENOUGH, "the acknowledgements of the writers", 30)
        wait_until(lambda: len(campaign.readers[1].stretches) >= resumptions, "the second reader to resume", 30)
    finally:
        found = campaign.finish()
    deployment.server.stop(signal.SIGINT)
    assert (set(found) >= {finding}) if finding else (found == {}), found


def has_pinned(campaign: Campaign) -> bool:
    return campaign.pinned > 40


def has_uploaded(campaign: Campaign) -> bool:
    return campaign.uploaded > 20


def has_synced_without_attachments(campaign: Campaign) -> bool:
    """Every message of the campaign has attachments."""
    return any(not message["attachments"] for message in list(campaign.readers[1].held.values()))


@pytest.mark.parametrize(
    ("fault", "finding", "is_enough"),
    [
        ("lose pins", None, has_pinned),
        ("lose pins+no repair", "missing", has_pinned),
        ("+unstored pins", "lost", has_pinned),
        ("+incomplete list of pins", "stale", has_pinned),
        ("+forgotten attachments", "lost", has_uploaded),
        ("+altered downloads", "altered", has_uploaded),
        ("+sync without attachments", "stale", has_synced_without_attachments),
    ],
)
def test_planted_faults_of_pins_and_attachments_are_found(
    open_deployment: OpenDeployment,
    tmp_path: Path,
    fault: str,
    finding: str | None,
    is_enough: Callable[[Campaign], bool],
) -> None:
    deployment = open_deployment("sqlite", root=app_root(tmp_path, "tests.chaos.planted"), PLANTED=fault)
    chances = (
        {"change_chance": 1, "attachment_chance": 0}
        if is_enough is has_pinned
        else {"change_chance": 0, "attachment_chance": 1}
    )
    campaign = make_campaign(deployment, writers=2, readers=2, **chances)
    campaign.start()
    try:
        wait_until(lambda: is_enough(campaign), "enough pins or attachments", 30)
    finally:
        found = campaign.finish()
    assert (set(found) == {finding}) if finding else (found == {}), found
