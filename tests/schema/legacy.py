"""Legacy databases as they exist in the field, built with SQL, including unexpected rows."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Engine

HASH_2B = "$2b$04$3eMtU9wvyzgKIJPsZFQ0S.f5BYIsyXic7SNwxuDbhyzjTrg29wGTS"
DIALECTS = {
    "sqlite": {"pk": "INTEGER PRIMARY KEY AUTOINCREMENT", "ts": "DATETIME", "yes": "1", "no": "0"},
    "postgresql": {"pk": "SERIAL PRIMARY KEY", "ts": "TIMESTAMP", "yes": "true", "no": "false"},
}

MOBILE = """
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
INSERT INTO alembic_version VALUES ('b2e4d81095fe');
CREATE TABLE users (id {pk}, mobile VARCHAR(20) NOT NULL, email VARCHAR(255), name VARCHAR(255), otp VARCHAR(6),
    otp_expires_at {ts}, token VARCHAR(500), created_at {ts});
CREATE UNIQUE INDEX ix_users_mobile ON users (mobile);
CREATE INDEX ix_users_email ON users (email);
INSERT INTO users (id, mobile, email, name, otp, token, created_at) VALUES
    (1, '+46701740605', 'ann@example.com', 'Ann Ek', '123456', 'a-token-in-clear', '2024-01-02 03:04:05.5'),
    (2, '+46 70 174 06 06', NULL, NULL, NULL, NULL, NULL),
    (3, '0046701740605', 'Ann@Example.com', 'Other Ann', NULL, NULL, '2024-02-01 00:00:00'),
    (4, 'not a number', NULL, 'Nobody', NULL, NULL, '2024-02-01 00:00:00'),
    (7, '46701740607', NULL, '', NULL, NULL, '2024-02-01 00:00:00');
"""

USERS_ONLY = """
CREATE TABLE users (id {pk}, email VARCHAR(255) UNIQUE NOT NULL, {username} password_hash VARCHAR(255) NOT NULL,
    full_name VARCHAR(255), role VARCHAR(50) NOT NULL DEFAULT 'personal_only', is_active BOOLEAN);
INSERT INTO users (id, email, password_hash, full_name, role, is_active) VALUES
    (1, 'ann@example.com', '{hash}', 'Ann Ek', 'personal_only', {yes}),
    (2, 'ANN@example.com', '', 'Ann Again', 'business', {yes}),
    (3, 'bo@example.com', '   ', NULL, 'business', NULL),
    (4, 'ann@elsewhere.example', 'in clear', '', '', {no}),
    (9, 'émile@example.com', '{hash}', NULL, 'admin', {yes});
"""
USERNAMES = {
    "without": ("", ""),
    "null": (
        "username VARCHAR(100),",
        "UPDATE users SET username = 'ann' WHERE id IN (1, 9); UPDATE users SET username = '' WHERE id = 2",
    ),
    "not null": (
        "username VARCHAR(200) NOT NULL DEFAULT '',",
        "UPDATE users SET username = 'bo' WHERE id = 4; UPDATE users SET username = '{long_name}' WHERE id = 9",
    ),
}

AI_MESSAGE = """
CREATE TABLE users (id {pk}, username VARCHAR(100) NOT NULL, email VARCHAR(255) NOT NULL,
    hashed_password VARCHAR(255) NOT NULL, is_active BOOLEAN DEFAULT {yes}, is_superuser BOOLEAN DEFAULT {no},
    full_name VARCHAR(255), bio TEXT, created_at {ts}, updated_at {ts});
CREATE UNIQUE INDEX ix_users_username ON users (username);
CREATE UNIQUE INDEX ix_users_email ON users (email);
CREATE TABLE roles (id {pk}, name VARCHAR(100) NOT NULL, description VARCHAR(255));
CREATE UNIQUE INDEX ix_roles_name ON roles (name);
CREATE TABLE user_roles (id {pk}, user_id INTEGER REFERENCES users (id), role_id INTEGER REFERENCES roles (id));
CREATE TABLE sessions (id {pk}, user_id INTEGER NOT NULL REFERENCES users (id), session_token VARCHAR(255) NOT NULL,
    device_info VARCHAR(255), ip_address VARCHAR(50), is_active BOOLEAN, expires_at {ts} NOT NULL, created_at {ts});
CREATE TABLE refresh_tokens (id {pk}, user_id INTEGER NOT NULL, token VARCHAR(255) NOT NULL,
    expires_at {ts} NOT NULL, is_used BOOLEAN, created_at {ts});
CREATE TABLE messages (id {pk}, sender_id INTEGER, recipient_id INTEGER, content TEXT, is_read BOOLEAN,
    parent_id INTEGER REFERENCES messages (id), conversation_id VARCHAR(100), created_at {ts}, updated_at {ts});
