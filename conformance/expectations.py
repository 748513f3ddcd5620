"""What a case expects: of the client's state, and of what the server saw. Each waits until it is so, `within` milliseconds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from conformance.device import Device
from conformance.failure import Failure
from conformance.server import changes
from conformance.trace import Entry

if TYPE_CHECKING:
    from conformance.case import Run

WITHIN = 6_000
"""The milliseconds that an expectation waits, unless the case says otherwise."""

POLL = 0.04
IN_FLIGHT = 0.5
COUNTED = ("last_seq", "last_read_seq", "unread_count", "mention_count", "is_muted", "is_pinned")
SHOWN = ("id", "seq", "modseq", "content")


async def _until(run: Run, found: Callable[[], Awaitable[tuple[bool, str]]], within: int) -> None:
    """Wait until *found* returns True. Raises Failure with its text after *within* milliseconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + run.patience * within / 1000
    while True:
        is_so, text = await found()
        if is_so:
            return
        if loop.time() > end:
            raise Failure(text)
        await asyncio.sleep(POLL)


async def state(run: Run, device: Device | None, is_: str, within: int = WITHIN, tab: str = "1") -> None:
    """The last status that the client reported is *is_*."""
    assert device is not None

    async def found() -> tuple[bool, str]:
        status = device.statuses.get(tab)
        return status == is_, f"The client reports the status {status}, and {is_} is expected."

    await _until(run, found, within)


async def not_live(run: Run, device: Device | None, within: int = WITHIN) -> None:
    """The client reports that it is no longer live."""
    assert device is not None

    async def found() -> tuple[bool, str]:
        return device.statuses.get("1") != "live", "The client is still live."

    await _until(run, found, within)


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
        return contents == is_, f"The client shows {_short(contents)} in {conversation}, and {_short(is_)} is expected."

    await _until(run, found, within)


async def agrees(run: Run, device: Device | None, within: int = WITHIN) -> None:
    """The client's inbox, and the conversations that it opened, are those of the server."""
    assert device is not None

    async def found() -> tuple[bool, str]:
        text = await _difference(run, device)
        return text is None, text or ""

    await _until(run, found, within)


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
    for id_ in run.opened.get(device.name, []):
        if id_ in rows and (text := await _message_difference(run, device, id_)):
            return text
    return None


async def _message_difference(run: Run, device: Device, id_: str) -> str | None:
    """The client may have the last messages only, but then all of them."""
    shown = [{name: m[name] for name in SHOWN} for m in await device.call("messages", conversation=id_)]
    every = [{name: getattr(m, name) for name in SHOWN} for m in run.world.conversations[id_].messages]
    if every and not shown:
        return f"The client shows nothing in {id_}, which has {len(every)} messages."
    expected = every[len(every) - len(shown) :] if shown else []
    if shown == expected:
        return None
    pair = next(((a, b) for a, b in zip(shown, expected, strict=False) if a != b), (shown, expected))
    return f"The client shows {_short(pair[0])} in {id_}, and the server has {_short(pair[1])}."


async def inbox(run: Run, device: Device | None, conversation: str, has: dict[str, Any], within: int = WITHIN) -> None:
    """The row of *conversation* has these values."""
    assert device is not None

    async def found() -> tuple[bool, str]:
        row = next((row for row in await device.call("inbox") if row["id"] == conversation), None)
        is_so = row is not None and has.items() <= row.items()
        return is_so, f"The inbox has {_short(row)} for {conversation}, and {has} is expected."

    await _until(run, found, within)


async def inbox_lacks(run: Run, device: Device | None, conversation: str, within: int = WITHIN) -> None:
    """The inbox has no row of *conversation*, and the client shows none of its messages."""
    assert device is not None

    async def found() -> tuple[bool, str]:
        rows = [row["id"] for row in await device.call("inbox")]
        shown = await device.call("messages", conversation=conversation)
        return conversation not in rows and not shown, f"The client still has {conversation}: {rows}, {_short(shown)}"

    await _until(run, found, within)


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

    await _until(run, found, within)


