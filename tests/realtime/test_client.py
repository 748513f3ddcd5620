"""The client of these tests notices what the server must not do."""

from __future__ import annotations

import pytest

from tests.realtime.client import ContractViolation, Frame, changes_of, end_of


def page_of(messages: list[int], members: list[int], head: int, *, truncated: bool = False) -> Frame:
    changes = {name: [{"modseq": n} for n in found] for name, found in (("messages", messages), ("members", members))}
    return {"id": "room:7", "last_modseq": head, "truncated": truncated, **changes}


@pytest.mark.parametrize(
    ("messages", "members"), [([8], []), ([], [8]), ([5, 4], []), ([], [5, 4]), ([4, 4], [])], ids=str
)
def test_a_page_behind_its_head_or_out_of_order_is_refused(messages: list[int], members: list[int]) -> None:
    with pytest.raises(ContractViolation, match="room:7 at 7"):
        changes_of(page_of(messages, members, head=7))


def test_a_truncated_page_ends_with_its_last_change() -> None:
    assert len(changes_of(page_of([2, 4], [3, 5], head=7))) == 4
    assert end_of(page_of([2, 4], [3, 5], head=7)) == 7
    assert end_of(page_of([2, 4], [3, 5], head=7, truncated=True)) == 5
    assert end_of(page_of([], [3, 5], head=7, truncated=True)) == 5
