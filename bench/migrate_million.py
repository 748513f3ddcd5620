"""Measures `flask db upgrade` of a database with 1,000,000 messages, from the revision before edits, files and search.

    DATABASE_URL=... .venv/bin/python -m bench.migrate_million [--messages 1000000] [--revision 0010]

The database must be empty. Without DATABASE_URL a private PostgreSQL with fsync is started.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack

from sqlalchemy import create_engine, text

from bench.postgres import DurablePostgres
from bench.search_million import BATCH, CONVERSATIONS, contents
from config import Config

USERS = 100


def upgrade(environment: dict[str, str], *revision: str) -> float:
    """Run `flask db upgrade`, with its own output; return its seconds."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade", *revision], env=environment, check=True
    )
    return time.perf_counter() - started


def fill(url: str, count: int) -> None:
    """Insert users, rooms, members and *count* messages, with the columns that revision 0010 has."""
    engine = create_engine(url)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET statement_timeout = 0"))

        def insert(table: str, columns: str, values: str, rows: list[dict]) -> None:
            connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({values})"), rows)

        rooms = [{"id": n + 1, "name": f"room:{n + 1}", "last": count // CONVERSATIONS} for n in range(CONVERSATIONS)]
        insert("users", "id, username", ":id, :name", [{"id": n + 1, "name": f"user{n}"} for n in range(USERS)])
        insert("chat_rooms", "id, name, owner_id", ":id, :name, 1", rooms)
        insert("conversations", "id, kind, room_id, last_seq, last_modseq", ":name, 'room', :id, :last, :last", rooms)
        rows: list[dict] = []
        for number, content in enumerate(contents(count)):
            room, seq = number % CONVERSATIONS + 1, number // CONVERSATIONS + 1
            row = {"room": room, "conversation": f"room:{room}", "seq": seq, "sender": number % USERS + 1}
            rows.append(row | {"content": content})
            if len(rows) == BATCH or number == count - 1:
                columns = "conversation_id, room_id, seq, modseq, sender_id, content"
                insert("messages", columns, ":conversation, :room, :seq, :seq, :sender, :content", rows)
                rows.clear()
    engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--revision", default="0010")
    args = parser.parse_args()
    with ExitStack() as stack:
        url = os.environ.get("DATABASE_URL") or stack.enter_context(DurablePostgres()).create("migrate")
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        environment = os.environ | {"DATABASE_URL": url, "INSTANCE_DIR": folder, "APP_ENV": "development"}
        upgrade(environment, args.revision)
        fill(Config.from_env(environment).database_url, args.messages)
        print(f"{args.messages} messages inserted at revision {args.revision}", flush=True)
        print(f"flask db upgrade: {upgrade(environment):.1f} s", flush=True)


if __name__ == "__main__":
    main()
