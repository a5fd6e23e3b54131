"""The tables, as SQLModel describes them, and what the API takes and shows; shared by the sync and the async form."""

import datetime as dt
from uuid import UUID, uuid4

from pydantic import BaseModel
from sqlalchemy import JSON, Column, DateTime
from sqlmodel import Field, SQLModel

Instant = DateTime(timezone=True)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class User(SQLModel, table=True):
    __tablename__ = "users"
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    email: str
    email_key: str
    name: str
    password_hash: str
    timezone: str
    theme: str
    created_at: dt.datetime = Field(sa_type=Instant)


class BlockedToken(SQLModel, table=True):
    __tablename__ = "blocked_tokens"
    jti: str = Field(primary_key=True)
    expires_at: dt.datetime = Field(sa_type=Instant)


class Task(SQLModel, table=True):
    __tablename__ = "tasks"
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", primary_key=True)
    title: str
    title_sort: str
    notes: str = ""
    priority: int = 0
    due_date: dt.date | None = None
    due_time: dt.time | None = None
    due_sort: str = "9999-12-31T99:99"
    tags: list[str] = Field(default_factory=list, sa_column=Column(JSON))
    completed_at: dt.datetime | None = Field(default=None, sa_type=Instant)
    deleted_at: dt.datetime | None = Field(default=None, sa_type=Instant)
    created_at: dt.datetime = Field(default_factory=now, sa_type=Instant)
    updated_at: dt.datetime = Field(default_factory=now, sa_type=Instant)
    rev: int = 1

    @property
    def completed(self) -> bool:
        return self.completed_at is not None

    @property
    def due_at(self) -> dt.datetime | None:
        return dt.datetime.combine(self.due_date, self.due_time, dt.UTC) if self.due_time else None


class NewTask(BaseModel):
    title: str = Field(min_length=1, max_length=500)
    notes: str = Field("", max_length=20_000)
    priority: int = 0
    due_date: dt.date | None = None
    tags: list[str] = []


class ShownTask(BaseModel):
    id: UUID
    title: str
    notes: str
    priority: int
    due_date: dt.date | None
    due_time: dt.time | None
    due_at: dt.datetime | None
    tags: list[str]
    completed: bool
    completed_at: dt.datetime | None
    deleted_at: dt.datetime | None
    created_at: dt.datetime
    updated_at: dt.datetime
    rev: int


class Tasks(BaseModel):
    items: list[ShownTask]


class Profile(BaseModel):
    id: UUID
    email: str
    name: str
    timezone: str
    theme: str
    created_at: dt.datetime


class Credentials(BaseModel):
    email: str
    password: str


class RefreshToken(BaseModel):
    refresh_token: str
