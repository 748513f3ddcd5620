"""PostgreSQL's plans for a batch of sends: made once for a connection, and with indexes for any size of the database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from backend.messages.batch_sql import Batch, begin_batch
from backend.models.base import db

FILL = """
INSERT INTO users (id, username, is_active, created_at, updated_at)
    SELECT n, 'user' || n, true, now(), now() FROM generate_series(1000, 1099) n;
INSERT INTO chat_rooms (id, name, owner_id, is_public, created_at, updated_at)
    SELECT n, 'room' || n, 1000, true, now(), now() FROM generate_series(1000, 1049) n;
INSERT INTO room_memberships (room_id, user_id, joined_at, created_at, updated_at)
    SELECT r, u, now(), now(), now() FROM generate_series(1000, 1049) r, generate_series(1000, 1099) u
    WHERE %(count)s > 1000 OR (r, u) IN ((1000, 1007), (1049, 1000));
INSERT INTO conversations (id, kind, created_at, updated_at)
    SELECT 'dm:' || n || ':' || n + 1, 'dm', now(), now() FROM generate_series(1, %(count)s) n;
INSERT INTO messages (conversation_id, seq, modseq, sender_id, content, client_message_id, created_at, updated_at)
    SELECT 'dm:1:2', n, n, 1000, 'x', 'key ' || n, now(), now() FROM generate_series(1, %(count)s) n;
ANALYZE conversations, room_memberships, messages
"""

PLANS = "SELECT name, generic_plans, custom_plans FROM pg_prepared_statements"
STEPS = {
    "confab_lock": "(ARRAY['dm:7:8'])",
    "confab_load_context": "(ARRAY['dm:7:8'], ARRAY[1000], ARRAY[1000], ARRAY[1000], ARRAY['key 1'], 1)",
    "confab_attach": """('[{"id": 7, "message_id": 7, "position": 0}]', ARRAY[7])""",
    "confab_move": """('[{"id": "dm:7:8", "last_seq": 1, "last_modseq": 1}]', ARRAY['dm:7:8'])""",
}


@pytest.fixture(params=[10, 5000])
def batch(request: pytest.FixtureRequest, postgresql_app: Flask, wiped: None) -> Iterator[Batch]:
    """A batch in a database with this number of conversations and messages. A plan from a small database is kept as it grows."""
    with postgresql_app.app_context():
        with db.engine.begin() as connection:
            connection.exec_driver_sql(FILL, {"count": request.param})
        with begin_batch(db.engine) as batch:
            state = batch.open(
                {"dm:7:8", "room:none"}, {(1000, 1007), (1049, 1000), (1000, 1), (1, 1000)}, {(1000, "key 0")}, 2
            )
            assert not state.has_repeats
            assert state.heads == [("dm:7:8", 0, 0, None)]
            assert state.members == {(1000, 1007), (1049, 1000)}
            assert len(state.ids) == 2
            yield batch


@pytest.mark.parametrize("step", STEPS)
def test_no_table_is_scanned(batch: Batch, step: str) -> None:
    plan = batch.connection.exec_driver_sql(f"EXPLAIN EXECUTE {step} {STEPS[step]}").scalars().all()
    assert any("Index" in line for line in plan)
    assert not [line for line in plan if "Seq Scan" in line], plan


def test_statements_are_planned_once(batch: Batch) -> None:
    """By default PostgreSQL plans statements with arrays again each time, which takes longer than executing them."""
    made = {name: (reused, anew) for name, reused, anew in batch.connection.exec_driver_sql(PLANS)}
    assert made["confab_lock"][0] > 0
    assert made["confab_load_context"][0] > 0
    assert sum(anew for _, anew in made.values()) == 0
