"""The opening of a WebSocket: `GET /ws/{client_id}`. The view takes the TCP connection over, and the request ends."""

from __future__ import annotations

import logging
import os
import re
from _socket import AF_UNIX, IPPROTO_TCP, MSG_PEEK, SHUT_WR, TCP_NODELAY
from _socket import socket as RawSocket  # noqa: N812  # the class; the one in `socket` is gevent's here, and blocks
from collections.abc import Iterator

import gevent
from flask import Blueprint, Response, current_app, request
from gevent.socket import wait_read
from websockets.datastructures import Headers
from websockets.http11 import Request
from websockets.server import ServerProtocol

from backend.database import is_unavailable
from backend.errors import ChatError, Forbidden, Unauthorized, ValidationFailed
from backend.http import rate_limits
from backend.identity.guards import bearer_token
from backend.identity.identity import Identity
from backend.identity.tickets import identify_socket
from backend.realtime.delivery.history import heads_for
from backend.realtime.refusals import log_refused_opening
from backend.realtime.server import RealtimeServer, realtime_server
from backend.realtime.transport.connection import CLOSING_SECONDS, Connection
from backend.realtime.transport.connection_limits import ConnectionSlot
from backend.realtime.transport.frames import (
    HEARTBEAT_SECONDS,
    REASONS,
    TYPING_SECONDS,
    Close,
    close_frame,
    protocol_log,
    text_frame,
)
from backend.users.serialise import user_json

bp = Blueprint("realtime", __name__)
log = logging.getLogger("confab.realtime")

CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
VERSION = "13"
"""The only version of the protocol that is served (RFC 6455, section 4.4)."""


class UpgradeRequired(ChatError):
    status, code = 426, "upgrade_required"
    detail = "This address serves a WebSocket: send the headers of an opening handshake (RFC 6455)."


class BadHandshake(ChatError):
    status, code = 400, "bad_handshake"
    detail = "The opening handshake of the WebSocket is not valid (RFC 6455, section 4)."


@bp.get("/ws/<client_id>")
def no_socket(client_id: str) -> Response:
    """Answer a request that is no opening handshake: 426."""
    raise UpgradeRequired(None, headers={"Upgrade": "websocket", "Connection": "Upgrade"})


@bp.route("/ws/<client_id>", websocket=True)
def open_socket(client_id: str) -> Response:
    """Open a socket. With a bad token it is opened and closed with 4401: a browser does not tell why a handshake failed.

    A refused opening counts against the limit of the address, any other against that of the user.
    """
    server = realtime_server(current_app)
    slot = server.limits.acquire(rate_limits.address())
    try:
        answer = _checked_handshake(client_id)
        try:
            identity = identify_socket(request.args.get("token") or bearer_token())
        except Unauthorized as error:
            log_refused_opening(error)
            rate_limits.count_for_address()
            answer += close_frame(Close.UNAUTHORIZED, REASONS[Close.UNAUTHORIZED])
            return detach(answer, None, slot)
        rate_limits.count_for_user(identity.user.id)
        slot.assign(identity.user.id, client_id)
        return detach(answer, Opening(server, identity, client_id), slot)
    except BaseException:
        slot.release()
        raise


def _checked_handshake(client_id: str) -> bytes:
    try:
        if not CLIENT_ID.fullmatch(client_id):
            raise ValidationFailed.of("client_id", "1 to 64 of A-Z, a-z, 0-9, _ and -.")
        _check_origin()
        return _handshake()
    except ChatError:
        rate_limits.count_for_address()
        raise


def _check_origin() -> None:
    """A page of a foreign site must not open a socket with its visitor's credentials (RFC 6455, section 10.2)."""
    origin = request.headers.get("Origin")
    config = current_app.config["CONFAB"]
    if origin is None or origin in config.cors_origins:
        return
    own = {request.host.lower(), config.public_url.lower().partition("://")[2].partition("/")[0]}
    scheme, _, host = origin.lower().partition("://")
    if scheme not in ("http", "https") or host not in own:
        raise Forbidden("This origin may not open a socket; see CORS_ORIGINS.")


