"""The data of the workloads: users and rooms, created through Confab's API, and long histories, inserted with SQL."""

import asyncio
import time
from dataclasses import dataclass, field

import jwt

from bench.load_http import call_json, call_many
from bench.servers import JWT_SECRET_KEY, PEER_SECRET

USERS, ROOMS, ROOMS_EACH = 50, 10, 4
PASSWORD = "correct horse battery"
REFRESH_AFTER = 8 * 60  # seconds; an access token is valid for 15 minutes
SMALL, LARGE = 1_000, 1_000_000
PEER_SMALL, PEER_LARGE = 1001, 1002
CONTENT = "repeat('x', 100)"


@dataclass
class User:
    id: int
    email: str
    access_token: str
    refresh_token: str


@dataclass
class Population:
    """The users of a running Confab, and its rooms by name."""

    url: str
    users: list[User] = field(default_factory=list)
    rooms: dict[str, int] = field(default_factory=dict)
    refreshed_at: float = 0.0

    @property
    def tokens(self) -> list[str]:
        return [user.access_token for user in self.users]

    def rooms_of(self, index: int) -> list[int]:
        """Return the ids of the rooms to which the user at *index* sends."""
        return [self.rooms[f"room {(index + k) % ROOMS}"] for k in range(ROOMS_EACH)]

    async def refresh(self) -> None:
        """Refresh the access tokens if they could expire during the next workload."""
        if time.monotonic() - self.refreshed_at < REFRESH_AFTER:
            return

        async def one(connection, user: User):
            body = {"refresh_token": user.refresh_token}
            answer = await call_json(connection, "POST", "/api/auth/refresh", 200, body=body)
            user.access_token, user.refresh_token = answer["access_token"], answer["refresh_token"]

        await call_many(self.url, [lambda c, u=u: one(c, u) for u in self.users])
        self.refreshed_at = time.monotonic()

    async def make_room(self, name: str, members: list[User]) -> int:
        """Create a room of the first member, which the other members join. Returns its id."""
        owner, *others = members

        async def create(connection):
            token = owner.access_token
            return await call_json(connection, "POST", "/api/rooms", 201, token=token, body={"name": name})

        [room] = await call_many(self.url, [create], width=1)
        path = f"/api/rooms/{room['id']}/join"
        await call_many(
            self.url, [lambda c, u=u: call_json(c, "POST", path, 200, token=u.access_token) for u in others]
        )
        self.rooms[name] = room["id"]
        return room["id"]


async def populate(url: str) -> Population:
    """Create 50 users and 10 rooms. Each user is a member of four rooms."""

    async def register(connection, number: int) -> User:
        body = {"email": f"bench{number}@example.com", "password": PASSWORD}
        answer = await call_json(connection, "POST", "/api/auth/register", 201, body=body)
        return User(answer["user"]["id"], body["email"], answer["access_token"], answer["refresh_token"])

    people = Population(url, refreshed_at=time.monotonic())
    people.users = await call_many(url, [lambda c, n=n: register(c, n) for n in range(USERS)])
    for room in range(ROOMS):
        members = [u for i, u in enumerate(people.users) if (room - i) % ROOMS < ROOMS_EACH]
        await people.make_room(f"room {room}", members)
    return people


def peer_tokens() -> list[str]:
    expires = int(time.time()) + 24 * 3600
    return [jwt.encode({"sub": str(n + 1), "exp": expires}, PEER_SECRET, "HS256") for n in range(USERS)]


def seed_users(postgres, database: str, count: int) -> list[str]:
    """Create *count* accounts, each with a session, and return their access tokens. SQL avoids hashing the passwords."""
    with postgres.cursor(database) as cursor:
        cursor.execute(
            """
            WITH made AS (
                INSERT INTO users (username, created_at, updated_at)
                SELECT 'idle-' || n, now(), now() FROM generate_series(1, %(count)s) n RETURNING id
            ), entries AS (
                INSERT INTO conversation_entries (user_id, conversation_id) SELECT id, 'lobby' FROM made
            )
            INSERT INTO sessions (user_id, session_token, expires_at, last_seen_at)
            SELECT id, md5(random()::text), now() + interval '1 day', now() FROM made RETURNING user_id, id
            """,
            {"count": count},
        )
        sessions = cursor.fetchall()
        _vacuum(cursor)
    now = int(time.time())
    claims = {"iss": "confab", "aud": "confab", "type": "access", "jti": "bench", "iat": now, "exp": now + 900}
    return [jwt.encode(claims | {"sub": str(user), "sid": sid}, JWT_SECRET_KEY, "HS256") for user, sid in sessions]


