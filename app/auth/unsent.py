"""What was typed into a form that could not be taken, its sign-in or its form token being over: it comes back filled.

Through the sign-in page it travels as one sealed field, so that nobody can plant another text there. Kept are the
fields the form has, never passwords, form tokens or files. Whose they are, the tokens tell that the browser still had.
Where it had none, whoever sent the form had it in front of them: what they are shown is nothing new to them.
"""

from dataclasses import asdict, dataclass
from uuid import UUID

from flask import current_app, render_template, request
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.datastructures import MultiDict
from wtforms import PasswordField

from app.services import keys, tokens
from app.web import cookies
from app.web.forms import form_of
from app.web.origin import local_path

#: What does not fit comes back to nobody: twice a full task. The sign-in form has to stay below MAX_CONTENT_LENGTH.
_AT_MOST_BYTES = 200_000
_MAX_AGE_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Unsent:
    """A form to be sent again: where to, the text in its fields by name, and where that led afterwards."""

    endpoint: str
    path: str
    fields: dict[str, str]
    back: str | None = None


def sent() -> Unsent | None:
    """Return what the present request has sent; None if it is no form with something typed, or too long to keep."""
    kind, endpoint = form_of(request.endpoint), request.endpoint
    if kind is None or endpoint is None:
        return None
    fields = {
        field.name: field.raw_data[0]
        for field in kind()
        if field.raw_data and not isinstance(field, PasswordField) and field.name != "csrf_token"
    }
    if not any(fields.values()) or sum(len(text.encode()) for text in fields.values()) > _AT_MOST_BYTES:
        return None
    return Unsent(endpoint, request.full_path.rstrip("?"), fields, local_path(request.form.get("back")))


def seal(unsent: Unsent) -> str:
    """Return it as text that only this server can have made, with whose it is as far as the request tells."""
    text: str = _serializer().dumps((_owner(), asdict(unsent)))
    return text


def unseal(sealed: str, user_id: UUID) -> Unsent | None:
    """Return what was sealed within the last day, unless it is known to be somebody else's than this person's."""
    try:
        owner, values = _serializer().loads(sealed, max_age=_MAX_AGE_SECONDS)
    except BadData:
        return None
    unsent = Unsent(**values)
    return unsent if owner in ("", _code(str(user_id))) else None


def page(unsent: Unsent, reason: str) -> str:
    """Return the page on which the form is filled, to be changed and sent by one press."""
    kind = form_of(unsent.endpoint)
    form = kind(formdata=MultiDict(unsent.fields)) if kind else None
    return render_template("auth/unsent.html", form=form, unsent=unsent, reason=reason)


def _owner() -> str:
    for raw in (cookies.refresh_token(), cookies.access_token()):
        if raw and (found := tokens.verify_either(raw)):
            return _code(found[1]["sub"])
    return ""


def _code(user_id: str) -> str:
    return keys.mac(f"unsent form of {user_id}")


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="taskward unsent form")
