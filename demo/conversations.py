"""Sends the messages of the scripts, and then makes the changes to them: edits, reactions, pins, deletions."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO

from backend.attachments.upload import create_attachment
from backend.messages.append import MAX_BATCH_SIZE, append_together
from backend.messages.change_types import Change
from backend.messages.changes import MAX_BATCH_SIZE as MAX_CHANGES
from backend.messages.changes import change_together
from backend.messages.deletion import Deletion
from backend.messages.drafts import Draft
from backend.messages.edits import Edit
from backend.messages.emojis import parse_emoji
from backend.messages.pins import SetPin
from backend.messages.reactions import AddReaction
from demo.accounts import Directory, add_to_room
from demo.documents import KINDS as DOCUMENTS
from demo.documents import write_document
from demo.pictures import draw_picture
from demo.routines import load_routines
from demo.script import Line, ScriptError, in_order, parse
from demo.team import DATA, FIRST_DAY, Team, direct

SHARE_WITH_REACTIONS = 0.14
"""The part of the messages in rooms to which people react without a script that says so."""


def load_lines(team: Team) -> list[Line]:
    """The messages of all scripts and routines, by time. Raises ScriptError for one that cannot be read."""
    lines = load_routines(team)
    folder = DATA / "conversations"
    for path in [folder / "lobby.txt", *sorted(folder.glob("rooms/*.txt"))]:
        lines += parse(path.stem, path.read_text("utf-8"))
    for path in sorted(folder.glob("direct/*.txt")):
        lines += parse(direct(*path.stem.split("+")), path.read_text("utf-8"))
    faults = [fault for line in lines for fault in _faults(team, line)]
    if faults:
        raise ScriptError("\n".join(faults))
    lines = list(in_order(lines))
    _react(team, lines)
    return lines


def _faults(team: Team, line: Line) -> Iterator[str]:
    """Who speaks or reacts in *line* although they are not there, or not yet."""
    reporters = [name for name, _ in line.reports]
    for name in (line.author, *(name for _, name in line.reactions), *reporters):
        if name not in team.audience(line.conversation):
            yield f"{line.conversation}: {name} is not there, to see: {line.text[:50]}"
        elif team.people[name].since < line.day:
            yield f"{line.conversation}: {name} comes later, after: {line.text[:50]}"


def _react(team: Team, lines: Sequence[Line]) -> None:
    """Add some reactions to messages of rooms that have none. They are the same each time."""
    chance = random.Random("reactions")
    for line in lines:
        plan = team.rooms.get(line.conversation)
        if plan is None or line.reactions or line.deleted_by or chance.random() > SHARE_WITH_REACTIONS:
            continue
        readers = [name for name in plan.members if name != line.author and team.people[name].since > line.day]
        for emoji in chance.sample(plan.emoji, chance.choice((1, 1, 1, 2))):
            line.reactions += [(emoji, name) for name in chance.sample(readers, chance.choice((1, 1, 2, 3)))]


class Sender:
    """Sends messages in batches. `message_ids` has the id of each one that was sent."""

    def __init__(self, team: Team, directory: Directory):
        self.message_ids: dict[Line, int] = {}
        self.attachment_ids: dict[Line, list[int]] = {}
        self._team, self._directory = team, directory
        self._queue: list[Line] = []
        self._queued: set[Line] = set()
        self._newcomers = [person for person in team.people.values() if person.since < FIRST_DAY]

    def send(self, lines: Sequence[Line], progress: Callable[[int], None]) -> None:
        """Send *lines*, in their order. Who came later joins their rooms before the messages of their first day."""
        for number, line in enumerate(lines, 1):
            self._welcome(line.day)
            if len(self._queue) >= MAX_BATCH_SIZE or line.parent in self._queued:
                self._flush()
                progress(number)
            if line.files:
                self.attachment_ids[line] = [self._upload(line.author, each) for each in line.files]
            self._queue.append(line)
            self._queued.add(line)
        self._flush()
        progress(len(lines))

    def _welcome(self, day: int) -> None:
        for person in [each for each in self._newcomers if each.since >= day]:
            self._flush()
            self._newcomers.remove(person)
            for plan in self._team.rooms.values():
                if person.username in plan.members:
                    add_to_room(self._directory, plan, person.username)

    def _upload(self, author: str, file: str) -> int:
        kind, name = file.split(" ", 1)
        data = write_document(kind, name) if kind in DOCUMENTS else draw_picture(kind, name)
        attachment_id: int = create_attachment(self._directory.user(author), name, BytesIO(data))["id"]
        return attachment_id

    def _flush(self) -> None:
        queue, self._queue, self._queued = self._queue, [], set()
        results = append_together([self._draft(line) for line in queue]) if queue else []
        for line, result in zip(queue, results, strict=True):
            if isinstance(result, Exception):
                raise result
            self.message_ids[line] = result.message["id"]

    def _draft(self, line: Line) -> Draft:
        return Draft(
            self._directory.user_ids[line.author],
            self._directory.place(line.conversation, line.author),
            line.earlier[0] if line.earlier else line.text,
            self.message_ids[line.parent] if line.parent else None,
            attachment_ids=tuple(self.attachment_ids.get(line, ())),
        )


def change(lines: Sequence[Line], message_ids: dict[Line, int], directory: Directory) -> None:
    """Edit, react to, pin and delete the messages, as their scripts say."""
    ids = directory.user_ids
    changes = [each for line in lines for each in _changes(line, message_ids[line], ids)]
    for start in range(0, len(changes), MAX_CHANGES):
        for result in change_together(changes[start : start + MAX_CHANGES]):
            if isinstance(result, Exception):
                raise result


def _changes(line: Line, message_id: int, user_ids: dict[str, int]) -> Iterator[Change]:
    for text in [*line.earlier[1:], line.text] if line.earlier else []:
        yield Edit(user_ids[line.author], message_id, text)
    for emoji, username in line.reactions:
        yield AddReaction(user_ids[username], message_id, parse_emoji(emoji))
    if line.pinned_by:
        yield SetPin(user_ids[line.pinned_by], message_id, is_pinned=True)
    if line.deleted_by:
        yield Deletion(user_ids[line.deleted_by], message_id)
