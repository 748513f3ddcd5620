"""A client to read and to port: it keeps a copy of its user's messages, and prints each change of it as a line of JSON.

    python reference_client.py https://chat.example EMAIL PASSWORD [CLIENT_ID]

docs/realtime.md explains each step. Needs Python 3.11 or newer, and the package `websockets`.
"""

import json
import random
import sys
import time
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect


class Client:
    def __init__(self, url, email, password, client_id, on_change):
        self.url, self.client_id, self.on_change = url, client_id, on_change
        self.messages, self.seen = {}, {}  # By conversation. A client with a disk stores both in one transaction.
        self.tokens = self.request("POST", "/api/auth/login", {"email": email, "password": password})
        self.user_id, self.is_caught_up = self.tokens["user"]["id"], False

    def request(self, method, path, body=None, token=None):
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = Request(self.url + path, json.dumps(body).encode() if body else None, headers, method=method)
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def call(self, method, path):
        """Call the API, with new tokens if it refuses the present one. HTTPError 401 means that the session has ended."""
        try:
            return self.request(method, path, token=self.tokens["access_token"])
        except HTTPError as error:
            if error.code != 401:
                raise
        self.tokens = self.request("POST", "/api/auth/refresh", {"refresh_token": self.tokens["refresh_token"]})
        return self.request(method, path, token=self.tokens["access_token"])

    def run(self):
        """Follow all conversations. Returns when a newer socket of this client id replaces this one."""
        delay = 0.5
        while True:
            try:
                self.follow()
            except (OSError, HTTPException, WebSocketException) as error:
                code = error.rcvd.code if isinstance(error, ConnectionClosed) and error.rcvd else None
                if code == 4409:
                    return
                if code in (1002, 1003, 1007, 4413) or (isinstance(error, HTTPError) and error.code == 401):
                    raise  # This program is at fault, or the session has ended.
                if code == 4401:
                    self.tokens["access_token"] = None  # The next call gets new tokens.
            delay = 1 if self.is_caught_up else min(2 * delay, 30)
            time.sleep(random.uniform(0, delay))

    def follow(self):
        self.is_caught_up = False
        ticket = self.call("POST", "/api/auth/ws-ticket")["ticket"]
        with connect(f"ws{self.url[4:]}/ws/{self.client_id}?token={ticket}", max_size=None) as socket:
            socket.recv(timeout=30)  # `ready`: every change arrives from here on.
            self.load()
            socket.send(json.dumps({"type": "resume", "conversations": self.seen}))
            for text in socket:
                self.handle(json.loads(text))

    def load(self):
        """Read the last page of what is shown and new; and of direct conversations, because `is_read` has no modseq."""
        rows = self.call("GET", "/api/chat/conversations?limit=100")
        for row in rows[:20]:  # A screen loads what it shows.
            if row["id"] not in self.seen or row["kind"] == "dm":
                self.merge(self.call("GET", f"/api/chat/messages?conversation_id={row['id']}"))
        self.seen = {row["id"]: row["last_modseq"] for row in rows} | self.seen

    def handle(self, frame):
        name = frame.get("conversation_id")
        if self.is_caught_up and "modseq" in frame:
            self.seen[name] = frame["modseq"]
        match frame["type"]:
            case "resumed":
                for row in frame["conversations"]:
                    self.merge(row["messages"])
                    modseqs = [change["modseq"] for change in row["messages"] + row["members"]]
                    self.seen[row["id"]] = max(modseqs) if row["truncated"] else row["last_modseq"]
                self.forget(frame["gone"])
                self.is_caught_up = frame["done"]
            case "message.created" | "message.updated" | "message.deleted":
                self.merge([frame["message"]])
            case "read":
                received = [m for m in self.messages.get(name, {}).values() if m["recipient_id"] == frame["user_id"]]
                self.merge([m | {"is_read": True} for m in received if m["seq"] <= frame["seq"]])
            case "room.created":
                self.load()
            case "room.deleted" | "member.left" if frame.get("user_id", self.user_id) == self.user_id:
                self.forget([name])
            case "error":  # The answer to `resume`.
                raise ConnectionError(frame["detail"])

    def merge(self, messages):
        """Keep the state with the highest modseq of each message. `is_read` never becomes false again."""
        for message in messages:
            known = self.messages.setdefault(message["conversation_id"], {})
            before = known.get(message["id"], {"modseq": 0, "is_read": False})
            after = message | {"is_read": message["is_read"] or before["is_read"]}
            if after["modseq"] >= before["modseq"] and after != before:
                known[message["id"]] = after
                self.on_change(after)

    def forget(self, names):
        for name in names:
            self.messages.pop(name, None)
            self.seen.pop(name, None)
            self.on_change({"gone": name})


if __name__ == "__main__":
    url, email, password, client_id = [*sys.argv[1:], random.randbytes(8).hex()][:4]
    Client(url, email, password, client_id, lambda change: print(json.dumps(change), flush=True)).run()