async def members(run: Run, device: Device | None, conversation: str, is_: list[int], within: int = WITHIN) -> None:
    """The client shows these users as members."""
    assert device is not None

    async def found() -> tuple[bool, str]:
        own = sorted(await device.call("members", conversation=conversation))
        return own == is_, f"The members of {conversation} are {own}, and {is_} is expected."

    await _until(run, found, within)


async def stored(
    run: Run, device: Device | None, conversation: str, is_: list[str], by: str = "ann", within: int = WITHIN
) -> None:
    """The server has these messages of *by*, each once and in this order."""
    sender = run.world.accounts.named(by).id

    async def found() -> tuple[bool, str]:
        every = run.world.conversations[conversation].messages
        own = [m.content for m in every if m.sender_id == sender]
        return own == is_, f"The server has stored {_short(own)} in {conversation}, and {_short(is_)} is expected."

    await _until(run, found, within)


def _of(entry: Entry) -> str | None:
    """What the client did: a call (`POST /api/auth/refresh`), `open` (a socket) or a frame (`frame resume`)."""
    match entry.kind:
        case "request":
            return str(entry.data["call"])
        case "open":
            return "open"
        case "in":
            return f"frame {entry.data['frame'].get('type')}"
    return None


def _done(run: Run, since: str | None, of: str = "*") -> list[Entry]:
    """What the client did since a mark, if it matches the pattern *of*."""
    start = run.since(since)
    return [e for e in run.trace.entries if e.at >= start and (name := _of(e)) is not None and fnmatchcase(name, of)]


async def count(
    run: Run,
    device: Device | None,
    of: str,
    since: str | None = None,
    at_least: int = 0,
    at_most: int | None = None,
    ms: int = 0,
    within: int = WITHIN,
) -> None:
    """The client does *of* so many times since a mark. The time *ms* passes first."""
    await asyncio.sleep(ms / 1000)

    async def enough() -> tuple[bool, str]:
        number = len(_done(run, since, of))
        return number >= at_least, f"The client does {of} {number} times, and at least {at_least} are expected."

    await _until(run, enough, within)
    if at_most is not None and (number := len(_done(run, since, of))) > at_most:
        raise Failure(f"The client does {of} {number} times, and at most {at_most} are allowed.")


async def sockets(run: Run, device: Device | None, count: int, within: int = WITHIN) -> None:
    """So many sockets are open."""

    async def found() -> tuple[bool, str]:
        number = len(run.server.sockets)
        return number == count, f"{number} sockets are open, and {count} are expected."

    await _until(run, found, within)


async def first(run: Run, device: Device | None, of: str, since: str, within: int = WITHIN) -> None:
    """The first thing that the client does since a mark."""

    async def found() -> tuple[bool, str]:
        return bool(_done(run, since)), f"The client does nothing, and {of} is expected."

    await _until(run, found, within)
    entry = _done(run, since)[0]
    if _of(entry) != of:
        raise Failure(f"The client first does {_of(entry)}, and {of} is expected first.")


async def pause(
    run: Run, device: Device | None, of: str, at_least: int, since: str | None = None, within: int = WITHIN
) -> None:
    """The client waits at least so many milliseconds between the first and the second *of* since a mark."""

    async def found() -> tuple[bool, str]:
        return len(_done(run, since, of)) >= 2, f"The client does not do {of} again."

    await _until(run, found, within)
    earlier, later = _done(run, since, of)[:2]
    if (ms := (later.at - earlier.at) * 1000) < at_least:
        raise Failure(f"The client waits {ms:.0f} ms before it does {of} again; {at_least} ms are expected.")


async def not_before(run: Run, device: Device | None, of: str, since: str, at_least: int, within: int = WITHIN) -> None:
    """The first *of* since a mark comes at least so many milliseconds after it."""

    async def found() -> tuple[bool, str]:
        return bool(_done(run, since, of)), f"The client does not do {of}."

    await _until(run, found, within)
    if (ms := (_done(run, since, of)[0].at - run.since(since)) * 1000) < at_least:
        raise Failure(f"The client does {of} after {ms:.0f} ms; it must wait {at_least} ms.")


