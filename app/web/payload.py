"""Request bodies and query strings, checked by pydantic schemas before a view sees them."""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Annotated, Any, TypeVar, get_origin
from urllib.parse import parse_qs

from flask import request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from app.services.errors import InvalidInput

_ERRORS_AT_MOST = 100
JSON_TYPES = ("application/json", "application/merge-patch+json")


class Schema(BaseModel):
    """Base of request schemas: exact types, and a field we do not know is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


def _without_defaults(schema: dict[str, Any]) -> None:
    for values in schema["properties"].values():
        values.pop("default", None)


class MergePatch(Schema):
    """Base of merge patches (RFC 7396): what is left out stays as it is, so the defaults are never used."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)


class Answer(BaseModel):
    """Base of response schemas: they document, and tests hold answers against them; no request waits for that.

    A member with a default may be missing.
    """

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_without_defaults)


SchemaT = TypeVar("SchemaT", bound=Schema)

#: Werkzeug's way to read a query string whose bytes are no text: they stay percent-encoded.
UNREADABLE = "werkzeug.url_quote"


def json_body(schema: type[SchemaT]) -> SchemaT:
    """Return the JSON body as an instance of the schema.

    Raises:
        UnsupportedMediaType: the body is not labelled as JSON, or it is compressed.
        BadRequest: it is not JSON.
        InvalidInput: it does not fit; one message for each place, named by JSON pointer without the leading ``#/``.
    """
    if request.mimetype not in JSON_TYPES:
        raise UnsupportedMediaType("Send the body as JSON, with the header Content-Type: application/json.")
    refuse_coding()
    try:
        return schema.model_validate_json(request.get_data())
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            raise BadRequest("The body is not valid JSON.") from error
        raise _invalid(error) from error


def refuse_coding() -> None:
    """Refuse a body that is not sent as it is: for a client to learn more than that it makes no sense (RFC 9110 §8.4).

    Raises:
        UnsupportedMediaType: it has a content coding.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the body as it is, without Content-Encoding.")


def query_string(schema: type[SchemaT]) -> SchemaT:
    """Return the query parameters as an instance of the schema, numbers converted from text.

    A parameter whose field is a list may be repeated. Whoever asks the same gets the same instance: do not change it.

    Raises:
        InvalidInput: a parameter is unknown, given twice, or does not fit.
    """
    asked: SchemaT = _query_string(schema, request.query_string)
    return asked


# Programs ask for few different pages over and over.
@lru_cache(maxsize=512)
def _query_string(schema: type[SchemaT], as_sent: bytes) -> SchemaT:
    given = parse_qs(as_sent.decode(), keep_blank_values=True, errors=UNREADABLE)
    lists = {name for name, field in schema.model_fields.items() if get_origin(field.annotation) is list}
    twice = [name for name, values in given.items() if len(values) > 1 and name not in lists]
    if twice:
        raise InvalidInput(**dict.fromkeys(twice, "Give this parameter once."))
    return fields(schema, {name: values if name in lists else values[0] for name, values in given.items()})


def fields(schema: type[SchemaT], values: Mapping[str, object]) -> SchemaT:
    """Return text fields, from a form or a query string, as an instance of the schema.

    Raises:
        InvalidInput: a value does not fit.
    """
    try:
        return schema.model_validate(values, strict=False)
    except ValidationError as error:
        raise _invalid(error) from error


def places(error: ValidationError) -> dict[str, str]:
    """Return a message for each place that does not fit (at most 100), by JSON pointer without the leading ``#/``."""
    # A body of half a megabyte can be wrong in a hundred thousand places.
    return {_pointer(each["loc"]): _plain(each) for each in error.errors()[:_ERRORS_AT_MOST]}


def _invalid(error: ValidationError) -> InvalidInput:
    return InvalidInput(**places(error))


def _pointer(location: tuple[int | str, ...]) -> str:
    # RFC 6901 §3; a client's own field name may hold the characters that need escaping.
    return "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in location)


def _plain(error: ErrorDetails) -> str:
    if error["type"] in ("too_long", "string_too_long") and isinstance(error["input"], str):
        return f"Use at most {error['ctx']['max_length']} characters."
    if error["type"] in ("too_short", "string_too_short") and isinstance(error["input"], str):
        return "This must not be empty."
    if error["type"].startswith("date_"):
        return "There is no such date. Use one like 2026-11-03."
    if error["type"].startswith("time_"):
        return "There is no such time. Use one like 14:30."
    message = str(error["msg"]).removeprefix("Value error, ")
    return message.replace("Extra inputs are not permitted", "There is no such field.")


# What follows them in a list, a log or a message would be shown in an order that is not its own. Marks, as U+200F, and
# writing from right to left need none of them.
_TURNS_TEXT = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Control characters (Unicode's category Cc), halves of surrogate pairs (Cs), separators of lines and paragraphs.
_NOT_IN_ONE_LINE = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_NOT_IN_LINES = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_NOT_IN_SECRETS = re.compile("[\0\ud800-\udfff]")


# As many as Unicode asks to expect of text for people (UAX #15, Stream-Safe Text Format).
_MARKS_AT_MOST = 30


@cache
def _marks_without_end() -> re.Pattern[str]:
    # What is a mark, or begins with one when it is taken apart; there are none beyond these planes.
    every = (chr(code) for code in range(0x300, 0x20000))
    marks = "".join(c for c in every if unicodedata.combining(unicodedata.normalize("NFKD", c)[0]))
    return re.compile(f"[{marks}]{{{_MARKS_AT_MOST + 1}}}")


def _composed(text: str) -> str:
    """Return the text in NFC.

    Python sorts the marks of a letter in a time that grows with the square of their number, and nothing else runs
    meanwhile: half a megabyte of them would stop a worker for a minute.
    """
    if text.isascii():
        return text
    if _marks_without_end().search(text):
        raise ValueError(f"Use at most {_MARKS_AT_MOST} accents or other combining marks in a row.")
    return unicodedata.normalize("NFC", text)


def _one_line(text: str) -> str:
    """Trim; refuse control characters, which could forge lines in logs, calendars and exports."""
    text = _composed(text).strip()
    if _NOT_IN_ONE_LINE.search(text):
        raise ValueError("Use one line without control characters.")
    if _TURNS_TEXT.search(text):
        raise ValueError("Use text without characters that turn the direction of writing (bidi overrides, isolates).")
    return text


def _many_lines(text: str) -> str:
    text = _composed(text).replace("\r\n", "\n").replace("\r", "\n")
    if _NOT_IN_LINES.search(text):
        raise ValueError("Use text without control characters.")
    return text


def _without_nul(text: str) -> str:
    if _NOT_IN_SECRETS.search(text):
        raise ValueError("Use text that is valid Unicode, without NUL characters.")
    return text


OneLine = Annotated[str, AfterValidator(_one_line)]
ManyLines = Annotated[str, AfterValidator(_many_lines)]
Email = Annotated[OneLine, Field(max_length=320)]
Name = Annotated[OneLine, Field(max_length=100)]
#: For passwords: taken exactly as typed.
Secret = Annotated[str, AfterValidator(_without_nul)]
