"""The tables, in one file for each noun. Importing this package makes every relationship resolvable."""

from backend.models.conversation import Conversation, ConversationEntry
from backend.models.factor import RecoveryCode, TotpFactor
from backend.models.message import Attachment, Message, MessageEdit, MessageMention, Pin, Reaction
from backend.models.moderation import AuditEvent, Block, Report
from backend.models.outbox import OutboxMessage
from backend.models.room import Room, RoomInvite, RoomMembership
from backend.models.search import MessageSearch, SearchBlock, SearchVersion
from backend.models.session import AccountToken, ApiToken, OtpCode, RefreshToken, RevokedToken, UserSession, WsTicket
from backend.models.user import Role, User, UserRole

__all__ = [
    "AccountToken",
    "ApiToken",
    "Attachment",
    "AuditEvent",
    "Block",
    "Conversation",
    "ConversationEntry",
    "Message",
    "MessageEdit",
    "MessageMention",
    "MessageSearch",
    "OtpCode",
    "OutboxMessage",
    "Pin",
    "Reaction",
    "RecoveryCode",
    "RefreshToken",
    "Report",
    "RevokedToken",
    "Role",
    "Room",
    "RoomInvite",
    "RoomMembership",
    "SearchBlock",
    "SearchVersion",
    "TotpFactor",
    "User",
    "UserRole",
    "UserSession",
    "WsTicket",
]
