"""ids of one's own and changes

Revision: 0003
Follows: 0002
"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TASK_COLUMNS = (
    "user_id, id, title, notes, priority, due_date, due_time, due_sort, tags, completed_at, deleted_at, created_at,"
    " updated_at, rev"
)
TAG_COLUMNS = "user_id, task_id, name"
BY_CODE_POINT = sa.String(length=100).with_variant(sa.String(length=100, collation="C"), "postgresql")


def upgrade() -> None:
    _set_aside()
    _create_tasks(["user_id", "id"], sa.Column("title_sort", BY_CODE_POINT, nullable=False, server_default=""))
    op.create_table(
        "task_tags",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "task_id"],
            ["tasks.user_id", "tasks.id"],
            name=op.f("fk_task_tags_user_id_task_id_tasks"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "task_id", "name", name=op.f("pk_task_tags")),
    )
    op.create_index(op.f("ix_task_tags_user_id_name_task_id"), "task_tags", ["user_id", "name", "task_id"])
    _bring_back()
    _fill_title_sort()
    with op.batch_alter_table("tasks") as batch:
        batch.alter_column("title_sort", server_default=None, existing_type=BY_CODE_POINT, existing_nullable=False)
    for column in ("priority", "title_sort", "rev"):
        op.create_index(op.f(f"ix_tasks_user_id_{column}_id"), "tasks", ["user_id", column, "id"])
    with op.batch_alter_table("users") as batch:
        batch.add_column(sa.Column("sync_floor", sa.BigInteger(), nullable=False, server_default="0"))
    with op.batch_alter_table("users") as batch:
        batch.alter_column("sync_floor", server_default=None, existing_type=sa.BigInteger(), existing_nullable=False)
    op.create_table(
        "deleted_tasks",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_deleted_tasks_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "id", name=op.f("pk_deleted_tasks")),
    )
    op.create_index(op.f("ix_deleted_tasks_user_id_rev_id"), "deleted_tasks", ["user_id", "rev", "id"])
    op.create_index(op.f("ix_deleted_tasks_deleted_at"), "deleted_tasks", ["deleted_at"])
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("task_ids", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_idempotency_keys_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"])
    op.create_table(
        "calendar_feeds",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_calendar_feeds_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_calendar_feeds")),
        sa.UniqueConstraint("digest", name=op.f("uq_calendar_feeds_digest")),
    )


def downgrade() -> None:
    """Go back; two people's tasks of one id cannot both be kept, and make this fail without a change."""
    for table in ("calendar_feeds", "idempotency_keys", "deleted_tasks"):
        op.drop_table(table)
    with op.batch_alter_table("users") as batch:
        batch.drop_column("sync_floor")
    _set_aside()
    _create_tasks(["id"])
    op.create_table(
        "task_tags",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_task_tags_task_id_tasks"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_task_tags_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("task_id", "name", name=op.f("pk_task_tags")),
    )
    op.create_index(op.f("ix_task_tags_user_id_name_task_id"), "task_tags", ["user_id", "name", "task_id"])
    _bring_back()


def _set_aside() -> None:
    """Copy both tables and drop them: SQLite changes no primary key, and drops with a row all that refer to it."""
    op.execute("CREATE TABLE former_task_tags AS SELECT * FROM task_tags")
    op.drop_table("task_tags")
    op.execute("CREATE TABLE former_tasks AS SELECT * FROM tasks")
    op.drop_table("tasks")


def _bring_back() -> None:
    op.execute(f"INSERT INTO tasks ({TASK_COLUMNS}) SELECT {TASK_COLUMNS} FROM former_tasks")  # noqa: S608
    op.execute(f"INSERT INTO task_tags ({TAG_COLUMNS}) SELECT {TAG_COLUMNS} FROM former_task_tags")  # noqa: S608
    op.drop_table("former_task_tags")
    op.drop_table("former_tasks")


def _create_tasks(primary_key: list[str], *more: "sa.Column[str]") -> None:
    op.create_table(
        "tasks",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("due_time", sa.Time(), nullable=True),
        sa.Column("due_sort", sa.String(length=16), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        *more,
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tasks_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint(*primary_key, name=op.f("pk_tasks")),
    )
    for column in ("created_at", "due_sort", "updated_at"):
        op.create_index(op.f(f"ix_tasks_user_id_{column}_id"), "tasks", ["user_id", column, "id"])


def _fill_title_sort() -> None:
    # As the model does it; a migration must mean the same however the model changes.
    tasks = sa.table("tasks", *(sa.column(name) for name in ("user_id", "id", "title", "title_sort")))
    connection = op.get_bind()
    mine = (tasks.c.user_id == sa.bindparam("owner"), tasks.c.id == sa.bindparam("task"))
    fill = sa.update(tasks).where(*mine).values(title_sort=sa.bindparam("key"))
    rows = connection.execute(sa.select(tasks.c.user_id, tasks.c.id, tasks.c.title)).all()
    if rows:
        keys = [
            {"owner": row.user_id, "task": row.id, "key": unicodedata.normalize("NFKC", row.title).casefold()[:100]}
            for row in rows
        ]
        connection.execute(fill, keys)
