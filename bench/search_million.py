"""Measures searches among 1,000,000 messages in 50 conversations, in the database of DATABASE_URL.

    DATABASE_URL=... .venv/bin/flask --app wsgi db upgrade
    DATABASE_URL=... .venv/bin/python -m bench.search_million [--messages 1000000] [--rounds 20]

An empty database is filled first. The frequencies of words follow Zipf's law, as in a language. One user is in all 50
conversations, another in 5. Whole requests are measured, within this process.
Targets: p95 <= 50 ms on PostgreSQL, 100 ms on SQLite.
"""

import argparse
import itertools
import os
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import text

from backend import create_app
from backend.models.base import db
from backend.search.index import index_missing, reindex
from config import Config
from tests.factories import Factory

CONVERSATIONS, WORDS, BATCH = 50, 50_000, 10_000
LETTERS = "etaoinshrdlucmfwypvbgk"
TARGET_MS = {"postgresql": 50, "sqlite": 100}


def word(number: int) -> str:
    """Return word *number* of the vocabulary, ordered by frequency. Rarer words are longer, and many words share a prefix."""
    number += 1
    letters = ""
    while number:
        number, letter = divmod(number, len(LETTERS))
        letters = LETTERS[letter] + letters
    return letters + "en" if len(letters) < 2 else letters


def contents(count: int):
    """Yield *count* messages of 2 to 25 words."""
    choice = random.Random(7)
    words = [word(n) for n in range(WORDS)]
    weights = list(itertools.accumulate(1 / (n + 2) for n in range(WORDS)))
    pool = choice.choices(words, cum_weights=weights, k=2_000_000)
    at = 0
    for number in range(count):
        length = choice.randint(2, 25)
        if at + length > len(pool):
            at = choice.randint(0, 1000)
        rare = f" needle{number}" if number % 100_000 == 99 else ""
        han = " 我家在上海东边" if number % 1000 == 7 else ""
        yield " ".join(pool[at : at + length]) + rare + han
        at += length


def seed(app, count: int) -> tuple[str, str]:
    make = Factory(app)
    users = [make.user(f"reader{n}") for n in range(2)]
    clients = [make.client(user) for user in users]
    rooms = [make.room(clients[0], f"room {n}", *clients[1:2] if n % 10 == 0 else ()) for n in range(CONVERSATIONS)]
    start = datetime.now(UTC) - timedelta(seconds=count)
    numbers = dict.fromkeys(range(CONVERSATIONS), 0)
    rows = []
    with app.app_context():
        dialect = db.engine.dialect.name
        base = db.session.scalar(text("SELECT coalesce(max(id), 0) FROM messages"))
        db.session.rollback()
        raw = db.engine.raw_connection()
        cursor = raw.cursor()
        if dialect == "sqlite":
            cursor.execute("BEGIN")
        for number, content in enumerate(contents(count)):
            room = number % CONVERSATIONS
            numbers[room] += 1
            seq = numbers[room] + 100
            at = start + timedelta(seconds=number)
            at = at if dialect == "postgresql" else at.strftime("%Y-%m-%d %H:%M:%S.%f")
            sender = users[number % 7 == 0].id
            rows.append(
                (
                    base + number + 1,
                    rooms[room]["conversation_id"],
                    rooms[room]["id"],
                    seq,
                    seq,
                    sender,
                    content,
                    at,
                    at,
                )
            )
            if len(rows) == BATCH or number == count - 1:
                _insert(cursor, dialect, rows)
                rows.clear()
        if dialect == "postgresql":
            cursor.execute("SELECT setval(pg_get_serial_sequence('messages', 'id'), %s)", (base + count,))
        for room, last in numbers.items():
            mark = "%s" if dialect == "postgresql" else "?"
            cursor.execute(
                f"UPDATE conversations SET last_seq = {mark}, last_modseq = {mark} WHERE id = {mark}",
                (last + 100, last + 100, rooms[room]["conversation_id"]),
            )
        cursor.execute("COMMIT") if dialect == "sqlite" else raw.commit()
        raw.close()


def _insert(cursor, dialect: str, rows: list[tuple]) -> None:
    columns = "id, conversation_id, room_id, seq, modseq, sender_id, content, created_at, updated_at"
    if dialect == "postgresql":
        from psycopg2.extras import execute_values

        cursor.execute("SET statement_timeout = 0")
        execute_values(cursor, f"INSERT INTO messages ({columns}) VALUES %s", rows, page_size=1000)
    else:
        cursor.executemany(f"INSERT INTO messages ({columns}) VALUES ({', '.join('?' * 9)})", rows)


