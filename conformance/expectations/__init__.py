"""What a case expects. Each expectation waits until it is so, `within` milliseconds, and raises Failure otherwise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from conformance.expectations import seen, shown

EXPECTATIONS: dict[str, Callable[..., Awaitable[None]]] = {
    "state": shown.state,
    "state_never": shown.state_never,
    "not_live": shown.not_live,
    "messages": shown.messages,
    "agrees": shown.agrees,
    "inbox": shown.inbox,
    "inbox_lacks": shown.inbox_lacks,
    "outbox": shown.outbox,
    "members": shown.members,
    "stored": seen.stored,
    "count": seen.count,
    "network_idle": seen.network_idle,
    "sockets": seen.sockets,
    "first": seen.first,
    "pause": seen.pause,
    "not_before": seen.not_before,
    "backoff": seen.backoff,
    "refused_tokens": seen.refused_tokens,
    "old_tokens_unused": seen.old_tokens_unused,
    "storage_lacks": seen.storage_lacks,
}
