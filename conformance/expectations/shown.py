"""What the client reports and shows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from conformance.device import Device
from conformance.expectations.waiting import WITHIN, short, until
from conformance.failure import Failure
from conformance.server import changes

if TYPE_CHECKING:
    from conformance.case import Run

COUNTED = ("last_seq", "last_read_seq", "unread_count", "mention_count", "is_muted", "is_pinned")
SHOWN = ("id", "seq", "modseq", "content")


async def state(run: Run, device: Device | None, is_: str, within: int = WITHIN, tab: str = "1") -> None:
    """The last status that the client reported is *is_*."""
    assert device is not None

    async def found() -> tuple[bool, str]:
        status = device.statuses.get(tab)
        return status == is_, f"The client reports the status {status}, and {is_} is expected."

    await until(run, found, within)


async def not_live(run: Run, device: Device | None, since: str, within: int = WITHIN) -> None:
    """The client has reported since a mark that it is not live. It may be live again by now."""
    assert device is not None
    start = run.since(since)

    async def found() -> tuple[bool, str]:
        reports = run.trace.find("event", start, device=device.name, event="state")
        return any(report.data["status"] != "live" for report in reports), "The client is still live."

    await until(run, found, within)


async def state_never(run: Run, device: Device | None, is_: str, ms: int = 0, since: str | None = None) -> None:
    """The client does not report the status *is_* since a mark, nor in the next *ms* milliseconds."""
    start = run.since(since) if since else run.trace.now()
    await asyncio.sleep(ms / 1000)
    assert device is not None
    found = next(run.trace.find("event", start, device=device.name, event="state", status=is_), None)
    if found is not None:
        raise Failure(f"The client reports the status {is_} at {found.at:.3f} s, which it must not.")


async def messages(
    run: Run,
    device: Device | None,
    conversation: str,
    is_: list[str],
    last: int | None = None,
    within: int = WITHIN,
    tab: str = "1",
) -> None:
    """The client shows messages with exactly these contents, in this order. With *last* only the last ones are compared."""
    assert device is not None

    async def found() -> tuple[bool, str]:
        shown = await device.call("messages", conversation=conversation, tab=tab)
        contents = [message["content"] for message in shown][-(last or 0) :]
        return contents == is_, f"The client shows {short(contents)} in {conversation}, and {short(is_)} is expected."

    await until(run, found, within)


async def agrees(run: Run, device: Device | None, within: int = WITHIN) -> None:
    """The client's inbox, and the conversations that it opened, are those of the server."""
    assert device is not None

    async def found() -> tuple[bool, str]:
        text = await _difference(run, device)
        return text is None, text or ""

    await until(run, found, within)


async def _difference(run: Run, device: Device) -> str | None:
    """The first difference between the client and the server."""
    user = run.world.accounts.named(run.users[device.name])
    expected = [changes.inbox_row(run.world, user, c) for c in run.world.conversations_of(user)]
    rows = {row["id"]: row for row in await device.call("inbox")}
    if list(rows) != [row["id"] for row in expected]:
        return f"The inbox is {list(rows)}, and the server's is {[row['id'] for row in expected]}."
    for row in expected:
        own, right = ({name: each.get(name) for name in COUNTED} for each in (rows[row["id"]], row))
        if own != right:
            return f"The inbox has {own} for {row['id']}, and the server {right}."
    for id_, tab in run.opened.get(device.name, []):
        if id_ in rows and (text := await _message_difference(run, device, id_, tab)):
            return text
    return None


async def _message_difference(run: Run, device: Device, id_: str, tab: str) -> str | None:
    """The client may have the last messages only, but then all of them."""
    messages = await device.call("messages", conversation=id_, tab=tab)
    shown = [{name: m[name] for name in SHOWN} for m in messages]
    every = [{name: getattr(m, name) for name in SHOWN} for m in run.world.conversations[id_].messages]
    if every and not shown:
        return f"The client shows nothing in {id_}, which has {len(every)} messages."
    expected = every[len(every) - len(shown) :] if shown else []
    if shown == expected:
        return None
    pair = next(((a, b) for a, b in zip(shown, expected, strict=False) if a != b), (shown, expected))
    return f"The client shows {short(pair[0])} in {id_}, and the server has {short(pair[1])}."


async def inbox(
    run: Run, device: Device | None, conversation: str, has: dict[str, Any], within: int = WITHIN, tab: str = "1"
) -> None:
    """The row of *conversation* has these values."""
    assert device is not None

    async def found() -> tuple[bool, str]:
        rows = await device.call("inbox", tab=tab)
        row = next((row for row in rows if row["id"] == conversation), None)
        is_so = row is not None and has.items() <= row.items()
        return is_so, f"The inbox has {short(row)} for {conversation}, and {has} is expected."

    await until(run, found, within)


async def inbox_lacks(run: Run, device: Device | None, conversation: str, within: int = WITHIN) -> None:
    """The inbox has no row of *conversation*, and the client shows none of its messages."""
    assert device is not None

    async def found() -> tuple[bool, str]:
        rows = [row["id"] for row in await device.call("inbox")]
        shown = await device.call("messages", conversation=conversation)
        return conversation not in rows and not shown, f"The client still has {conversation}: {rows}, {short(shown)}"

    await until(run, found, within)


async def outbox(run: Run, device: Device | None, is_: list[list[str]], within: int = WITHIN) -> None:
    """The outbox has these messages: pairs of the content and the state, or of the content and `waiting` (queued or sending)."""
    assert device is not None

    async def found() -> tuple[bool, str]:
        items = await device.call("outbox")
        own = [[run.texts.get(i["client_message_id"], "?"), i["state"]] for i in items]
        matches = len(own) == len(is_) and all(
            a[0] == b[0] and (a[1] == b[1] or (b[1] == "waiting" and a[1] in ("queued", "sending")))
            for a, b in zip(own, is_, strict=True)
        )
        return matches, f"The outbox is {own}, and {is_} is expected."

    await until(run, found, within)


async def members(run: Run, device: Device | None, conversation: str, is_: list[int], within: int = WITHIN) -> None:
    """The client shows these users as members."""
    assert device is not None

    async def found() -> tuple[bool, str]:
        own = sorted(await device.call("members", conversation=conversation))
        return own == is_, f"The members of {conversation} are {own}, and {is_} is expected."

    await until(run, found, within)