async def backoff(run: Run, device: Device | None, attempts: int, since: str, within: int = 30_000) -> None:
    """Every client opens so many sockets since a mark. The gaps are 1 to 30 s, grow, and differ between clients."""

    def gaps() -> list[list[float]]:
        by_client: dict[str, list[float]] = {}
        for entry in _done(run, since, "open"):
            by_client.setdefault(entry.data["client_id"], [run.since(since)]).append(entry.at)
        return [[b - a for a, b in pairwise(times)][:attempts] for times in by_client.values()]

    async def found() -> tuple[bool, str]:
        numbers = sorted(len(each) for each in gaps())
        is_so = len(numbers) == len(run.devices) and numbers[0] >= attempts
        return is_so, f"The clients open {numbers} sockets, and {attempts} of each are expected."

    await _until(run, found, within)
    every = gaps()
    text = ", ".join("/".join(f"{gap:.2f}" for gap in each) for each in every)
    if any(not MIN_GAP <= gap <= MAX_GAP for each in every for gap in each):
        raise Failure(f"The gaps between reconnects are {text} s. Each must be {MIN_GAP} to {MAX_GAP} s.")
    if sum(each[-1] for each in every) <= 1.5 * sum(each[0] for each in every):
        raise Failure(f"The gaps between reconnects do not grow: {text} s.")
    spreads = [max(each) - min(each) for each in zip(*every, strict=True)]
    if all(spread < least for spread, least in zip(spreads[1:], SPREADS, strict=False)):
        raise Failure(f"The gaps between reconnects are not random: {text} s.")


MIN_GAP, MAX_GAP = 0.45, 31.0
"""Seconds. A second at first, of which a random part may be left out; 30 s at most."""

SPREADS = (0.3, 0.4)
"""Seconds between the least and the greatest second gap, and third gap, of several clients. One of the two must be reached."""


async def refused_tokens(run: Run, device: Device | None, at_most: int) -> None:
    """The client used so many tokens that the server refused."""
    if (number := len(run.server.refused)) > at_most:
        raise Failure(f"The server refused {number} tokens, and at most {at_most} are allowed.")


async def old_tokens_unused(run: Run, device: Device | None, since: str, ms: int = 0) -> None:
    """No token is used that was used before a mark. Requests that were on their way may still arrive."""
    await asyncio.sleep(ms / 1000)
    start = run.since(since)
    used = [e for e in run.trace.entries if e.kind in ("request", "open") and e.data.get("token")]
    old = {e.data["token"] for e in used if e.at < start}
    again = next((e for e in used if e.at >= start + IN_FLIGHT and e.data["token"] in old), None)
    if again is not None:
        raise Failure(f"The client uses an old token: {again}")


async def storage_lacks(run: Run, device: Device | None, texts: list[str], within: int = WITHIN) -> None:
    """No file of the client's storage has these texts, nor a token."""
    assert device is not None
    secrets = [*run.world.accounts.tokens, *(t for s in run.world.accounts.sessions for t in s.refresh_tokens)]

    async def found() -> tuple[bool, str]:
        left = [p for p in device.storage.rglob("*") if p.is_file()]
        names = [(p.name, text) for p in left for text in [*texts, *secrets] if _has(p.read_bytes(), text)]
        return not names, f"The storage still has: {_short(names)}"

    await _until(run, found, within)


def _has(data: bytes, text: str) -> bool:
    """Also as JSON writes it."""
    return text.encode() in data or json.dumps(text)[1:-1].encode() in data


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 300 else f"{text[:300]}…"


EXPECTATIONS: dict[str, Callable[..., Awaitable[None]]] = {
    "state": state,
    "state_never": state_never,
    "not_live": not_live,
    "messages": messages,
    "agrees": agrees,
    "inbox": inbox,
    "inbox_lacks": inbox_lacks,
    "outbox": outbox,
    "members": members,
    "stored": stored,
    "count": count,
    "sockets": sockets,
    "first": first,
    "pause": pause,
    "not_before": not_before,
    "backoff": backoff,
    "refused_tokens": refused_tokens,
    "old_tokens_unused": old_tokens_unused,
    "storage_lacks": storage_lacks,
}
