"""Registration: a new account, and the room that it was invited to."""

from __future__ import annotations

from typing import Any

from backend.auth.service import check_registration_open, create_account
from backend.auth.sessions import Device
from backend.models.base import db
from backend.rooms.invites import check_invite, use_invite


def register(*, device: Device, invite_code: str | None = None, **fields: Any) -> dict[str, Any]:
    """Create an account of *fields*, sign it in, and mail a link that verifies its address. Returns the token answer.

    With *invite_code* the user becomes a member of the room of that invite. Raises RegistrationClosed, InviteRequired,
    DeadInvite, and what `create_account` raises; then there is no account.
    """
    check_registration_open(has_invite=invite_code is not None)
    if invite_code is not None:
        check_invite(invite_code)  # first, so that nobody without an invite learns whether an email is taken
    user, grant = create_account(device=device, **fields)
    if invite_code is not None:
        use_invite(user, invite_code)
    db.session.commit()
    return grant.answer()
