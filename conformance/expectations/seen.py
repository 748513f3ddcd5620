"""What the server saw of the client, and what is on the disk."""

from __future__ import annotations

import asyncio
import json
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import TYPE_CHECKING

from conformance.device import Device
from conformance.expectations.waiting import WITHIN, short, until
from conformance.failure import Failure
from conformance.trace import Entry

if TYPE_CHECKING:
    from conformance.case import Run

IN_FLIGHT = 0.5
"""The seconds in which requests may still arrive that were on their way."""


async def stored(
    run: Run, device: Device | None, conversation: str, is_: list[str], by: str = "ann", within: int = WITHIN
) -> None:
    """The server has these messages of *by*, each once and in this order."""
    sender = run.world.accounts.named(by).id

    async def found() -> tuple[bool, str]:
        every = run.world.conversations[conversation].messages
        own = [m.content for m in every if m.sender_id == sender]
        return own == is_, f"The server has stored {short(own)} in {conversation}, and {short(is_)} is expected."

    await until(run, found, within)


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

    await until(run, enough, within)
    if at_most is not None and (number := len(_done(run, since, of))) > at_most:
        raise Failure(f"The client does {of} {number} times, and at most {at_most} are allowed.")


async def network_idle(run: Run, device: Device | None, ms: int = 500, within: int = WITHIN) -> None:
    """Every request is answered, and no request came for *ms* milliseconds."""

    async def found() -> tuple[bool, str]:
        requests, responses = (list(run.trace.find(kind)) for kind in ("request", "response"))
        last = max((entry.at for entry in [*requests, *responses]), default=0)
        is_idle = len(requests) == len(responses) and run.trace.now() >= last + ms / 1000
        return is_idle, f"The client makes requests all the time, and none in {ms} ms is expected."

    await until(run, found, within)


async def sockets(run: Run, device: Device | None, count: int, within: int = WITHIN) -> None:
    """So many sockets are open."""

    async def found() -> tuple[bool, str]:
        number = len(run.server.sockets)
        return number == count, f"{number} sockets are open, and {count} are expected."

    await until(run, found, within)


async def first(run: Run, device: Device | None, of: str, since: str, within: int = WITHIN) -> None:
    """The first thing that the client does since a mark."""

    async def found() -> tuple[bool, str]:
        return bool(_done(run, since)), f"The client does nothing, and {of} is expected."

    await until(run, found, within)
    entry = _done(run, since)[0]
    if _of(entry) != of:
        raise Failure(f"The client first does {_of(entry)}, and {of} is expected first.")


async def pause(
    run: Run, device: Device | None, of: str, at_least: int, since: str | None = None, within: int = WITHIN
) -> None:
    """The client waits at least so many milliseconds between the first and the second *of* since a mark."""

    async def found() -> tuple[bool, str]:
        return len(_done(run, since, of)) >= 2, f"The client does not do {of} again."

    await until(run, found, within)
    earlier, later = _done(run, since, of)[:2]
    if (ms := (later.at - earlier.at) * 1000) < at_least:
        raise Failure(f"The client waits {ms:.0f} ms before it does {of} again; {at_least} ms are expected.")


async def not_before(run: Run, device: Device | None, of: str, since: str, at_least: int, within: int = WITHIN) -> None:
    """The first *of* since a mark comes at least so many milliseconds after it."""

    async def found() -> tuple[bool, str]:
        return bool(_done(run, since, of)), f"The client does not do {of}."

    await until(run, found, within)
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

    await until(run, found, within)
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
        return not names, f"The storage still has: {short(names)}"

    await until(run, found, within)


def _has(data: bytes, text: str) -> bool:
    """Also as JSON writes it."""
    return text.encode() in data or json.dumps(text)[1:-1].encode() in data
