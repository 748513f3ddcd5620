"""Cues: what a case lets the server or other users do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from conformance.server.faults import Fault

if TYPE_CHECKING:
    from conformance.server.server import Server


async def carry_out(server: Server, step: dict[str, Any]) -> None:
    """Carry out one cue: `{"cue": "close", "code": 1012}`. Raises KeyError for one that is not defined."""
    arguments = dict(step)
    name = arguments.pop("cue")
    server.trace.add("cue", cue=name, **arguments)
    done = CUES[name](server, **arguments)
    if done is not None:
        await done


def _fault(server: Server, **rule: Any) -> None:
    server.faults.add(Fault(**rule))


def _clear(server: Server) -> None:
    server.faults.clear()


def _release(server: Server, name: str) -> None:
    server.faults.gate(name).set()


def _close(server: Server, code: int, client_id: str | None = None) -> None:
    """Close all sockets with *code*."""
    for socket in list(server.sockets):
        if client_id in (None, socket.client_id):
            socket.close(code)


def _cut(server: Server) -> None:
    """Cut all sockets without a close frame."""
    for socket in list(server.sockets):
        socket.cut()


def _hang(server: Server) -> None:
    """Let all sockets that are open fall silent."""
    for socket in server.sockets:
        socket.is_hung = True


async def _down(server: Server) -> None:
    """Refuse connections, as a server that is not running."""
    await server.close()


async def _up(server: Server) -> None:
    await server.open()


async def _wait(server: Server, ms: int) -> None:
    """Let this time pass."""
    await asyncio.sleep(ms / 1000)


def _expire(server: Server, user: str) -> None:
    """Let the access tokens of *user* expire; open sockets close with 4401."""
    server.world.accounts.expire(server.world.accounts.named(user))


def _revoke(server: Server, user: str) -> None:
    """End the sessions of *user*."""
    for session in server.world.accounts.sessions:
        if session.user.username == user:
            session.has_ended = True


def _advance(server: Server, seconds: float) -> None:
    """Let the server's clock jump."""
    server.world.accounts.clock_offset += seconds


def _token_seconds(server: Server, seconds: float) -> None:
    """The lifetime of the access tokens from now on."""
    server.world.accounts.token_seconds = seconds


def _backup(server: Server) -> None:
    """Take a backup of the conversations."""
    server.backup = server.world.save()


def _restore(server: Server) -> None:
    """Restart with the backup: the sockets close with 1012, and modseqs and seqs go back."""
    _close(server, 1012)
    server.world.restore(server.backup)


def _reverse(server: Server) -> None:
    """Keep events back from now on."""
    server.reversed = []


def _deliver(server: Server) -> None:
    """Send the events that were kept back, the last one first."""
    kept, server.reversed = server.reversed or [], None
    for socket, frame in reversed(kept):
        socket.send(frame)


def _say(server: Server, user: str, conversation: str, content: str, times: int = 1, parent: int | None = None) -> None:
    """Let *user* send a message; with *times*, the messages `content 1`, `content 2` and so on."""
    sender = server.world.accounts.named(user)
    for number in range(1, times + 1):
        body: dict[str, Any] = {
            "conversation_id": conversation,
            "content": content if times == 1 else f"{content} {number}",
        }
        if parent is not None:
            body["parent_id"] = server.world.conversations[conversation].messages[parent - 1].id
        server.world.send(sender, body)


def _edit(server: Server, user: str, conversation: str, seq: int, content: str) -> None:
    server.world.edit(server.world.accounts.named(user), _id(server, conversation, seq), content)


def _delete(server: Server, user: str, conversation: str, seq: int) -> None:
    server.world.delete(server.world.accounts.named(user), _id(server, conversation, seq))


def _react(server: Server, user: str, conversation: str, seq: int, emoji: str, adds: bool = True) -> None:
    server.world.react(server.world.accounts.named(user), _id(server, conversation, seq), emoji, adds=adds)


def _read(server: Server, user: str, conversation: str, seq: int) -> None:
    server.world.read(server.world.accounts.named(user), conversation, seq)


def _unread(server: Server, user: str, conversation: str, seq: int) -> None:
    server.world.unread(server.world.accounts.named(user), conversation, seq)


def _configure(server: Server, user: str, conversation: str, **settings: bool) -> None:
    """Mute or pin, from another device of *user*."""
    server.world.configure(server.world.accounts.named(user), conversation, **settings)


def _join(server: Server, user: str, conversation: str) -> None:
    server.world.join(server.world.accounts.named(user), conversation)


def _leave(server: Server, user: str, conversation: str) -> None:
    """Take *user* out of a room."""
    server.world.leave(server.world.accounts.named(user), conversation)


def _typing(server: Server, user: str, conversation: str, is_typing: bool = True) -> None:
    server.world.typing(server.world.accounts.named(user), conversation, is_typing)


def _emit(server: Server, frame: dict[str, Any]) -> None:
    """Send any frame to all sockets."""
    for socket in server.sockets:
        socket.send(frame)


def _id(server: Server, conversation: str, seq: int) -> int:
    return server.world.conversations[conversation].messages[seq - 1].id


CUES: dict[str, Callable[..., Awaitable[None] | None]] = {
    "fault": _fault,
    "clear": _clear,
    "release": _release,
    "close": _close,
    "cut": _cut,
    "hang": _hang,
    "down": _down,
    "up": _up,
    "wait": _wait,
    "expire": _expire,
    "revoke": _revoke,
    "advance": _advance,
    "token_seconds": _token_seconds,
    "backup": _backup,
    "restore": _restore,
    "reverse": _reverse,
    "deliver": _deliver,
    "say": _say,
    "edit": _edit,
    "delete": _delete,
    "react": _react,
    "read": _read,
    "unread": _unread,
    "configure": _configure,
    "join": _join,
    "leave": _leave,
    "typing": _typing,
    "emit": _emit,
}
