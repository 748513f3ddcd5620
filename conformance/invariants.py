"""What holds in every case, and is checked at its end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from conformance.failure import Failure

if TYPE_CHECKING:
    from conformance.case import Run

IN_FLIGHT = 1.0
"""The seconds in which requests may still arrive that the client sent before it knew that its token is refused."""


async def check(run: Run) -> None:
    """Raises Failure."""
    for device in run.devices.values():
        if device.is_running:
            for conversation, tab in run.opened.get(device.name, []):
                _no_message_twice(await device.call("messages", conversation=conversation, tab=tab), conversation)
    _live_after_the_last_page(run)
    _no_refused_token(run)
    _one_socket(run)
    _valid_frames(run)


def _no_message_twice(shown: list[dict[str, object]], conversation: str) -> None:
    for name in ("id", "seq", "client_message_id"):
        counts = Counter(m[name] for m in shown if m.get(name) is not None)
        twice = [value for value, number in counts.items() if number > 1]
        if twice:
            raise Failure(f"The client shows messages of {conversation} twice, with the same {name}: {twice}")
    order = [int(str(message["seq"])) for message in shown]
    if order != sorted(order):
        raise Failure(f"The client shows messages of {conversation} out of order: {order}")


def _live_after_the_last_page(run: Run) -> None:
    """`live` is reported after the last page of `resumed` on the latest socket. Checked where there is one device."""
    if len(run.devices) > 1:
        return
    is_done = False
    for entry in run.trace.entries:
        if entry.kind == "open":
            is_done = False
        elif entry.kind == "out" and entry.data["frame"]["type"] == "resumed":
            is_done = is_done or entry.data["frame"]["done"]
        elif entry.kind == "event" and entry.data.get("status") == "live" and not is_done:
            raise Failure(f"The client reports `live` at {entry.at:.3f} s, before the last page of `resumed`.")


def _no_refused_token(run: Run) -> None:
    """A token that was answered with 401 or 4401 is not used again."""
    for entry in run.trace.entries:
        refused_at = run.server.refused.get(str(entry.data.get("token")))
        if entry.kind not in ("request", "open") or refused_at is None or "logout" in entry.data.get("call", ""):
            continue
        if entry.at > refused_at + IN_FLIGHT:
            raise Failure(f"The client uses a token that was refused at {refused_at:.3f} s: {entry}")


def _one_socket(run: Run) -> None:
    if run.server.most_sockets > len(run.devices):
        raise Failure(f"{run.server.most_sockets} sockets were open at a time, of {len(run.devices)} device(s).")


def _valid_frames(run: Run) -> None:
    """The client sends no frame that the server refuses as invalid, unless the case tells the server to."""
    told = [step for step in run.case.steps if step.get("refuse", {}).get("code") == "validation_failed"]
    for entry in run.trace.find("out"):
        if entry.data["frame"].get("code") == "validation_failed" and not told:
            raise Failure(f"The client sends an invalid frame: {entry}")
