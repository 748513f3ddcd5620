"""The calls of the scripted server."""

from __future__ import annotations

import email.parser
import email.policy
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from conformance.server import changes
from conformance.server.accounts import Session
from conformance.server.http import Request, Response
from conformance.server.model import Conversation, Message
from conformance.server.problems import Problem

if TYPE_CHECKING:
    from conformance.server.server import Server

Handler = Callable[..., Response]
NOBODY = 0
"""Who sees the public fields of everybody."""

MAX_MESSAGES = 200
"""The messages of one conversation in an answer of /sync."""


class Rest:
    """The routes. Each handler gets the request, the caller's session and the parts of the path."""

    def __init__(self, server: Server):
        self.server = server
        self.world = server.world
        c = r"([^/]+)"
        self.open_routes: list[tuple[str, str, Handler]] = [
            ("POST", "/api/auth/login", self.login),
            ("POST", "/api/auth/refresh", self.refresh),
        ]
        self.routes: list[tuple[str, str, Handler]] = [
            ("POST", "/api/auth/logout", self.logout),
            ("POST", "/api/auth/ws-ticket", self.ticket),
            ("GET", "/api/users/me", self.me),
            ("GET", "/api/users", self.users),
            ("GET", r"/api/users/(\d+)", self.user),
            ("GET", "/api/chat/conversations", self.conversations),
            ("GET", f"/api/chat/conversations/{c}", self.conversation),
            ("PATCH", f"/api/chat/conversations/{c}", self.configure),
            ("POST", f"/api/chat/conversations/{c}/(read|unread)", self.mark),
            ("GET", "/api/chat/messages", self.messages),
            ("GET", r"/api/rooms/(\d+)/messages", self.room_messages),
            ("GET", r"/api/rooms/(\d+)/members", self.members),
            ("POST", "/api/chat/send", self.send),
            ("GET", r"/api/chat/messages/(\d+)", self.message),
            ("PATCH", r"/api/chat/messages/(\d+)", self.edit),
            ("DELETE", r"/api/chat/messages/(\d+)", self.delete),
            ("PUT", rf"/api/chat/messages/(\d+)/reactions/{c}", self.react),
            ("DELETE", rf"/api/chat/messages/(\d+)/reactions/{c}", self.react),
            ("POST", "/api/chat/sync", self.sync),
            ("POST", "/api/chat/attachments", self.upload),
        ]

    def answer(self, request: Request) -> Response:
        """The response to *request*. Raises Problem."""
        for method, pattern, handler in self.open_routes:
            if method == request.method and request.path == pattern:
                return handler(request)
        session = self.server.authenticate(request.token).session
        for method, pattern, handler in self.routes:
            match = re.fullmatch(pattern, request.path)
            if match and method == request.method:
                return handler(request, session, *match.groups())
        raise Problem("not_found")

    def login(self, request: Request) -> Response:
        body = request.json()
        name = body.get("email") or body.get("username")
        return Response(200, self.world.accounts.login(name, body.get("password", "")))

    def refresh(self, request: Request) -> Response:
        return Response(200, self.world.accounts.refresh(str(request.json().get("refresh_token"))))

    def logout(self, _request: Request, session: Session) -> Response:
        session.has_ended = True
        return Response(204)

    def ticket(self, _request: Request, session: Session) -> Response:
        return Response(201, self.world.accounts.issue_ticket(session))

    def me(self, _request: Request, session: Session) -> Response:
        return Response(200, session.user.json(session.user.id))

    def users(self, request: Request, session: Session) -> Response:
        wanted = {int(id_) for id_ in request.query.get("ids", "").split(",") if id_.isdecimal()}
        every = self.world.accounts.users
        found = [every[id_] for id_ in sorted(wanted or every) if id_ in every]
        return self._page(request, [user.json(session.user.id) for user in found])

    def user(self, _request: Request, session: Session, id_: str) -> Response:
        user = self.world.accounts.users.get(int(id_))
        if user is None:
            raise Problem("not_found")
        return Response(200, user.json(session.user.id))

    def conversations(self, request: Request, session: Session) -> Response:
        return self._page(request, [self._row(session, c) for c in self.world.conversations_of(session.user)])

    def conversation(self, _request: Request, session: Session, id_: str) -> Response:
        return Response(200, self._row(session, self.world.conversation(session.user, id_)))

    def configure(self, request: Request, session: Session, id_: str) -> Response:
        settings = request.json()
        if not settings.keys() <= {"is_muted", "is_pinned"}:
            raise Problem("validation_failed")
        return Response(200, self._row(session, self.world.configure(session.user, id_, **settings)))

    def mark(self, request: Request, session: Session, id_: str, which: str) -> Response:
        move = self.world.read if which == "read" else self.world.unread
        return Response(200, self._row(session, move(session.user, id_, request.json().get("seq"))))

    def messages(self, request: Request, session: Session) -> Response:
        id_ = request.query.get("conversation_id")
        if id_ is None and "room_id" in request.query:
            id_ = f"room:{request.query['room_id']}"
        if id_ is None and "recipient_id" in request.query:
            first, second = sorted((session.user.id, int(request.query["recipient_id"])))
            id_ = f"dm:{first}:{second}"
        if id_ is not None:
            return self._window(request, session, self.world.conversation(session.user, id_))
        mine = self.world.conversations_of(session.user)
        every = sorted(((m, c) for c in mine for m in c.messages), key=lambda pair: -pair[0].id)
        return self._page(request, [m.json(session.user.id, c) for m, c in every])

    def room_messages(self, request: Request, session: Session, room_id: str) -> Response:
        return self._window(request, session, self.world.conversation(session.user, f"room:{room_id}"))

    def members(self, request: Request, session: Session, room_id: str) -> Response:
        conversation = self.world.conversation(session.user, f"room:{room_id}")
        every = self.world.accounts.users
        found = [
            {
                "user": every[id_].json(NOBODY),
                "is_admin": conversation.members[id_].is_admin,
                "joined_at": conversation.members[id_].joined_at,
            }
            for id_ in conversation.present()
        ]
        return self._page(request, found)

    def send(self, request: Request, session: Session) -> Response:
        message, is_new = self.world.send(session.user, request.json())
        return Response(201 if is_new else 200, self._shown(session, message))

    def message(self, _request: Request, session: Session, id_: str) -> Response:
        _, message = self.world.message(session.user, int(id_))
        return Response(200, self._shown(session, message))

    def edit(self, request: Request, session: Session, id_: str) -> Response:
        body = request.json()
        message = self.world.edit(session.user, int(id_), body.get("content"), body.get("modseq"))
        return Response(200, self._shown(session, message))

    def delete(self, _request: Request, session: Session, id_: str) -> Response:
        self.world.delete(session.user, int(id_))
        return Response(204)

    def react(self, request: Request, session: Session, id_: str, emoji: str) -> Response:
        message = self.world.react(session.user, int(id_), emoji, adds=request.method == "PUT")
        return Response(200, self._shown(session, message))

    def sync(self, request: Request, session: Session) -> Response:
        seen = request.json().get("conversations", {})
        size = min(self.server.page, MAX_MESSAGES)
        rows = []
        for conversation in self.world.conversations_of(session.user):
            since = min(seen.get(conversation.id, 0), conversation.last_modseq)
            rows.append(changes.changes_row(self.world, session.user, conversation, since, size))
        return Response(200, {"conversations": rows, "gone": changes.gone(self.world, session.user, seen)})

    def upload(self, request: Request, _session: Session) -> Response:
        part = _file(request)
        id_ = len(self.world.attachments) + 1
        url = f"/api/chat/attachments/{id_}"
        found: dict[str, Any] = {"id": id_, "filename": part.get_filename() or "file", "url": url, "width": None}
        found |= {"content_type": "application/octet-stream", "height": None, "thumbnail_url": None}
        found["size"] = len(part.get_payload(decode=True) or b"")
        self.world.attachments[id_] = found
        return Response(201, found)

    def _window(self, request: Request, session: Session, conversation: Conversation) -> Response:
        """The messages before, after or around a seq."""
        limit = request.number("limit", 50) or 0
        if not 1 <= limit <= 100:
            raise Problem("validation_failed", "limit is 1 to 100.")
        every = conversation.messages
        if (after := request.number("after")) is not None:
            found, rest = every[after : after + limit], every[after + limit :]
        elif (around := request.number("around")) is not None:
            start = max(0, around - 1 - limit // 2)
            found, rest = every[start : start + limit][::-1], every[:start]
        else:
            end = min((request.number("before") or len(every) + 1) - 1, len(every))
            start = max(0, end - limit)
            found, rest = every[start:end][::-1], every[:start]
        answer = Response(200, [m.json(session.user.id, conversation) for m in found])
        if rest and found:
            step = "after" if after is not None else "before"
            url = f"/api/chat/messages?conversation_id={conversation.id}&limit={limit}&{step}={found[-1].seq}"
            answer.headers["Link"] = f'<{url}>; rel="next"'
        return answer

    def _page(self, request: Request, items: list[Any]) -> Response:
        """The part of *items* that `skip` and `limit` name, with a link to the next."""
        skip, limit = request.number("skip", 0) or 0, min(request.number("limit", 50) or 0, self.server.list_limit)
        if not 1 <= limit <= 100:
            raise Problem("validation_failed", "limit is 1 to 100.")
        answer = Response(200, items[skip : skip + limit])
        if len(items) > skip + limit:
            others = "".join(f"{n}={v}&" for n, v in request.query.items() if n not in ("skip", "limit"))
            answer.headers["Link"] = f'<{request.path}?{others}skip={skip + limit}&limit={limit}>; rel="next"'
        return answer

    def _row(self, session: Session, conversation: Conversation) -> dict[str, Any]:
        return changes.inbox_row(self.world, session.user, conversation)

    def _shown(self, session: Session, message: Message) -> dict[str, Any]:
        return message.json(session.user.id, self.world.conversations[message.conversation_id])


def _file(request: Request) -> Any:
    """The part `file` of a multipart body. Raises Problem."""
    head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n".encode()
    parsed = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
    for part in parsed.walk():
        if part.get_param("name", header="content-disposition") == "file":
            return part
    raise Problem("validation_failed", "There is no part named file.")
