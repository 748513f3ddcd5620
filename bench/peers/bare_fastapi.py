"""The reference for REST: FastAPI and asyncpg without any other layer.

It checks only the token's signature: no session, no membership, no limits.
Needs DSN and JWT_SECRET in the environment; servers.py starts it with uvicorn, uvloop and httptools.
"""

import os
from contextlib import asynccontextmanager

import asyncpg
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel

DSN, SECRET, POOL = os.environ["DSN"], os.environ["JWT_SECRET"], 20
INSERT = "INSERT INTO messages (room_id, sender_id, body) VALUES ($1, $2, $3) RETURNING id, created_at"
LATEST = "SELECT id, sender_id, body, created_at FROM messages WHERE room_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with asyncpg.create_pool(DSN, min_size=POOL, max_size=POOL) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


class Body(BaseModel):
    body: str


async def login_required(authorization: str = Header()) -> int:
    try:
        return int(jwt.decode(authorization[7:], SECRET, algorithms=["HS256"])["sub"])
    except jwt.PyJWTError:
        raise HTTPException(401) from None


@app.post("/rooms/{room}/messages", status_code=201)
async def send(room: int, message: Body, user: int = Depends(login_required)):
    row = await app.state.pool.fetchrow(INSERT, room, user, message.body)
    return {"id": row["id"], "created_at": row["created_at"].isoformat()}


@app.get("/rooms/{room}/messages", dependencies=[Depends(login_required)])
async def history(room: int, limit: int = 50, before: int = 2**62):
    rows = await app.state.pool.fetch(LATEST, room, before, limit)
    return {"messages": [{"id": r[0], "sender": r[1], "body": r[2], "created_at": r[3].isoformat()} for r in rows]}


@app.get("/me")
async def me(user: int = Depends(login_required)):
    return {"id": user}
