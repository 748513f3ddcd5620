"""Add a GIN index on the terms of messages

Revision ID: 0013
Revises: 0012
"""

from alembic import op

from backend.schema.operations import add_index

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
compatible_with = ("0012", "0011", "0010", "0009", "0008", "0007", "0006", "0005", "0004", "0003")


def upgrade() -> None:
    # Created after the rows are written, which takes a fraction of the time.
    add_index("ix_message_search_terms", "message_search", ["terms"], using="gin")


def downgrade() -> None:
    op.drop_index("ix_message_search_terms", table_name="message_search")
