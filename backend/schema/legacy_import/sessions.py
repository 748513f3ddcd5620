"""Imports sessions and refresh tokens. Tokens in clear text are hashed, so that the database alone gives no access."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from backend.models import RefreshToken, UserSession
from backend.schema.legacy_import.report import Report
from backend.schema.legacy_import.source import Source, insert
from backend.schema.legacy_import.users import People, restart_ids
from backend.schema.legacy_import.values import as_bool, as_int, as_line, as_time
from backend.security.hashing import hash_secret, new_secret

SESSIONS = {
    "id": ("id",),
    "user_id": ("user_id",),
    "token": ("session_token", "token"),
    "device_info": ("device_info", "user_agent"),
    "ip_address": ("ip_address",),
    "is_active": ("is_active",),
    "expires_at": ("expires_at",),
    "last_seen_at": ("last_seen_at", "last_activity", "last_used_at"),
    "created_at": ("created_at",),
}
REFRESH_TOKENS = {
    "id": ("id",),
    "user_id": ("user_id",),
    "session_id": ("session_id",),
    "token": ("token", "refresh_token"),
    "expires_at": ("expires_at",),
    "is_used": ("is_used", "used", "is_revoked", "revoked"),
    "created_at": ("created_at",),
}


@dataclass
class SignIns:
    """The adopted sessions by id, with their users, and the hashes in use."""

    owners: dict[int, int] = field(default_factory=dict)
    hashes: set[str] = field(default_factory=set)
    highest: int = 0


def adopt_sign_ins(
    connection: Connection, sessions: Source | None, tokens: Source | None, people: People, report: Report
) -> None:
    """Copy the sessions and refresh tokens that have a user, a token and an end. A refresh token without a session gets one."""
    found = SignIns()
    if sessions is not None:
        insert(connection, UserSession.__table__, _sessions(sessions, found, people, report))
    if tokens is not None:
        rows = list(_tokens(tokens, found, people, report))
        made = [row.pop("session") for row in rows]
        insert(connection, UserSession.__table__, (session for session in made if session is not None))
        insert(connection, RefreshToken.__table__, iter(rows))
    restart_ids(connection, "sessions")


def _sessions(source: Source, found: SignIns, people: People, report: Report) -> Iterator[dict[str, Any]]:
    for row in source.rows(SESSIONS):
        session_id, hashed = as_int(row["id"]), _hashed(row["token"])
        user_id, expires_at = as_int(row["user_id"]), as_time(row["expires_at"])
        if session_id is None or session_id in found.owners or hashed is None or expires_at is None:
            report.note("sessions", "not adopted: id, token or end missing")
        elif user_id not in people.ids or user_id is None:
            report.note("sessions", "not adopted: unknown user")
        elif hashed in found.hashes:
            report.note("sessions", "not adopted: token used twice")
        else:
            found.owners[session_id] = user_id
            found.hashes.add(hashed)
            found.highest = max(found.highest, session_id)
            is_active = as_bool(row["is_active"])
            # The maximum age of adopted sessions counts from now, so that they are not ended at once.
            yield _session(session_id, user_id, hashed, expires_at, people.now) | {
                "device_info": (as_line(row["device_info"]) or "")[:255] or None,
                "ip_address": (as_line(row["ip_address"]) or "")[:50] or None,
                "is_active": True if is_active is None else is_active,
                "last_seen_at": as_time(row["last_seen_at"]),
            }


def _session(session_id: int, user_id: int, hashed: str, expires_at: Any, created_at: Any) -> dict[str, Any]:
    return {
        "id": session_id,
        "user_id": user_id,
        "session_token": hashed,
        "device_info": None,
        "ip_address": None,
        "is_active": True,
        "expires_at": expires_at,
        "last_seen_at": None,
        "created_at": created_at,
        "updated_at": created_at,
    }


def _tokens(source: Source, found: SignIns, people: People, report: Report) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    ids: set[int] = set()
    for row in source.rows(REFRESH_TOKENS):
        token_id, hashed, expires_at = as_int(row["id"]), _hashed(row["token"]), as_time(row["expires_at"])
        user_id, session_id = as_int(row["user_id"]), as_int(row["session_id"])
        if token_id is None or token_id in ids or hashed is None or expires_at is None:
            report.note("refresh_tokens", "not adopted: id, token or end missing")
            continue
        if user_id is None or user_id not in people.ids:
            report.note("refresh_tokens", "not adopted: unknown user")
            continue
        if hashed in seen:
            report.note("refresh_tokens", "not adopted: token used twice")
            continue
        seen.add(hashed)
        ids.add(token_id)
        created_at = as_time(row["created_at"]) or people.now
        is_used, session = bool(as_bool(row["is_used"])), None
        if session_id is None or found.owners.get(session_id) != user_id:
            found.highest += 1
            session_id = found.highest
            session = _session(session_id, user_id, hash_secret(new_secret()), expires_at, people.now)
            session["is_active"] = not is_used and expires_at > people.now
            report.note("sessions", "created for refresh tokens without one")
        yield {
            "id": token_id,
            "user_id": user_id,
            "session_id": session_id,
            "token": hashed,
            "expires_at": expires_at,
            "is_used": is_used,
            # Long ago, so that a repeated use does not count as a second tab.
            "used_at": min(created_at, people.now - timedelta(hours=1)) if is_used else None,
            "created_at": created_at,
            "updated_at": created_at,
            "session": session,
        }


def _hashed(value: Any) -> str | None:
    token = as_line(value)
    return hash_secret(token) if token else None
