"""The commands that clients send over their sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import Schema

from backend.concurrency import LARGE_ANSWERS
from backend.conversations.references import resolve_conversation
from backend.database import is_unavailable
from backend.errors import ChatError, InsufficientScope, Unauthorized, Unavailable, ValidationFailed
from backend.events import publish, typing_event
from backend.http import rate_limits
from backend.http.fields import BodySchema, StrictBoolean, Text, WholeNumber
from backend.identity.identity import Credentials
from backend.identity.tickets import identify_socket
from backend.inbox.marks import mark_read
from backend.inbox.sync import sync_page
from backend.messages.access import authorize
from backend.messages.schemas import SyncRequestSchema
from backend.messages.validation import check_not_blocked
from backend.models import User
from backend.models.base import db
from backend.realtime.delivery.history import heads_for
from backend.realtime.delivery.subscriptions import Positions
from backend.realtime.hub import Hub
from backend.realtime.refusals import log_refused_frame
from backend.realtime.transport.connection import Connection
from backend.realtime.transport.frames import ClientFrame, Close, answer_frame, client_frame, error_frame
from backend.realtime.writes import (
    SCHEMAS,
    Write,
    can_share,
    load_frame,
    parse_write,
    refusal_of,
    write_answer,
    write_together,
)
from backend.users.blocks import is_blocked

PAGE_BYTES = 512 * 1024
"""The approximate limit of a page of `resumed`: live events of other conversations fit into the write buffer beside it."""

READ_SECONDS = 60.0
"""How long a page of `resumed` waits until the client has read the one before it."""


class TypingSchema(BodySchema):
    conversation_id = Text(required=True, high=100)
    is_typing = StrictBoolean(load_default=True)


class ReadFrameSchema(BodySchema):
    conversation_id = Text(required=True, high=100)
    seq = WholeNumber(required=True)


class AuthSchema(BodySchema):
    token = Text(required=True, high=8192)


class NoFields(BodySchema):
    """A frame with nothing but its type and id."""


TYPING, READ, RESUME, AUTH, NO_FIELDS = TypingSchema(), ReadFrameSchema(), SyncRequestSchema(), AuthSchema(), NoFields()


class CommandHandler:
    """Handles the frames of clients, those of each client in order. Each command calls the same service as its REST route."""

    def __init__(self, hub: Hub, *, is_rate_limited: bool):
        self._hub = hub
        self._is_rate_limited = is_rate_limited
        self._commands: dict[str, tuple[Schema, Callable[[Connection, dict[str, Any], str | None], None]]] = {
            "typing": (TYPING, self._typing),
            "read": (READ, self._read),
            "resume": (RESUME, self._resume),
            "auth": (AUTH, self._auth),
            "ping": (NO_FIELDS, self._ping),
        }

    @property
    def types(self) -> list[str]:
        """The types of frames that clients may send."""
        return [*SCHEMAS, *self._commands]

    def handle_batch(self, connection: Connection, batch: list[bytes]) -> None:
        """Handle the frames of *batch*, in order. Consecutive writes are committed together."""
        writes: list[tuple[str | None, Write]] = []
        frames = [client_frame(data) for data in batch]
        self._count_calls(connection, frames)
        for frame in frames:
            if not connection.is_open:
                return
            try:
                if frame.refusal is not None:
                    raise frame.refusal
                if isinstance(frame.type, str) and frame.type in SCHEMAS:
                    _need(connection, "write")
                    write = parse_write(connection.user_id, frame.type, frame.body)
                    if writes and not can_share(writes[-1][1], write):
                        self._write(connection, writes)
                    writes.append((frame.id, write))
                    continue
                self._write(connection, writes)
                self._command(connection, frame.type, frame.body, frame.id)
            except ChatError as error:
                self._write(connection, writes)
                log_refused_frame(connection, error)
                connection.write(error_frame(error, frame.id))
        self._write(connection, writes)

    def _count_calls(self, connection: Connection, frames: list[ClientFrame]) -> None:
        """Count *frames* as calls of the user, and refuse those beyond the limit. Pings are not counted."""
        if not self._is_rate_limited:
            return
        counted = [frame for frame in frames if frame.type != "ping"]
        if counted:
            with self._hub.runtime.app_context():
                allowed, refusal = rate_limits.allow_user(connection.user_id, len(counted))
            for frame in counted[allowed:]:
                frame.refusal = refusal

    def _command(self, connection: Connection, type_: Any, frame: dict[str, Any], frame_id: str | None) -> None:
        if not isinstance(type_, str) or type_ not in self._commands:
            raise ValidationFailed.of("type", f"Must be one of: {', '.join(self.types)}.")
        schema, command = self._commands[type_]
        body = load_frame(schema, frame)
        try:
            with self._hub.runtime.app_context():
                command(connection, body, frame_id)
        except Exception as error:
            if not is_unavailable(error):
                raise
            raise Unavailable from error

    def _write(self, connection: Connection, writes: list[tuple[str | None, Write]]) -> None:
        """Write what was gathered, and answer it: after the commit, never before."""
        if not writes:
            return
        gathered = list(writes)
        writes.clear()
        results = write_together(self._hub.runtime, [write for _, write in gathered])
        frames = []
        for (frame_id, write), result in zip(gathered, results, strict=True):
            if isinstance(result, Exception):
                refusal = refusal_of(result)
                log_refused_frame(connection, refusal)
                frames.append(error_frame(refusal, frame_id))
            else:
                frames.append(write_answer(connection, write, result, frame_id))
        connection.write(b"".join(frames))

    def _typing(self, connection: Connection, body: dict[str, Any], frame_id: str | None) -> None:
        _need(connection, "write")
        name = body["conversation_id"]
        place, is_hidden = resolve_conversation(connection.user_id, name), False
        if place.peer_id is not None or name not in connection.conversations:
            with self._hub.runtime.reading():
                authorize(_user(connection), place)
                check_not_blocked(connection.user_id, place)
                is_hidden = place.peer_id is not None and is_blocked(place.peer_id, by_id=connection.user_id)
        if not is_hidden:
            publish([typing_event(name, connection.user_id, body["is_typing"])])
        connection.write(answer_frame("ok", frame_id))

    def _read(self, connection: Connection, body: dict[str, Any], frame_id: str | None) -> None:
        _need(connection, "write")
        mark_read(_user(connection), body["conversation_id"], body["seq"], source_connection=connection.uid)
        connection.write(answer_frame("ok", frame_id))

    def _ping(self, connection: Connection, body: dict[str, Any], frame_id: str | None) -> None:
        connection.write(answer_frame("pong", frame_id))

    def _auth(self, connection: Connection, body: dict[str, Any], frame_id: str | None) -> None:
        """Take over the credentials of a new token or ticket of the same user. Any other token closes the socket (4401)."""
        try:
            identity = identify_socket(body["token"])
            if identity.user.id != connection.user_id:
                raise Unauthorized("The token is another user's.")
        except Unauthorized as error:
            log_refused_frame(connection, error)
            connection.write(error_frame(error, frame_id))
            connection.close(Close.UNAUTHORIZED)
            return
        if not connection.credentials.scopes <= identity.scopes:
            raise InsufficientScope("The token's scopes are fewer than those that the socket was opened with.")
        if connection.may_read or "read" not in identity.scopes:
            connection.credentials = identity.credentials
        else:
            self._begin_reading(connection, identity.credentials)
        connection.write(answer_frame("ok", frame_id))

    def _begin_reading(self, connection: Connection, credentials: Credentials) -> None:
        """Take over *credentials*, which allow to read, and deliver every event of the user from this moment on.

        Sends who is online first, because `ready` did not have it.
        """
        with self._hub.bootstrapping(connection):
            with self._hub.runtime.reading():
                heads = heads_for(connection.user_id)
                connection.credentials = credentials
                self._hub.presence.send_online(connection)
                self._hub.subscribe_to(connection, heads)
            self._hub.wait_until_subscribed()

    def _resume(self, connection: Connection, body: dict[str, Any], frame_id: str | None) -> None:
        """Answer what /sync would, page after page; the live events of each conversation continue its last page exactly.

        Until then the socket gets no live event of that conversation. Where a later page fails, its events are delivered live: a
        later event must not hide what the client misses. Where the first page fails nothing was resumed, and every subscription
        continues from where it was.
        """
        _need(connection, "read")
        subscriptions = self._hub.subscriptions
        positions: Positions = {}
        try:
            with self._hub.bootstrapping(connection):
                positions |= subscriptions.pause(connection)
                more = self._resume_page(connection, body["conversations"], frame_id, positions, is_first=True)
            while connection.is_open and more:
                more = self._resume_page(connection, more, frame_id, positions, is_first=False)
        finally:
            with self._hub.runtime.reading():
                for name, (modseq, seq) in positions.items():
                    self._hub.subscribe(connection, name, modseq, seq)

    def _resume_page(
        self,
        connection: Connection,
        seen: dict[str, int],
        frame_id: str | None,
        positions: Positions,
        *,
        is_first: bool,
    ) -> dict[str, int]:
        """Send one page: the first has all conversations, a later one those that had more or did not fit.

        Returns the modseqs from which the next page continues, for the conversations that are left.
        """
        connection.wait_until_written(READ_SECONDS)
        with LARGE_ANSWERS.held(connection.user_id), self._hub.runtime.reading():
            page = sync_page(_user(connection), seen, PAGE_BYTES, only=None if is_first else seen)
        rows, more = page.conversations, page.next
        connection.write(answer_frame("resumed", frame_id, conversations=rows, gone=page.gone, done=not more))
        # Where a conversation did not fit, the client is behind the position at which this socket was subscribed before.
        positions.update({name: (modseq, None) for name, modseq in more.items()})
        connection.conversations.update(more)  # so that no other greenlet subscribes this socket to the new ones
        with self._hub.runtime.reading():
            for row in rows:
                if row["id"] not in more:
                    positions.pop(row["id"], None)
                    self._hub.subscribe(connection, row["id"], row["last_modseq"], row["last_seq"])
        return more


def _need(connection: Connection, scope: str) -> None:
    if scope not in connection.credentials.scopes:
        raise InsufficientScope


def _user(connection: Connection) -> User:
    user = db.session.get(User, connection.user_id)
    if user is None:
        raise Unauthorized
    user.scopes = connection.credentials.scopes
    return user
