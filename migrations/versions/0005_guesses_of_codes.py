"""Add the requester of a one-time code, and the number of guesses of each guesser

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
compatible_with = ("0004", "0003")


def upgrade() -> None:
    op.add_column("otp_codes", sa.Column("asked_by", sa.String(64), nullable=True))
    op.add_column("otp_codes", sa.Column("guesses", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("otp_codes", "guesses")
    op.drop_column("otp_codes", "asked_by")
