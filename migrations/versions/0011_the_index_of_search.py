"""The tables of full-text search

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
compatible_with = ("0010", "0009", "0008", "0007", "0006", "0005", "0004", "0003")

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "message_search",
        sa.Column("message_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("conversation_id", sa.String(length=100), nullable=False),
        sa.Column("terms", postgresql.TSVECTOR().with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_message_search_message_id_messages"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_message_search")),
    )
    op.create_table(
        "search_blocks",
        sa.Column("block", BIGINT, autoincrement=False, nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("members", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("block", "term", name=op.f("pk_search_blocks")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_search_blocks_block",
        "search_blocks",
        ["block"],
        unique=False,
        sqlite_where=sa.text("term = ''"),
    )


def downgrade() -> None:
    op.drop_table("search_blocks")
    op.drop_table("message_search")