CREATE INDEX ix_messages_sender_id ON messages (sender_id);
CREATE INDEX ix_messages_conversation_id ON messages (conversation_id);
INSERT INTO users (id, username, email, hashed_password, is_active, is_superuser, full_name, bio, created_at) VALUES
    (1, 'ann', 'ann@example.com', '{hash}', NULL, {yes}, 'Ann', 'writes', '2024-01-01 00:00:00'),
    (2, 'bo', 'bo@example.com', '', {yes}, {no}, NULL, NULL, '2024-01-01 00:00:00'),
    (3, 'cy', 'cy@example.com', '{hash}', {no}, NULL, NULL, NULL, NULL);
INSERT INTO roles (id, name) VALUES (1, 'admin'), (2, 'editor');
INSERT INTO user_roles (user_id, role_id) VALUES (1, 1), (1, 1), (2, 2), (3, NULL);
INSERT INTO sessions (id, user_id, session_token, device_info, ip_address, is_active, expires_at, created_at) VALUES
    (1, 1, 'session-in-clear', 'phone', '10.0.0.1', {yes}, '2999-01-01 00:00:00', '2024-01-01 00:00:00'),
    (2, 2, 'session-in-clear', NULL, NULL, NULL, '2999-01-01 00:00:00', NULL),
    (3, 3, '', NULL, NULL, {no}, '2024-01-01 00:00:00', NULL);
INSERT INTO refresh_tokens (id, user_id, token, expires_at, is_used) VALUES
    (1, 1, 'refresh-in-clear', '2999-01-01 00:00:00', {no}),
    (2, 1, 'used-in-clear', '2999-01-01 00:00:00', {yes}),
    (3, 77, 'of-nobody', '2999-01-01 00:00:00', {no});
INSERT INTO messages (id, sender_id, recipient_id, content, is_read, parent_id, conversation_id, created_at) VALUES
    (1, 1, 2, 'first', {yes}, NULL, 'any text', '2024-03-01 10:00:00'),
    (2, 2, 1, 'second', {no}, 1, 'any text', '2024-03-01 09:00:00'),
    (3, 2, 1, 'third', {yes}, 2, NULL, '2024-03-01 11:00:00'),
    (4, 1, NULL, 'to everybody', NULL, NULL, NULL, '2024-03-01 12:00:00'),
    (5, 1, 1, 'a note', {no}, NULL, 'dm:2:3', '2024-03-01 12:00:00'),
    (6, 1, NULL, 'the pair is known', {no}, NULL, 'any text', '2024-03-01 13:00:00'),
    (7, 3, NULL, 'alone with a machine', {no}, NULL, 'conv-77', '2024-03-01 13:00:00'),
    (8, 1, 88, 'to nobody', {no}, NULL, NULL, '2024-03-01 13:00:00'),
    (9, 99, 1, 'by nobody', {no}, NULL, NULL, '2024-03-01 13:00:00'),
    (10, 1, 2, 'a reply to what stayed', {yes}, 9, NULL, NULL),
    (11, 1, 2, 'a reply to elsewhere', {yes}, 4, '', '2024-03-01 14:00:00'),
    (12, 1, 2, NULL, {yes}, 12, NULL, '2024-03-01 15:00:00');
"""

ROOMS = """
CREATE TABLE users (id {pk}, username VARCHAR(50) NOT NULL UNIQUE, email VARCHAR(120) NOT NULL UNIQUE,
    password_hash VARCHAR(128), created_at {ts});
INSERT INTO users (id, username, email, password_hash, created_at) VALUES
    (1, 'ann', 'ann@example.com', '{hash}', '2024-01-01 00:00:00'), (2, 'bo', 'bo@example.com', NULL, '2024-01-02 00:00:00'),
    (3, 'cy', 'cy@example.com', NULL, '2024-01-03 00:00:00');
"""
ROOMS_TABLES = """
CREATE TABLE chat_rooms (id {pk}, name VARCHAR(200), description TEXT, is_public BOOLEAN, created_at {ts}, updated_at {ts},
    owner_id INTEGER);
CREATE TABLE room_memberships (id {pk}, is_admin BOOLEAN, joined_at {ts}, user_id INTEGER, room_id INTEGER);
CREATE TABLE messages (id {pk}, content TEXT NOT NULL, timestamp {ts}, sender_id INTEGER NOT NULL, room_id INTEGER);
INSERT INTO chat_rooms (id, name, description, is_public, created_at, owner_id) VALUES
    (1, 'one', 'the first', {yes}, '2024-02-01 00:00:00', 1), (2, '', NULL, {no}, NULL, 2),
    (3, 'orphan', NULL, {yes}, NULL, 50), (4, 'spoken in', NULL, {yes}, NULL, NULL), (8, 'empty', NULL, {yes}, NULL, 50);
INSERT INTO room_memberships (id, is_admin, joined_at, user_id, room_id) VALUES
    (1, {no}, '2024-02-03 00:00:00', 2, 1), (2, {yes}, '2024-02-02 00:00:00', 2, 1), (3, {no}, NULL, 2, 2),
    (4, {no}, '2024-02-02 00:00:00', 2, 3), (5, {yes}, '2024-02-05 00:00:00', 3, 3), (6, {no}, NULL, 60, 1),
    (7, {no}, NULL, 1, 70);