def build(app, fill) -> None:
    started = time.perf_counter()
    with app.app_context(), db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET statement_timeout = 0")
        for _ in fill(connection):
            connection.commit()
        if connection.dialect.name == "postgresql":
            connection.commit()
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
        connection.commit()
    print(f"indexed in {time.perf_counter() - started:.1f} s")


QUERIES = {
    "most common word": word(0),
    "common word": word(20),
    "word in 1 % of messages": word(120),
    "word in 0.1 %": word(1200),
    "rare word": "needle",
    "one rare word": "needle300099",
    "nothing": "zzzzzzz",
    "one letter": "t",
    "two letters": "ta",
    "common and common": f"{word(3)} {word(20)}",
    "common and rare": f"{word(3)} {word(9000)}",
    "rare and a common prefix": f"{word(9000)} t",
    "three common": f"{word(1)} {word(2)} {word(40)}",
    "phrase of common words": f'"{word(1)} {word(2)}"',
    "phrase that does not occur": f'"{word(400)} {word(401)}"',
    "phrase of common words that is rare": f'"{word(5)} {word(90)}"',
    "Chinese": "上海",
    "Chinese, 4 characters": "在上海东",
}


def measure(app, rounds: int) -> None:
    dialect = app.config["SQLALCHEMY_DATABASE_URI"].partition(":")[0].partition("+")[0]
    make = Factory(app)
    with app.app_context():
        ids = db.session.execute(text("SELECT id, username FROM users WHERE username IN ('reader0', 'reader1')")).all()
        room, middle = db.session.execute(
            text("SELECT conversation_id, created_at FROM messages WHERE id = (SELECT max(id) / 2 FROM messages)")
        ).one()
        middle = str(middle).replace(" ", "T").partition("+")[0] + "Z"

    class Known:
        def __init__(self, id_):
            self.id = id_

    clients = {name: make.client(Known(id_)) for id_, name in ids}
    every = []
    for reader, client in sorted(clients.items()):
        filters = {"": "", " in one room": f"&conversation_id={room}"} if reader == "reader0" else {"": ""}
        filters |= (
            {" before": f"&before={quote(middle)}", " by one": f"&sender_id={ids[1][0]}"} if reader == "reader0" else {}
        )
        for told, more in filters.items():
            print(f"{reader}{told}:")
            for name, query in QUERIES.items():
                took, before = [], processor_seconds(app)
                for _ in range(rounds):
                    started = time.perf_counter()
                    answer = client.get(f"/api/chat/search?q={quote(query)}{more}")
                    took.append((time.perf_counter() - started) * 1000)
                    assert answer.status_code == 200, answer.get_data()
                every += took
                busy = (processor_seconds(app) - before) * 1000 / rounds
                tell(f"  {name:38} {len(answer.get_json()):3} found  {busy:5.1f} ms of CPU", took, TARGET_MS[dialect])
    tell("all", every, TARGET_MS[dialect])


def processor_seconds(app) -> float:
    """Return the CPU seconds of this process and of its database's server processes, which other load affects less."""
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            return time.process_time()
        pids = db.session.scalars(text("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")).all()
        db.session.rollback()
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return time.process_time() + sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def tell(what: str, took: list[float], target: int) -> None:
    p95 = statistics.quantiles(took, n=20)[-1] if len(took) > 1 else took[0]
    miss = f"  MISS: more than {target} ms" if p95 > target else ""
    print(f"{what}  p50 {statistics.median(took):7.1f} ms  p95 {p95:7.1f} ms{miss}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--rebuild", action="store_true", help="rebuild the index")
    args = parser.parse_args()
    settings = {
        "APP_ENV": "testing",
        "RATE_LIMITS": "off",
        "LOG_LEVEL": "warning",
        "DATABASE_URL": os.environ["DATABASE_URL"],
    }
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Config.from_env(settings | {"INSTANCE_DIR": folder}))
        with app.app_context():
            is_empty = db.session.execute(text("SELECT 1 FROM messages LIMIT 1")).first() is None
            db.session.commit()
        if is_empty:
            started = time.perf_counter()
            seed(app, args.messages)
            print(f"{args.messages} messages written in {time.perf_counter() - started:.1f} s")
        if is_empty or args.rebuild:
            build(app, reindex if args.rebuild else index_missing)
        measure(app, args.rounds)


if __name__ == "__main__":
    main()
