"""Add the table that records which tokenizer built the search index

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

from backend.schema.operations import record_search_version

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None
compatible_with = (
    "0016", "0015", "0014", "0013", "0012", "0011", "0010", "0009", "0008", "0007", "0006", "0005", "0004", "0003",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "search_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tokenizer", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_version")),
    )
    # No release has built an index without this table, so this code built what there is.
    record_search_version()


def downgrade() -> None:
    op.drop_table("search_version")
