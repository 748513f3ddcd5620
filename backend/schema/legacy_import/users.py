"""Imports users and roles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from backend.models import Role, User, UserRole
from backend.schema.legacy_import.report import Report
from backend.schema.legacy_import.source import Source, insert
from backend.schema.legacy_import.values import as_bool, as_hash, as_int, as_line, as_mobile, as_text, as_time

EMAIL, MOBILE = ("email", "email_address"), ("mobile", "phone", "phone_number", "mobile_number")
USERNAME, CREATED = ("username", "user_name"), ("created_at", "date_joined", "joined_at", "registered_at")
USERS = {
    "id": ("id",),
    "username": USERNAME,
    "email": EMAIL,
    "mobile": MOBILE,
    "password": ("hashed_password", "password_hash", "password"),
    "first_name": ("first_name", "firstname"),
    "last_name": ("last_name", "lastname", "surname"),
    "full_name": ("full_name", "name", "display_name"),
    "bio": ("bio", "about"),
    "role": ("role",),
    "is_active": ("is_active", "active"),
    "is_superuser": ("is_superuser",),
    "email_verified": ("email_verified_at", "email_verified", "is_email_verified"),
    "mobile_verified": ("mobile_verified_at", "mobile_verified", "is_mobile_verified"),
    "last_seen_at": ("last_seen_at", "last_seen", "last_login"),
    "created_at": CREATED,
    "updated_at": ("updated_at",),
}
ROLES = {"id": ("id",), "name": ("name",), "description": ("description",), "created_at": ("created_at",)}
USER_ROLES = {"user_id": ("user_id",), "role_id": ("role_id",)}
_UNUSUAL = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass
class People:
    """The adopted accounts, and which account keeps a value that several of them have."""

    now: datetime
    ids: set[int] = field(default_factory=set)
    created: dict[int, datetime] = field(default_factory=dict)
    usernames: dict[str, int] = field(default_factory=dict)
    emails: dict[str, int] = field(default_factory=dict)
    mobiles: dict[str, int] = field(default_factory=dict)
    role_names: dict[int, str] = field(default_factory=dict)


def fold(value: Any) -> str | None:
    """The folded email. None if it is missing or too long for the column."""
    line = as_line(value)
    folded = line.casefold() if line else None
    return folded if folded and len(folded) <= 255 else None


def adopt_users(connection: Connection, source: Source, report: Report, now: datetime) -> People:
    """Copy every account with an id. If several have the same email, username or number, the oldest keeps it."""
    people = People(now)
    _settle_claims(source, people)
    insert(connection, User.__table__, _users(source, people, report))
    return people


def _settle_claims(source: Source, people: People) -> None:
    wanted = {"id": ("id",), "username": USERNAME, "email": EMAIL, "mobile": MOBILE, "created_at": CREATED}
    last: datetime | None = None
    ages: dict[int, tuple[float, int]] = {}
    for row in source.rows(wanted):
        user_id = as_int(row["id"])
        if user_id is None or user_id in ages:
            continue
        # An account without a date counts as being as old as the previous one.
        last = as_time(row["created_at"]) or last
        ages[user_id] = (last.timestamp() if last else float("-inf"), user_id)
        claims = (
            (people.usernames, _username(row["username"])),
            (people.emails, fold(row["email"])),
            (people.mobiles, as_mobile(row["mobile"])[0]),
        )
        for holders, claim in claims:
            if claim is None:
                continue
            holder = holders.get(claim)
            if holder is None or ages[user_id] < ages[holder]:
                holders[claim] = user_id


def _username(value: Any) -> str | None:
    line = as_line(value)
    return line if line and len(line) <= 100 else None


def _users(source: Source, people: People, report: Report) -> Iterator[dict[str, Any]]:
    has_password, has_flag = source.has(*USERS["password"]), source.has(*USERS["mobile_verified"])
    for row in source.rows(USERS):
        user_id = as_int(row["id"])
        if user_id is None or user_id in people.ids:
            report.note("users", "not adopted: id missing or used twice")
            continue
        people.ids.add(user_id)
        created_at = as_time(row["created_at"]) or people.now
        people.created[user_id] = created_at
        if (role := as_line(row["role"])) is not None:
            people.role_names[user_id] = role[:100]
        email = _email(row, user_id, people, report)
        hashed = as_hash(row["password"])
        if hashed is None and has_password:
            reason = "with a password that is not a bcrypt hash" if as_line(row["password"]) else "without a password"
            report.note("users", f"{reason}: they sign in with a one-time code or reset the password")
        mobile, is_certain = _mobile(row, user_id, people, report)
        is_way_in = as_bool(row["mobile_verified"]) or as_time(row["mobile_verified"]) if has_flag else hashed is None
        first, last = _cut(row["first_name"], 100), _cut(row["last_name"], 100)
        is_active = as_bool(row["is_active"])
        yield {
            "id": user_id,
            "username": _own_username(row, user_id, people, report),
            "email": email,
            "hashed_password": hashed,
            "mobile": mobile,
            "first_name": first,
            "last_name": last,
            "full_name": _cut(row["full_name"], 255) or _cut(" ".join(n for n in (first, last) if n), 255),
            "bio": as_text(row["bio"]),
            "is_active": True if is_active is None else is_active,
            "is_superuser": bool(as_bool(row["is_superuser"])),
            "email_verified_at": _verified_at(row["email_verified"], created_at) if email else None,
            "mobile_verified_at": created_at if mobile and is_certain and is_way_in else None,
            "last_seen_at": as_time(row["last_seen_at"]),
            "created_at": created_at,
            "updated_at": as_time(row["updated_at"]) or created_at,
        }


def _email(row: dict[str, Any], user_id: int, people: People, report: Report) -> str | None:
    email = fold(row["email"])
    if email is None:
        if as_line(row["email"]):
            report.note("users", "without their email: it has more than 255 characters")
        return None
    keeper = people.emails[email]
    if keeper == user_id:
        return email
    report.note("users", "without their email: an older account has it")
    report.name(f"User {user_id} lost the email {email}: the older account of user {keeper} has it.")
    return None


def _mobile(row: dict[str, Any], user_id: int, people: People, report: Report) -> tuple[str | None, bool]:
    mobile, is_certain = as_mobile(row["mobile"])
    if mobile is None:
        if as_line(row["mobile"]):
            report.note("users", "without their mobile: it is not a number with a country code")
            report.name(f"User {user_id} lost the mobile: it is not a number with a country code.")
        return None, False
    if people.mobiles[mobile] != user_id:
        report.note("users", "without their mobile: an older account has it")
        report.name(f"User {user_id} lost the mobile: the older account of user {people.mobiles[mobile]} has it.")
        return None, False
    return mobile, is_certain


def _own_username(row: dict[str, Any], user_id: int, people: People, report: Report) -> str:
    """The username of the account, or one that is made from its email and that no other account has."""
    username = _username(row["username"])
    if username is not None and people.usernames[username] == user_id:
        return username
    report.note("users", "with a generated username")
    local = (fold(row["email"]) or "").partition("@")[0]
    stem = _UNUSUAL.sub("", local).strip("._-")[:70] or f"user{user_id}"
    candidate, number = stem, 1
    while candidate in people.usernames:
        number += 1
        candidate = f"{stem}-{user_id}" if number == 2 else f"{stem}-{user_id}-{number}"
    people.usernames[candidate] = user_id
    return candidate


def _verified_at(value: Any, created_at: datetime) -> datetime | None:
    if isinstance(value, str | datetime) and (moment := as_time(value)) is not None:
        return moment
    return created_at if as_bool(value) else None


def _cut(value: Any, length: int) -> str | None:
    line = as_line(value)
    return line[:length] if line else None


def adopt_roles(
    connection: Connection, roles: Source | None, user_roles: Source | None, people: People, report: Report
) -> None:
    """Copy the roles and their users, and create roles for the role names in the accounts."""
    by_name: dict[str, int] = {}
    known: dict[int, int] = {}
    if roles is not None:
        insert(connection, Role.__table__, _roles(roles, by_name, known, people, report))
    for name in dict.fromkeys(people.role_names.values()):
        if name not in by_name:
            values = {"name": name, "created_at": people.now, "updated_at": people.now}
            restart_ids(connection, "roles")
            by_name[name] = connection.execute(sa.insert(Role).values(values).returning(Role.id)).scalar_one()
            report.note("roles", "created from the accounts")
    granted = {(user_id, by_name[name]) for user_id, name in people.role_names.items()}
    report.note("user_roles", "created from the accounts", len(granted))
    if user_roles is not None:
        for row in user_roles.rows(USER_ROLES):
            user_id, role_id = as_int(row["user_id"]), known.get(as_int(row["role_id"]) or 0)
            if user_id not in people.ids or role_id is None:
                report.note("user_roles", "not adopted: unknown user or role")
            elif (user_id, role_id) in granted:
                report.note("user_roles", "merged: duplicates")
            else:
                granted.add((user_id, role_id))
    times = {"created_at": people.now, "updated_at": people.now}
    insert(connection, UserRole.__table__, ({"user_id": u, "role_id": r, **times} for u, r in sorted(granted)))


def _roles(
    source: Source, by_name: dict[str, int], known: dict[int, int], people: People, report: Report
) -> Iterator[dict[str, Any]]:
    for row in source.rows(ROLES):
        role_id, name = as_int(row["id"]), _cut(row["name"], 100)
        if role_id is None or role_id in known or name is None:
            report.note("roles", "not adopted: id or name missing")
        elif name in by_name:
            known[role_id] = by_name[name]
            report.note("roles", "merged: same name")
        else:
            by_name[name] = known[role_id] = role_id
            created_at = as_time(row["created_at"]) or people.now
            description = _cut(row["description"], 255)
            yield {
                "id": role_id,
                "name": name,
                "description": description,
                "created_at": created_at,
                "updated_at": created_at,
            }


def restart_ids(connection: Connection, table: str, above: int = 0) -> None:
    """Let new ids of *table* begin above its highest id and above *above*."""
    highest = max(int(connection.scalar(sa.text(f"SELECT max(id) FROM {table}")) or 0), above)  # noqa: S608
    if highest < 1:
        return
    if connection.dialect.name == "postgresql":
        statement = "SELECT setval(pg_get_serial_sequence(:table, 'id'), :highest)"
        connection.execute(sa.text(statement), {"table": table, "highest": highest})
        return
    updated = connection.execute(
        sa.text("UPDATE sqlite_sequence SET seq = max(seq, :highest) WHERE name = :table"),
        {"table": table, "highest": highest},
    )
    if not updated.rowcount:
        connection.execute(
            sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :highest)"),
            {"table": table, "highest": highest},
        )