INSERT INTO messages (id, content, timestamp, sender_id, room_id) VALUES
    (1, 'in the room', '2024-03-01 00:00:01', 1, 1), (2, 'before it', '2024-03-01 00:00:00', 2, 1),
    (3, 'in the lobby', NULL, 3, NULL), (4, 'nowhere', '2024-03-01 00:00:00', 1, 80),
    (5, 'spoken', '2024-03-01 00:00:00', 3, 4), (6, '{long}', '2024-03-01 00:00:02', 1, 1),
    (7, 'of nobody', '2024-03-01 00:00:02', 90, 1);
"""

NAMES = """
CREATE TABLE users (id {pk}, email VARCHAR(255) NOT NULL, {password} VARCHAR(255),
    first_name VARCHAR(300), last_name VARCHAR(300));
INSERT INTO users (id, email, {password}, first_name, last_name) VALUES
    (1, 'ann@example.com', '{hash}', 'Ann', 'Ek'), (2, 'bo@example.com', NULL, NULL, 'Berg'),
    (3, 'cy@example.com', '', ' ', NULL),
    (5, 'ann.1@example.com', '{hash_2y}', 'Ann', 'Elsewhere');
"""

OTHER_NAMES = """
CREATE TABLE rooms (id {pk}, heading VARCHAR(200), name VARCHAR(20), is_public BOOLEAN, owner_id INTEGER);
CREATE TABLE room_members (id {pk}, user_id INTEGER, channel_id INTEGER REFERENCES rooms (id));
CREATE TABLE messages (id {pk}, content TEXT NOT NULL, timestamp {ts}, sender_id INTEGER NOT NULL, room_id INTEGER);
CREATE TABLE bookings (id INTEGER PRIMARY KEY, room_id INTEGER NOT NULL REFERENCES rooms (id));
CREATE TABLE drafts (id INTEGER PRIMARY KEY);
INSERT INTO rooms (id, heading, name, is_public, owner_id) VALUES (3, 'The kitchen', 'k', {no}, 1), (4, 'Hall', 'h', {yes}, 2);
INSERT INTO room_members (id, user_id, channel_id) VALUES (1, 1, 3), (2, 2, 3), (3, 2, 4);
INSERT INTO messages (id, content, timestamp, sender_id, room_id) VALUES
    (1, 'in the kitchen', '2024-03-01 00:00:01', 1, 3), (2, 'to all', '2024-03-01 00:00:02', 2, NULL);
INSERT INTO bookings VALUES (1, 3);
"""
"""Rooms and memberships under other names, after ROOMS."""

NOTHING_OF_OURS = """
CREATE TABLE accounts (id {pk}, email VARCHAR(255), password VARCHAR(255));
CREATE TABLE channels (id {pk}, title VARCHAR(200), creator_id INTEGER);
CREATE TABLE channel_members (account_id INTEGER, channel_id INTEGER);
CREATE TABLE posts (id {pk}, text TEXT, sent_at {ts}, author_id INTEGER, channel_id INTEGER);
CREATE TABLE notes (id {pk}, text TEXT, author_id INTEGER);
INSERT INTO accounts (id, email, password) VALUES (1, 'ann@example.com', '{hash}'), (2, 'bo@example.com', NULL);
INSERT INTO channels (id, title, creator_id) VALUES (5, 'one', 1);
INSERT INTO channel_members VALUES (2, 5);
INSERT INTO posts (id, text, sent_at, author_id, channel_id) VALUES (1, 'hello', '2024-03-01 00:00:01', 2, 5);
INSERT INTO notes (id, text, author_id) VALUES (1, 'not a message', 2);
"""

OTHERS = """
CREATE TABLE invoices (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE);
INSERT INTO invoices VALUES (1, 1);
"""


def build(engine: Engine, script: str, **values: str) -> None:
    """Run the statements of *script*, with the placeholders replaced for the engine."""
    words = {
        **DIALECTS[engine.dialect.name],
        "hash": HASH_2B,
        "hash_2y": HASH_2B.replace("$2b", "$2y"),
        "long": "x" * 9000,
        "long_name": "y" * 120,
        **values,
    }
    with engine.begin() as connection:
        for statement in script.format(**words).split(";"):
            if statement.strip():
                connection.exec_driver_sql(statement.format(**words))
        if engine.dialect.name == "postgresql":
            for table in sa.inspect(connection).get_table_names():
                if {"id"} <= {c["name"] for c in sa.inspect(connection).get_columns(table)}:
                    connection.exec_driver_sql(
                        f"SELECT setval(s, (SELECT max(id) FROM {table})) FROM pg_get_serial_sequence('{table}', 'id') AS s"
                    )
