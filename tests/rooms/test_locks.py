"""What waits for a change of a room, and what does not."""

from __future__ import annotations

import pytest
from flask import Flask

from backend.models import Conversation
from tests.factories import Factory
from tests.races import hold_row
from tests.rooms.conftest import make_cast


@pytest.mark.usefixtures("wiped")
def test_reads_of_a_room_do_not_wait_for_a_change_of_it(postgresql_app: Flask) -> None:
    cast = make_cast(Factory(postgresql_app))
    paths = ("", "/members", "/members?banned=true", "/invites")
    with hold_row(postgresql_app, Conversation, id=cast.room["conversation_id"]) as held:
        assert [cast.admin.get(f"{cast.path}{path}").status_code for path in paths] == [200] * 4
        change = held.start(lambda: cast.admin.patch(cast.path, {"name": "changed"}))
        held.wait_until_blocked()
    assert change.result().status_code == 200


@pytest.mark.usefixtures("wiped")
def test_a_change_of_a_room_does_not_wait_for_one_of_another_room(postgresql_app: Flask) -> None:
    make = Factory(postgresql_app)
    cast, other = make_cast(make), make_cast(make)
    with hold_row(postgresql_app, Conversation, id=other.room["conversation_id"]) as held:
        assert cast.admin.patch(cast.path, {"name": "changed"}).status_code == 200
        change = held.start(lambda: other.admin.patch(other.path, {"name": "changed"}))
        held.wait_until_blocked()
    assert change.result().status_code == 200
