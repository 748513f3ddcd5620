"""What each of the team has read, muted and pinned, and what is left for the administrator to do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from backend.auth.api_tokens import create_token
from backend.inbox.marks import mark_read, update_conversation
from backend.moderation.service import report_message, settle_report
from backend.rooms.invites import create_invite
from demo.accounts import Directory
from demo.script import Line
from demo.team import FOUNDER, Team

INVITED = "design"
"""The room that has a valid invite."""


def mark_everything(team: Team, directory: Directory, lines: Sequence[Line]) -> None:
    """Set the read marks, and mute and pin conversations, as `data/team.toml` says. *lines* were sent in this order."""
    said: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        said[line.conversation].append(line)
    for conversation, its_lines in said.items():
        for username in dict.fromkeys(team.audience(conversation)):
            seq = _last_read(its_lines, username, team.unread.get(username, {}).get(conversation, 0))
            mark_read(directory.user(username), directory.place(conversation, username).conversation_id, seq)
    for flag, chosen in (("is_muted", team.muted), ("is_pinned", team.pinned)):
        for username, keys in chosen.items():
            for key in keys:
                conversation_id = directory.place(key, username).conversation_id
                update_conversation(directory.user(username), conversation_id, **{flag: True})


def leave_work(team: Team, directory: Directory, message_ids: Mapping[Line, int]) -> None:
    """Report messages, settle the first report, and make an invite and an API token."""
    founder = directory.user(FOUNDER)
    report_ids = [
        report_message(directory.user(reporter), message_id, reason)["id"]
        for line, message_id in message_ids.items()
        for reporter, reason in line.reports
    ]
    if report_ids:
        settle_report(founder, report_ids[0], "resolved", "Spoke to both. The message is gone.")
    owner = directory.user(team.rooms[INVITED].owner)
    create_invite(owner, directory.room_ids[INVITED], max_uses=5)
    create_token(directory.user(FOUNDER), "Dashboard in the hallway", ("read", "health"))


def _last_read(lines: Sequence[Line], username: str, unread: int) -> int:
    """The seq in a conversation of *lines* after which *unread* messages of others follow."""
    seq = len(lines)
    while unread and seq:
        line = lines[seq - 1]
        unread -= line.author != username and not line.deleted_by
        seq -= 1
    return seq
