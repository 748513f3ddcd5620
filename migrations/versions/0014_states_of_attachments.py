"""Add the state, dimensions and position of attachments

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
compatible_with = ("0013", "0012", "0011", "0010", "0009", "0008", "0007", "0006", "0005", "0004", "0003")


def upgrade() -> None:
    op.add_column("attachments", sa.Column("state", sa.String(16), server_default="ready", nullable=False))
    op.add_column("attachments", sa.Column("thumbnail_size", sa.Integer(), nullable=True))
    op.add_column("attachments", sa.Column("width", sa.Integer(), nullable=True))
    op.add_column("attachments", sa.Column("height", sa.Integer(), nullable=True))
    op.add_column("attachments", sa.Column("position", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    for name in ("position", "height", "width", "thumbnail_size", "state"):
        op.drop_column("attachments", name)
