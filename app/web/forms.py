"""What every page form shares: one validation with the API, and refusals put beside the fields they are about."""

from typing import Any, ClassVar

from flask import Flask, request
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.exceptions import RequestEntityTooLarge
from wtforms import BooleanField, Field

from app.services.errors import InvalidInput, ServiceError, TooManyRequests
from app.web.payload import SchemaT, fields

_SENT: Any = object()

#: As few as Werkzeug allows for parts of a multipart body; of this kind it would take any number.
_MAX_FIELDS = 1000


class Form(FlaskForm):
    """Base of the page forms: says how things are asked; what is acceptable the request schemas and services say."""

    #: Service errors that are about one field.
    about: ClassVar[dict[type[ServiceError], str]] = {}
    #: The endpoint it is sent to, for forms that come back filled if they cannot be taken: see `app.auth.unsent`.
    sent_to: ClassVar[str] = ""

    def __init__(self, formdata: Any = _SENT, **arguments: Any) -> None:
        """Take what was sent if nothing else is given: text fields only, for which no file and no JSON can stand in."""
        if formdata is _SENT:
            formdata = (request.form or None) if request.method == "POST" else None
        super().__init__(formdata=formdata, **arguments)  # type: ignore[no-untyped-call]

    def read(self, schema: type[SchemaT]) -> SchemaT:
        """Return what was typed as an instance of the schema, which takes the fields it knows.

        Raises:
            InvalidInput: something is missing or does not fit.
        """
        if not self.validate():
            raise InvalidInput(**{field.name: str(field.errors[0]) for field in self if field.errors})
        values = {
            name: value
            for name, value in self.typed().items()
            if name in schema.model_fields and self._was_sent(self._fields[name])
        }
        return fields(schema, values)

    def typed(self) -> dict[str, Any]:
        """Return the value of each field in the shape the schemas take."""
        return dict(self.data)

    def refuse(self, error: ServiceError) -> None:
        """Put a refusal beside the fields it is about, or above the form where it is about none of them."""
        places = error.errors if isinstance(error, InvalidInput) else {self.about.get(type(error), ""): str(error)}
        for place, text in places.items():
            field = self._fields.get(place.partition("/")[0])
            if field is None:
                self.form_errors.append(text)
            else:
                field.errors = [text]

    def refusals(self) -> list[tuple[str, str]]:
        """Return what the error summary lists: the id of the field, or none, and the text."""
        beside = [(field.id, text) for field in self for text in field.errors]
        return [("", text) for text in self.form_errors] + beside

    @staticmethod
    def _was_sent(field: Field) -> bool:
        # An unticked box is not sent at all; any other field that is missing must not pass for one left empty.
        return bool(field.raw_data) or isinstance(field, BooleanField)


def init_app(app: Flask) -> None:
    """Refuse forms of thousands of fields, before anybody looks at one."""
    app.before_request(_refuse_many_fields)


def _refuse_many_fields() -> None:
    # Half a megabyte of "a&" takes a hundred times as long to read as any honest form.
    urlencoded = request.method == "POST" and request.mimetype == "application/x-www-form-urlencoded"
    if urlencoded and request.get_data().count(b"&") >= _MAX_FIELDS:
        raise RequestEntityTooLarge(f"A form has fewer than {_MAX_FIELDS} fields.")


def form_of(endpoint: str | None) -> type[Form] | None:
    """Return the form whose ``sent_to`` is this endpoint."""
    kinds: list[type[Form]] = [Form]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return next((kind for kind in kinds if kind.sent_to and kind.sent_to == endpoint), None)


class UploadField(FileField):
    """A field for a file: the only one that looks at the files that were sent."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take the file under this field's name, whatever text there is under it."""
        super().process_formdata(request.files.getlist(self.name))  # type: ignore[no-untyped-call]


def refused(page: str, error: ServiceError) -> tuple[str, int, dict[str, str]]:
    """Return a page that shows a refused form, with its status: 422, or 429 and how long to wait."""
    if isinstance(error, TooManyRequests):
        return page, 429, {"Retry-After": str(error.retry_after)}
    return page, 422, {}
