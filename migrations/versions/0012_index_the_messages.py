"""Add existing messages to the search index

Revision ID: 0012
Revises: 0011
"""

from backend.schema.operations import index_messages_in_batches

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
compatible_with = ("0011", "0010", "0009", "0008", "0007", "0006", "0005", "0004", "0003")


def upgrade() -> None:
    index_messages_in_batches()


def downgrade() -> None:
    pass