async def seed_history(postgres, database: str, people: Population) -> None:
    """Create a room of 1,000 and one of 1,000,000 messages, interleaved as in real traffic."""
    for name in ("small", "large"):
        await people.make_room(name, people.users)
    await asyncio.to_thread(_seed_confab, postgres, database, people)


def _seed_confab(postgres, database: str, people: Population) -> None:
    small, large = people.rooms["small"], people.rooms["large"]
    ids = [user.id for user in people.users]
    every = LARGE // SMALL + 1  # the small room gets one of this many messages
    with postgres.cursor(database) as cursor:
        cursor.execute(
            f"""
            INSERT INTO messages (conversation_id, room_id, seq, modseq, sender_id, content, is_read,
                                  created_at, updated_at)
            SELECT c.id, room, c.last_seq + n, c.last_modseq + n, (%(ids)s::bigint[])[g %% {USERS} + 1], {CONTENT},
                   false, at, at
            FROM generate_series(1, {LARGE + SMALL}) g,
                 LATERAL (SELECT CASE WHEN g %% {every} = 0 THEN %(small)s ELSE %(large)s END AS room,
                                 CASE WHEN g %% {every} = 0 THEN g / {every} ELSE g - g / {every} END AS n,
                                 now() - interval '0.1 second' * ({LARGE + SMALL} - g) AS at) AS m
            JOIN conversations c ON c.id = 'room:' || room
            ORDER BY g
            """,
            {"ids": ids, "small": small, "large": large},
        )
        for room, count in ((small, SMALL), (large, LARGE)):
            cursor.execute(
                "UPDATE conversations SET last_seq = last_seq + %s, last_modseq = last_modseq + %s,"
                " last_message_at = now() WHERE id = %s",
                (count, count, f"room:{room}"),
            )
        _vacuum(cursor)


def seed_page(postgres, database: str, people: Population, room: str, count: int, has_reactions: bool) -> None:
    """Insert *count* messages into a room, each with five reactions and a mention if *has_reactions*."""
    room_id, ids = people.rooms[room], [user.id for user in people.users]
    with postgres.cursor(database) as cursor:
        cursor.execute(
            f"""
            INSERT INTO messages (conversation_id, room_id, seq, modseq, sender_id, content, is_read, has_extras,
                                  created_at, updated_at)
            SELECT c.id, %(room)s, c.last_seq + n, c.last_modseq + n, (%(ids)s::bigint[])[n %% {USERS} + 1], {CONTENT},
                   false, %(rich)s, now(), now()
            FROM generate_series(1, %(count)s) n JOIN conversations c ON c.id = 'room:' || %(room)s
            RETURNING id, conversation_id, seq
            """,
            {"room": room_id, "ids": ids, "rich": has_reactions, "count": count},
        )
        for message_id, conversation_id, seq in cursor.fetchall() if has_reactions else ():
            for user_id, emoji in zip(ids, "👍🎉👍😀🎉", strict=False):
                cursor.execute(
                    "INSERT INTO reactions (message_id, user_id, emoji, created_at, updated_at)"
                    " VALUES (%s, %s, %s, now(), now())",
                    (message_id, user_id, emoji),
                )
            cursor.execute(
                "INSERT INTO message_mentions (message_id, user_id, conversation_id, seq, created_at, updated_at)"
                " VALUES (%s, %s, %s, %s, now(), now())",
                (message_id, ids[0], conversation_id, seq),
            )
        cursor.execute(
            "UPDATE conversations SET last_seq = last_seq + %s, last_modseq = last_modseq + %s WHERE id = %s",
            (count, count, f"room:{room_id}"),
        )
        _vacuum(cursor)


def seed_peer(postgres) -> None:
    """Insert the same histories into the database of the bare FastAPI endpoint."""
    every = LARGE // SMALL + 1
    with postgres.cursor("peer") as cursor:
        cursor.execute(
            f"""
            INSERT INTO messages (room_id, sender_id, body)
            SELECT CASE WHEN g % {every} = 0 THEN {PEER_SMALL} ELSE {PEER_LARGE} END, g % {USERS} + 1, {CONTENT}
            FROM generate_series(1, {LARGE + SMALL}) g
            """
        )
        _vacuum(cursor)


def _vacuum(cursor) -> None:
    """Update statistics and hint bits, and write a checkpoint, so that no later run includes this work."""
    cursor.execute("VACUUM ANALYZE")
    cursor.execute("CHECKPOINT")