def _handshake() -> bytes:
    """The server's part of the opening handshake, as the library makes it. Raises BadHandshake and UpgradeRequired."""
    if request.headers.get("Sec-WebSocket-Version", VERSION) != VERSION:
        raise UpgradeRequired("Use version 13 of the WebSocket protocol.", headers={"Sec-WebSocket-Version": VERSION})
    protocol = ServerProtocol(logger=protocol_log)
    headers = Headers((name, value) for name, value in request.headers.items() if name.lower() != "origin")
    response = protocol.accept(Request(request.path, headers))
    if response.status_code != 101:
        raise BadHandshake
    response.headers["X-Request-ID"] = request.environ["confab.request_id"]
    protocol.send_response(response)
    return b"".join(protocol.data_to_send())


class Opening:
    """The second part of an opening, once the TCP connection was taken over."""

    def __init__(self, server: RealtimeServer, identity: Identity, client_id: str):
        self._server = server
        self._identity = identity
        self._client_id = client_id

    def complete(self, sock: RawSocket, slot: ConnectionSlot) -> None:
        """Register the connection, subscribe it to its user's conversations from this moment on, and send `ready`."""
        hub = self._server.hub
        connection = self._server.connect(sock, self._identity.credentials, self._client_id, slot)
        try:
            with hub.bootstrapping(connection):
                hub.add(connection)  # first, so that no event is missed; events that arrive now follow `ready`
                self.open(connection)
        except Exception as error:
            if not is_unavailable(error):
                log.exception("a socket could not be opened")
            connection.close(Close.RESTARTING)

    def open(self, connection: Connection) -> None:
        """Subscribe the connection to its user's conversations, and send `ready`, after which its frames are read.

        What happens before `ready` is found by the client, which reads after it. What happens later must therefore arrive, also
        if the database does not hold it: `ready` is sent once the bus brings every event of the user.
        """
        hub, user = self._server.hub, self._identity.user
        with hub.runtime.reading():
            hub.subscribe_to(connection, heads_for(user.id))
            ready = {
                "type": "ready",
                "user": user_json(user, user),
                "session_id": self._identity.session_id,
                "heartbeat": HEARTBEAT_SECONDS,
                "typing_expires": TYPING_SECONDS,
                "online": self._server.presence.visible_to(user.id) if connection.may_read else [],
            }
        hub.wait_until_subscribed()
        connection.begin(text_frame(ready))
        hub.announce([connection])


def detach(head: bytes, opening: Opening | None, slot: ConnectionSlot) -> Response:
    """Take the TCP connection over: a duplicate of its descriptor is served outside of the request.

    The request ends here. Its greenlet, buffers and context would otherwise be held for hours by an idle client.
    """
    raw = RawSocket(fileno=os.dup(request.environ["gunicorn.socket"].fileno()))
    raw.setblocking(False)
    if raw.family != AF_UNIX:
        raw.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    gevent.spawn(_serve, raw, head, opening, slot)
    request.environ["confab.status"] = 101
    return Response(_DetachedResponse(), direct_passthrough=True)


class _DetachedResponse:
    """The response that gunicorn gets: it writes nothing, and ends the request (`Worker` in gunicorn_worker.py)."""

    is_detached = True

    def __iter__(self) -> Iterator[bytes]:
        return iter(())


def _serve(raw: RawSocket, head: bytes, opening: Opening | None, slot: ConnectionSlot) -> None:
    """Send the answer to the handshake, and complete the opening; without an *opening*, close at once.

    An opening that waited for a busy worker may have lost its client. That client has another socket by now, which must stay.
    """
    try:
        raw.send(head)
        if _has_ended(raw):
            raw.close()
            slot.release()
        elif opening is None:
            _linger(raw)
            slot.release()
        else:
            opening.complete(raw, slot)
    except OSError:
        raw.close()
        slot.release()
    except Exception:
        log.exception("a socket could not be opened")
        raw.close()
        slot.release()


def _has_ended(raw: RawSocket) -> bool:
    """Whether the client has closed the connection. Raises OSError where it was cut."""
    try:
        return not raw.recv(1, MSG_PEEK)
    except BlockingIOError:
        return False


def _linger(raw: RawSocket) -> None:
    """Give the client a moment to read the close frame and to answer: closing at once could discard it on its way."""
    try:
        with gevent.Timeout(CLOSING_SECONDS, False):  # type: ignore[arg-type]  # False: end the block in silence
            while True:
                wait_read(raw.fileno())
                if not raw.recv(4096):
                    break
                raw.shutdown(SHUT_WR)
    finally:
        raw.close()
