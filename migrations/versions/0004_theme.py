"""theme

Revision: 0004
Follows: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    theme = sa.String(length=6)
    with op.batch_alter_table("users") as batch:
        batch.add_column(sa.Column("theme", theme, nullable=False, server_default="system"))
    with op.batch_alter_table("users") as batch:
        batch.alter_column("theme", server_default=None, existing_type=theme, existing_nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("users") as batch:
        batch.drop_column("theme")
