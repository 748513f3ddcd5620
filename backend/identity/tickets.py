"""Tickets for sockets: a browser cannot send a header with a socket, and a token in a URL stays in histories and logs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, exc, update

from backend.errors import TokenRevoked, Unauthorized
from backend.identity.api_token_lookup import identity_of_api_token
from backend.identity.authenticate import identify
from backend.identity.identity import SESSION_SCOPES, Credentials, Identity
from backend.identity.session_lookup import active_session
from backend.models import WsTicket
from backend.models.base import db, utcnow
from backend.security.hashing import hash_secret, new_secret

TICKET_LIFETIME = timedelta(seconds=30)
PREFIX = "ticket_"


def create_ticket(caller: Identity) -> dict[str, Any]:
    """Create a ticket that opens one socket as the caller. It ends with the session or API token that requested it.

    Raises TokenRevoked where that was deleted meanwhile.
    """
    now, ticket = utcnow(), PREFIX + new_secret()
    db.session.execute(delete(WsTicket).where(WsTicket.user_id == caller.user.id, WsTicket.expires_at <= now))
    row = WsTicket(
        user_id=caller.user.id,
        session_id=caller.session_id,
        api_token_id=caller.api_token_id,
        ticket=hash_secret(ticket),
        expires_at=now + TICKET_LIFETIME,
    )
    db.session.add(row)
    try:
        db.session.commit()
    except exc.IntegrityError as error:  # the row that the ticket refers to is gone
        db.session.rollback()
        raise TokenRevoked from error
    return {"ticket": ticket, "expires_in": int(TICKET_LIFETIME.total_seconds())}


def identify_socket(token: str) -> Identity:
    """Like `identify`, for the token that opens a socket: a ticket is accepted as well, once.

    The socket of a ticket lives as long as the session or API token that requested it; the socket of an access token lives
    until the token expires. Raises Unauthorized also for a token that may neither read nor write.
    """
    identity = _identify(token)
    if identity.scopes.isdisjoint(("read", "write")):
        raise Unauthorized("A socket needs a token with the scope read or write.")
    return identity


def _identify(token: str) -> Identity:
    if not token.startswith(PREFIX):
        return identify(token)
    session_id, api_token_id = _redeem(token)
    if api_token_id is not None:
        return identity_of_api_token(api_token_id)
    if session_id is None:
        raise Unauthorized
    user = active_session(session_id).user
    return Identity(user, Credentials(user.id, SESSION_SCOPES, session_id=session_id))


def _redeem(ticket: str) -> tuple[int | None, int | None]:
    """Redeem the ticket. Of two simultaneous calls one succeeds."""
    now = utcnow()
    statement = (
        update(WsTicket)
        .where(WsTicket.ticket == hash_secret(ticket), WsTicket.used_at.is_(None), WsTicket.expires_at > now)
        .values(used_at=now)
        .returning(WsTicket.session_id, WsTicket.api_token_id)
    )
    with db.engine.begin() as connection:
        row = connection.execute(statement).one_or_none()
    if row is None:
        raise Unauthorized
    return row.session_id, row.api_token_id
