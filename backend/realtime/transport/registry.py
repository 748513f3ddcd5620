"""The open connections of one worker."""

from __future__ import annotations

from collections.abc import Collection

from backend.realtime.transport.connection import Connection
from backend.realtime.transport.frames import Close


class Registry:
    """The connections of this worker, by user.

    `users` holds open connections alone. `closing` holds those that were closed and whose client has not yet ended the stream.
    """

    def __init__(self) -> None:
        self.users: dict[int, set[Connection]] = {}
        self.closing: set[Connection] = set()

    @property
    def connections(self) -> list[Connection]:
        """Every open connection."""
        return [connection for connections in self.users.values() for connection in connections]

    def of_user(self, user_id: int) -> Collection[Connection]:
        """The open connections of a user, as they are at this moment."""
        return tuple(self.users.get(user_id, ()))

    def add(self, connection: Connection) -> bool:
        """Add *connection*, and close an older one of the same client (4409). True where it is the user's first one here."""
        user_id = connection.user_id
        for older in self.of_user(user_id):
            if older.client_id == connection.client_id:
                older.close(Close.REPLACED)
        is_first = user_id not in self.users
        self.users.setdefault(user_id, set()).add(connection)
        return is_first

    def remove(self, connection: Connection) -> bool:
        """Remove a connection that was closed. True where it was the user's last one here. Safe to repeat."""
        self.closing.add(connection)
        connections = self.users.get(connection.user_id)
        if connections is None or connection not in connections:
            return False
        connections.discard(connection)
        if connections:
            return False
        del self.users[connection.user_id]
        return True

    def forget(self, connection: Connection) -> None:
        """Forget a connection whose stream has ended. Safe to repeat."""
        self.closing.discard(connection)
