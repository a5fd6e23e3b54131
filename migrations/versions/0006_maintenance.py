"""maintenance

Revision: 0006
Follows: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "maintenance_runs",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance_runs")),
    )
    in_the_trash = sa.text("deleted_at IS NOT NULL")
    op.create_index(
        op.f("ix_tasks_deleted_at"), "tasks", ["deleted_at"], sqlite_where=in_the_trash, postgresql_where=in_the_trash
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_tasks_deleted_at"), "tasks")
    op.drop_table("maintenance_runs")
