"""A model of the inbox for the tests of its counts: plain lists, counted message by message."""

from __future__ import annotations

from dataclasses import dataclass, field

LOBBY, ROOM = "lobby", "room"


@dataclass
class Post:
    """A message as the model knows it. Users are numbers."""

    id: int
    sender: int
    seq: int
    content: str
    named: frozenset[int]
    names_room: bool
    is_deleted: bool = False


@dataclass
class Counts:
    """What an inbox row shows."""

    last_seq: int
    last_read_seq: int
    unread: int
    mentions: int


@dataclass
class Inboxes:
    """The conversations of a few users, by name: `lobby`, `room`, and `dm:0:1` for the users 0 and 1.

    The methods of changes return whether the server has to accept the change. If it has not, the model stays as it is.
    """

    posts: dict[str, list[Post]]
    marks: dict[tuple[int, str], int]
    """The read marks, by user and conversation. There is one for each inbox row."""

    admins: dict[int, bool]
    """The members of the room, and whether they are admins."""

    first_seqs: dict[str, int] = field(default_factory=dict)
    """The last seq of a conversation before the test began."""

    def last_seq(self, place: str) -> int:
        return self.first_seqs.get(place, 0) + len(self.posts.get(place, []))

    def can_see(self, user: int, place: str) -> bool:
        if place == ROOM:
            return user in self.admins
        return place == LOBBY or str(user) in place.split(":")[1:]

    def mentioned(self, place: str, users: frozenset[int]) -> frozenset[int]:
        """Which of *users* a message can mention: those who can see it."""
        return frozenset(user for user in users if self.can_see(user, place))

    def is_admin(self, user: int, place: str) -> bool:
        return place == ROOM and self.admins.get(user, False)

    def send(self, sender: int, place: str, message_id: int, content: str, users: frozenset[int], room: bool) -> None:
        names_room = room and self.is_admin(sender, place)
        named = self.mentioned(place, users)
        seq = self.last_seq(place) + 1
        self.posts.setdefault(place, []).append(Post(message_id, sender, seq, content, named, names_room))
        if place.startswith("dm"):
            for side in place.split(":")[1:]:
                self.marks.setdefault((int(side), place), 0)

    def edit(self, user: int, place: str, post: Post, content: str, users: frozenset[int], room: bool) -> bool:
        if not self.can_see(user, place) or user != post.sender or post.is_deleted:
            return False
        if content != post.content:
            post.content, post.named = content, self.mentioned(place, users)
            post.names_room = room and self.is_admin(user, place)
        return True

    def delete(self, user: int, place: str, post: Post) -> bool:
        if not self.can_see(user, place) or not (user == post.sender or self.is_admin(user, place)):
            return False
        post.is_deleted = True
        return True

    def read(self, user: int, place: str, seq: int) -> bool:
        if (user, place) not in self.marks:
            return False
        self.marks[user, place] = max(seq, self.marks[user, place])
        return True

    def unread(self, user: int, place: str, seq: int) -> bool:
        if (user, place) not in self.marks:
            return False
        self.marks[user, place] = min(seq - 1, self.marks[user, place])
        return True

    def join(self, user: int, is_admin: bool = False) -> None:
        if user not in self.admins:
            self.admins[user] = is_admin
            self.marks[user, ROOM] = self.last_seq(ROOM)

    def leave(self, user: int) -> None:
        del self.admins[user], self.marks[user, ROOM]

    def inbox(self, user: int) -> dict[str, Counts]:
        """The inbox of *user*, counted message by message."""
        return {
            place: Counts(
                self.last_seq(place),
                mark,
                sum(is_unread(post, user, mark) for post in self.posts.get(place, [])),
                sum(
                    is_unread(post, user, mark) and (user in post.named or post.names_room)
                    for post in self.posts.get(place, [])
                ),
            )
            for (owner, place), mark in self.marks.items()
            if owner == user
        }


def is_unread(post: Post, user: int, mark: int) -> bool:
    return post.seq > mark and post.sender != user and not post.is_deleted
