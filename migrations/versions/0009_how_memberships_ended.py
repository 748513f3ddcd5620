"""Add whether a membership was ended by its own member

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
compatible_with = ("0008", "0007", "0006", "0005", "0004", "0003")


def upgrade() -> None:
    op.add_column("room_memberships", sa.Column("left_by_self", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("room_memberships", "left_by_self")
