"""Many tasks at once, without a request for each: added, or deleted."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import delete, insert, update

from app.extensions import db
from app.models import Task, TaskTag, User, due_sort_key, time_ordered_id, title_sort_key

START = datetime(2026, 1, 1, tzinfo=UTC)


def due_in_turn(number: int) -> dict[str, Any]:
    """Return a due date for every task but each tenth, and a priority; many share them."""
    return {"due_date": date(2026, 3, 1 + number % 7) if number % 10 else None, "priority": number % 4}


def plant(app: Flask, user_id: str, number: int, fields: Callable[[int], dict[str, Any]] = due_in_turn) -> list[str]:
    """Add that many tasks and return their ids; five in a row are of the same instant."""
    rows = []
    for place in range(number):
        moment = START + timedelta(minutes=place // 5)
        row = {"title": f"Task {place}", "due_date": None, "due_time": None, "created_at": moment, "updated_at": moment}
        row |= {"priority": 0, "tags": [], "completed_at": None, "deleted_at": None}
        row |= {"id": time_ordered_id(), "user_id": UUID(user_id), "rev": place + 1} | fields(place)
        due_sort = due_sort_key(row["due_date"], row["due_time"])
        rows.append(row | {"due_sort": due_sort, "title_sort": title_sort_key(row["title"])})
    with app.app_context():
        db.session.execute(update(User).where(User.id == UUID(user_id)).values(rev=number))
        db.session.execute(insert(Task), rows)
        if tags := [
            {"user_id": row["user_id"], "task_id": row["id"], "name": tag} for row in rows for tag in row["tags"]
        ]:
            db.session.execute(insert(TaskTag), tags)
        db.session.commit()
    return [str(row["id"]) for row in rows]


def forget_tasks(app: Flask) -> None:
    """Delete everybody's tasks, as if they had never been."""
    with app.app_context():
        db.session.execute(delete(Task))
        db.session.commit()
