"""Make case-folded usernames unique

Revision ID: 0008
Revises: 0007
"""

from alembic import op

from backend.schema.operations import add_index

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
compatible_with = ("0007", "0006", "0005", "0004", "0003")


def upgrade() -> None:
    add_index("ix_users_username_key", "users", ["username_key"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_users_username_key", table_name="users")
