"""The way in: `GET /ws/{client_id}`. The view takes the connection over from the request, and the request ends."""

from __future__ import annotations

import logging
import os
import re
import secrets
from _socket import AF_UNIX, IPPROTO_TCP, SHUT_WR, TCP_NODELAY
from _socket import socket as RawSocket  # noqa: N812  # a class; its wrapper in `socket` is gevent's here, and waits
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
from backend.identity.authenticate import Identity
from backend.identity.guards import bearer_token
from backend.identity.tickets import identify_socket
from backend.realtime.delivery.history import heads_for
from backend.realtime.places import ConversationRef
from backend.realtime.right import Right
from backend.realtime.server import Live, live_of
from backend.realtime.transport.connection import CLOSING_SECONDS, Connection
from backend.realtime.transport.frames import HEARTBEAT_SECONDS, REASONS, TYPING_SECONDS, Close, close_frame, text_frame
from backend.users.serialise import user_json

bp = Blueprint("realtime", __name__)
log = logging.getLogger("confab.realtime")

CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
VERSION = "13"
"""Of the protocol, which whoever asks for another is told (RFC 6455, section 4.4)."""


class UpgradeRequired(ChatError):
    status, code = 426, "upgrade_required"
    detail = "Open a WebSocket at this address."


class BadHandshake(ChatError):
    status, code = 400, "bad_handshake"
    detail = "The opening handshake of the WebSocket is not valid (RFC 6455, section 4)."


@bp.get("/ws/<client_id>")
def no_socket(client_id: str) -> Response:
    """A plain request at the socket's address."""
    raise UpgradeRequired(None, headers={"Upgrade": "websocket", "Connection": "Upgrade"})


@bp.route("/ws/<client_id>", websocket=True)
def open_socket(client_id: str) -> Response:
    """Open a socket. A bad token is accepted and closed with 4401, for a browser cannot see why an upgrade failed.

    What is refused counts against the address, and what is not, against the user.
    """
    live = live_of(current_app)
    place = live.hub.places.take(rate_limits.address())
    try:
        answer = _checked_handshake(client_id)
        try:
            identity = identify_socket(request.args.get("token") or bearer_token())
        except Unauthorized:
            rate_limits.take(rate_limits.ALL_ELSE, rate_limits.address())
            answer += close_frame(Close.UNAUTHORIZED, REASONS[Close.UNAUTHORIZED])
            return _detach(answer, None, place)
        rate_limits.take_for_user(identity.user.id)
        place.give_to(identity.user.id, client_id)
        return _detach(answer, _Opening(live, identity, client_id), place)
    except BaseException:
        place.release()
        raise


def _checked_handshake(client_id: str) -> bytes:
    try:
        if not CLIENT_ID.fullmatch(client_id):
            raise ValidationFailed.of("client_id", "1 to 64 of A-Z, a-z, 0-9, _ and -.")
        _check_origin()
        return _handshake()
    except ChatError:
        rate_limits.take(rate_limits.ALL_ELSE, rate_limits.address())
        raise


def _check_origin() -> None:
    """A page of a foreign site must not open a socket with what its visitor's browser knows (RFC 6455, section 10.2)."""
    origin = request.headers.get("Origin")
    config = current_app.config["CONFAB"]
    if origin is None or origin in config.cors_origins:
        return
    own = {request.host.lower(), config.public_url.lower().partition("://")[2].partition("/")[0]}
    scheme, _, host = origin.lower().partition("://")
    if scheme not in ("http", "https") or host not in own:
        raise Forbidden("This origin may not open a socket; see CORS_ORIGINS.")


def _handshake() -> bytes:
    """The server's side of the opening handshake, worked out by the library. Raises BadHandshake and UpgradeRequired."""
    if request.headers.get("Sec-WebSocket-Version", VERSION) != VERSION:
        raise UpgradeRequired(
            "Only version 13 of the protocol is spoken here.", headers={"Sec-WebSocket-Version": VERSION}
        )
    protocol = ServerProtocol(logger=live_of(current_app).hub.quiet)
    headers = Headers((name, value) for name, value in request.headers.items() if name.lower() != "origin")
    response = protocol.accept(Request(request.path, headers))
    if response.status_code != 101:
        raise BadHandshake
    response.headers["X-Request-ID"] = request.environ["confab.request_id"]
    protocol.send_response(response)
    return b"".join(protocol.data_to_send())


class _Opening:
    """What is left to do once the descriptor is ours."""

    def __init__(self, live: Live, identity: Identity, client_id: str):
        self.live = live
        self.identity = identity
        self.client_id = client_id

    def take_over(self, sock: RawSocket, place: ConversationRef) -> None:
        """Count the client in, let it follow its conversations from this moment, and tell it that all is ready."""
        hub, identity = self.live.hub, self.identity
        right = Right(
            identity.user.id, identity.session_id, identity.api_token_id, identity.scopes, identity.expires_at
        )
        connection = Connection(hub, sock, right, self.client_id, secrets.token_hex(6), place)
        try:
            with hub.following.looking(connection):
                hub.register(connection)  # first, so that no hint is missed; what comes early waits for `ready`
                self._open(connection)
        except Exception as error:
            if not is_unavailable(error):
                log.exception("a socket could not be opened")
            connection.close(Close.RESTARTING)

    def _open(self, connection: Connection) -> None:
        hub, user = self.live.hub, self.identity.user
        with hub.reading():
            for head in heads_for(user.id):
                hub.following.follow(connection, head.conversation_id, head.last_modseq, head.last_seq)
            ready = {
                "type": "ready",
                "user": user_json(user, user),
                "session_id": self.identity.session_id,
                "heartbeat": HEARTBEAT_SECONDS,
                "typing_expires": TYPING_SECONDS,
                "online": self.live.presence.known_to(user.id) if connection.may_read else [],
            }
        connection.begin(text_frame(ready))
        hub.announce([connection])


def _detach(head: bytes, opening: _Opening | None, place: ConversationRef) -> Response:
    """Answer by taking the connection over: a duplicate of its descriptor is served outside of the request.

    The request ends here, and with it the greenlet, the buffers and the context that an idle client would hold for hours.
    """
    raw = RawSocket(fileno=os.dup(request.environ["gunicorn.socket"].fileno()))
    raw.setblocking(False)
    if raw.family != AF_UNIX:
        raw.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    gevent.spawn(_serve, raw, head, opening, place)
    request.environ["confab.status"] = 101
    return Response(_Taken(), direct_passthrough=True)


class _Taken:
    """What gunicorn gets for an answer: it writes nothing then, and ends its part (`Worker` in gunicorn_worker.py)."""

    is_detached = True

    def __iter__(self) -> Iterator[bytes]:
        return iter(())


def _serve(raw: RawSocket, head: bytes, opening: _Opening | None, place: ConversationRef) -> None:
    """Finish the handshake and hand the client to the hub, or say goodbye at once."""
    try:
        raw.send(head)
        if opening is None:
            _linger(raw)
            place.release()
        else:
            opening.take_over(raw, place)
    except OSError:
        raw.close()
        place.release()
    except Exception:
        log.exception("a socket could not be opened")
        raw.close()
        place.release()


def _linger(raw: RawSocket) -> None:
    """Give the client a moment to read why it was closed, and to say goodbye; closing at once could discard what is under way."""
    try:
        with gevent.Timeout(CLOSING_SECONDS, False):  # type: ignore[arg-type]  # False: end the block in silence
            while True:
                wait_read(raw.fileno())
                if not raw.recv(4096):
                    break
                raw.shutdown(SHUT_WR)
    finally:
        raw.close()
