"""Makes the accounts, roles and rooms of the demo."""

from __future__ import annotations

from io import BytesIO

from backend.audit.log import record, user_target
from backend.auth.password_rules import hash_new_password
from backend.conversations.references import ConversationRef, resolve_conversation
from backend.models import User
from backend.models.base import db
from backend.rooms.membership import add_member, join_room
from backend.rooms.service import create_room
from backend.users.avatars import set_avatar
from backend.users.creation import add_user
from backend.users.roles import create_role, grant_role
from demo.portraits import draw_portrait
from demo.team import FIRST_DAY, FOUNDER, LOBBY, Person, RoomPlan, Team


class Directory:
    """The ids of what was made: users and rooms."""

    def __init__(self) -> None:
        self.user_ids: dict[str, int] = {}
        self.room_ids: dict[str, int] = {}

    def user(self, username: str) -> User:
        """The account of one of the team."""
        return db.session.get_one(User, self.user_ids[username])

    def place(self, conversation: str, username: str) -> ConversationRef:
        """The conversation of a script, as *username* refers to it."""
        user_id = self.user_ids[username]
        if conversation == LOBBY:
            return resolve_conversation(user_id)
        if conversation in self.room_ids:
            return resolve_conversation(user_id, room_id=self.room_ids[conversation])
        one, other = conversation.split("+")
        return resolve_conversation(user_id, recipient_id=self.user_ids[other if one == username else one])


def make_accounts(team: Team, directory: Directory) -> None:
    """Create everybody, with their pictures and roles. All share one password, which is hashed once."""
    hashed = hash_new_password("password", team.password)
    for person in team.people.values():
        directory.user_ids[person.username] = _make_account(person, hashed)
    founder = directory.user(FOUNDER)
    role_ids = {name: create_role(founder, name, text)["id"] for name, text in team.roles.items()}
    for person in team.people.values():
        for role in person.roles:
            grant_role(founder, directory.user_ids[person.username], role_ids[role])


def make_rooms(team: Team, directory: Directory) -> None:
    """Create the rooms, with the members who were there from the beginning."""
    for plan in team.rooms.values():
        room = create_room(directory.user(plan.owner), plan.title, plan.description, plan.is_public)
        directory.room_ids[plan.key] = room["id"]
        for username in plan.members:
            if username != plan.owner and team.people[username].since >= FIRST_DAY:
                add_to_room(directory, plan, username)


def add_to_room(directory: Directory, plan: RoomPlan, username: str) -> None:
    """Make *username* a member: they join a public room by themselves, and are added to a private one or as an admin."""
    room_id, user_id = directory.room_ids[plan.key], directory.user_ids[username]
    is_admin = username in plan.admins
    if plan.is_public and not is_admin:
        join_room(directory.user(username), room_id)
    else:
        add_member(directory.user(plan.owner), room_id, user_id, is_admin=is_admin)


def _make_account(person: Person, hashed: str) -> int:
    user = add_user(
        username=person.username,
        email=person.email,
        hashed_password=hashed,
        first_name=person.first_name,
        last_name=person.last_name,
        is_superuser=person.is_superuser,
    )
    user.bio = person.bio
    record("account.created", None, user_target(user.id), {"by": "command"})
    if person.is_superuser:
        record("superuser.granted", None, user_target(user.id))
    db.session.commit()
    user_id: int = user.id
    set_avatar(user, BytesIO(draw_portrait(person)))
    return user_id
