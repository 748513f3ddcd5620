"""Index the messages that mention their whole room

Revision ID: 0016
Revises: 0015
"""

from alembic import op

from backend.schema.operations import add_index

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
compatible_with = (
    "0015", "0014", "0013", "0012", "0011", "0010", "0009", "0008", "0007", "0006", "0005", "0004", "0003",
)  # fmt: skip


def upgrade() -> None:
    add_index(
        "ix_messages_conversation_id_mentions_room", "messages", ["conversation_id", "seq"], where="mentions_room"
    )


def downgrade() -> None:
    op.drop_index("ix_messages_conversation_id_mentions_room", table_name="messages")
