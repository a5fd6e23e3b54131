"""Forms of the task pages."""

import re
from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.fields import SelectChoice  # type: ignore[attr-defined] # the stubs are of WTForms 3.2
from wtforms.validators import DataRequired, Optional
from wtforms.widgets import HiddenInput

from app.models import Priority
from app.services.preconditions import Condition
from app.services.task_rows import TaskRow
from app.web.forms import Form, UploadField

PRIORITIES = {"none": "No priority", "low": "Low", "medium": "Medium", "high": "High"}


class _Date(DateField):
    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError as error:
            raise ValueError("Enter a date like 2026-11-03.") from error


class _Time(TimeField):
    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError as error:
            raise ValueError("Enter a time like 14:30.") from error


class NewTaskForm(Form):
    sent_to = "tasks.create"

    title = StringField(
        "Title",
        [DataRequired("Enter a title.")],
        render_kw={
            "maxlength": 500,
            "placeholder": "Buy milk due:friday",
            "autocomplete": "off",
            "dir": "auto",
        },
    )
    due_date = _Date("Due date", [Optional()])
    due_time = _Time("Due time", [Optional()])
    priority = SelectField(
        "Priority", choices=[SelectChoice(*each) for each in PRIORITIES.items()], default="none", validate_choice=False
    )
    tags = StringField(
        "Tags",
        description="Single words, with spaces between them.",
        render_kw={"autocomplete": "off", "autocapitalize": "none", "dir": "auto"},
    )
    notes = TextAreaField("Notes", render_kw={"maxlength": 20_000, "rows": 4, "dir": "auto"})

    def typed(self) -> dict[str, Any]:
        """Return the values, tags as a list: commas between them and a # before them are forgiven."""
        words = re.split(r"[\s,]+", self.tags.data or "")
        return super().typed() | {"tags": [word.lstrip("#") for word in words if word.strip("#")]}


class TaskForm(NewTaskForm):
    sent_to = "tasks.update"

    completed = BooleanField("Completed")
    #: The revision that was shown: a form that was open for long must not undo what another device has done.
    rev = IntegerField(widget=HiddenInput())

    def __init__(self, **arguments: Any) -> None:
        """Fill the form; its ids differ from those of the form for a new task, which may be on the same page."""
        super().__init__(**arguments)
        for field in self:
            field.id = field.label.field_id = f"edit-{field.name}"

    @classmethod
    def showing(cls, task: TaskRow) -> "TaskForm":
        """Return the form filled with the task, whatever was sent."""
        priority = Priority(task["priority"]).name.lower()
        values = task | {"priority": priority, "tags": " ".join(task["tags"]), "completed": bool(task["completed_at"])}
        return cls(formdata=None, data=values)

    def condition(self) -> Condition:
        """Return that the task must still be the one that was shown."""
        return Condition(revs=frozenset((self.rev.data,)) if self.rev.data is not None else None)

    def is_saved_in(self, task: TaskRow) -> bool:
        """Tell whether the task, not in the trash, has just these values."""
        mine, its = self.typed(), TaskForm.showing(task).typed()
        return task["deleted_at"] is None and all(mine[name] == its[name] for name in _COMPARED)

    def differences(self, saved: "TaskForm") -> list[tuple[str, str, str]]:
        """Return label, saved value and typed value of each field in which the two differ."""
        pairs = ((field, saved[field.name]) for field in self if field.name in _COMPARED)
        return [(mine.label.text, _words(its), _words(mine)) for mine, its in pairs if _words(mine) != _words(its)]


_COMPARED = ("title", "due_date", "due_time", "priority", "tags", "notes", "completed")


def _words(field: Any) -> str:
    if isinstance(field, BooleanField):
        return "Yes" if field.data else "No"
    if field.name == "priority":
        return PRIORITIES.get(field.data, "")
    return str(field._value()).replace("\r\n", "\n") or "Nothing"


class ImportForm(Form):
    file = UploadField(
        "File",
        description="An export (.json), a table (.csv) or todo.txt (.txt). You see what would happen before it does.",
        render_kw={"accept": ".json,.csv,.txt,application/json,text/csv,text/plain"},
    )
    #: The file again, between the page that says what it would do and the button that does it.
    kind = HiddenField()
    text = HiddenField()
    confirmed = HiddenField()
