<%! from backend.schema.drafts import compatible_with %>\
<% operations = f"{upgrades or ''}{downgrades or ''}" %>\
"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
"""

% if "sa." in operations:
import sqlalchemy as sa
% endif
% if "op." in operations:
from alembic import op
% endif
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}
# The releases that can still serve the database after this migration. If it removes something, declare instead why no release
# reads that any more: contracts = "..." (docs/migrations.md)
compatible_with = ${compatible_with(config, down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
