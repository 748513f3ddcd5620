"""Hide bans of users who were never in the room

Revision ID: 0010
Revises: 0009
"""

from backend.schema.operations import update_in_batches

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
compatible_with = ("0009", "0008", "0007", "0006", "0005", "0004", "0003")


def upgrade() -> None:
    # Clients receive the rows whose modseq is above the one that they have, which is never below 0.
    update_in_batches("room_memberships", "modseq = 0", "is_banned AND left_at = joined_at AND modseq > 0")


def downgrade() -> None:
    pass
