"""Fill the case-folded usernames; if several differ only in case, the oldest account keeps the name

Revision ID: 0007
Revises: 0006
"""

from backend.schema.operations import update_in_batches

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
compatible_with = ("0006", "0005", "0004", "0003")

OLDEST = "SELECT min(id) FROM users WHERE username_key IS NOT NULL GROUP BY username_key"


def upgrade() -> None:
    update_in_batches("users", "username_key = lower(username)", "username_key IS NULL")
    update_in_batches("users", "username_key = NULL", f"username_key IS NOT NULL AND id NOT IN ({OLDEST})")


def downgrade() -> None:
    pass
