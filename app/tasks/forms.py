"""Forms of the task pages."""

import re
from typing import Any

from flask_wtf.file import FileField
from wtforms import BooleanField, DateField, HiddenField, SelectField, StringField, TextAreaField, TimeField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined] # the stubs are of WTForms 3.2
from wtforms.validators import DataRequired, Optional

from app.web.forms import Form

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
    title = StringField(
        "Title",
        [DataRequired("Enter a title.")],
        render_kw={
            "maxlength": 500,
            "placeholder": "What needs doing?",
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
        render_kw={"autocomplete": "off", "autocapitalize": "none"},
    )
    notes = TextAreaField("Notes", render_kw={"maxlength": 20_000, "rows": 4, "dir": "auto"})

    def typed(self) -> dict[str, Any]:
        """Return the values, tags as a list: commas between them and a # before them are forgiven."""
        words = re.split(r"[\s,]+", self.tags.data or "")
        return super().typed() | {"tags": [word.lstrip("#") for word in words if word.strip("#")]}


class TaskForm(NewTaskForm):
    completed = BooleanField("Completed")


class ImportForm(Form):
    file = FileField(
        "File",
        description="An export (.json), a table (.csv) or todo.txt (.txt). You see what would happen before it does.",
        render_kw={"accept": ".json,.csv,.txt,application/json,text/csv,text/plain"},
    )
    #: The file again, between the page that says what it would do and the button that does it.
    kind = HiddenField()
    text = HiddenField()
    confirmed = HiddenField()
