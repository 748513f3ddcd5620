"""Add email addresses as typed, and case-folded usernames

Revision ID: 0006
Revises: 0005
"""

import idna
import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
compatible_with = ("0005", "0004", "0003")


def upgrade() -> None:
    op.add_column("users", sa.Column("mail_address", sa.String(length=255), nullable=True))
    op.add_column("users", sa.Column("username_key", sa.String(length=100), nullable=True))
    _fold_domains()


def _fold_domains() -> None:
    """Store domains in Unicode, which emails are now compared by. Few rows have a domain in ASCII (`xn--`)."""
    connection = op.get_bind()
    users = sa.table("users", sa.column("id", sa.BigInteger), sa.column("email", sa.String))
    for id_, email in connection.execute(
        sa.select(users.c.id, users.c.email).where(users.c.email.like("%xn--%"))
    ).all():
        local, _, domain = email.rpartition("@")
        try:
            folded = f"{local}@{idna.decode(domain)}"
        except (idna.IDNAError, UnicodeError):
            continue
        is_taken = connection.execute(sa.select(users.c.id).where(users.c.email == folded)).first() is not None
        if not is_taken:
            connection.execute(sa.update(users).where(users.c.id == id_).values(email=folded))


def downgrade() -> None:
    op.drop_column("users", "username_key")
    op.drop_column("users", "mail_address")
