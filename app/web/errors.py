"""Every error answer: the status of each service error, and the voice, chosen by path once."""

import re

from flask import Flask, current_app, g, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from gunicorn.http.errors import ParseException
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import (
    BadHost,
    BadRequest,
    HTTPException,
    InternalServerError,
    ServiceUnavailable,
    Unauthorized,
    default_exceptions,
)
from werkzeug.wrappers import Response

from app.services import audit, errors
from app.web.messages import flash
from app.web.origin import page_before
from app.web.problem import PROBLEM_TYPE, oauth_error, problem

CHALLENGE = 'Bearer realm="taskward"'
#: For how many seconds a password that was given counts as proof for what is most sensitive.
STEP_UP_MAX_AGE = 600


class MissingToken(errors.ServiceError):
    """No credentials at all: the challenge says so by carrying no error code (RFC 6750 §3.1)."""

    message = "Send an access token in the header Authorization: Bearer."


class NotTheOwner(errors.ServiceError):
    """The route names somebody else."""

    message = "This belongs to another account."


class InsufficientScope(errors.ServiceError):
    """The token is good but was not given this right (RFC 6750 §3.1)."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs a token with the scope {scope}.")
        self.scope = scope


class StepUpRequired(errors.ServiceError):
    """The token is good, but the password was last given too long ago for this (RFC 9470)."""

    message = "This needs the password to have been given within the last 10 minutes. Give it again, then retry."


class SignInOver(Unauthorized):
    """A page's form was sent by somebody who is not signed in, or no longer; `app.auth.pages` answers."""


class UnsupportedGrantType(errors.ServiceError):
    """The token endpoint does not offer this grant (RFC 6749 §5.2)."""

    message = "This grant type is not offered here."


#: Service error → status, and the error code of the OAuth answer. The problem type is named after the class.
_MEANING: dict[type[errors.ServiceError], tuple[int, str]] = {
    errors.InvalidInput: (422, "invalid_request"),
    errors.EmailTaken: (409, "invalid_request"),
    errors.RegistrationClosed: (403, "access_denied"),
    errors.InvalidCredentials: (401, "invalid_grant"),
    errors.WrongPassword: (403, "access_denied"),
    errors.TooManyRequests: (429, "temporarily_unavailable"),
    errors.TooManyAttempts: (429, "temporarily_unavailable"),
    errors.InvalidToken: (401, "invalid_token"),
    errors.InvalidGrant: (401, "invalid_grant"),
    errors.InvalidScope: (422, "invalid_scope"),
    errors.InvalidClient: (401, "invalid_client"),
    errors.ClientNotFound: (404, "invalid_request"),
    errors.TaskNotFound: (404, "invalid_request"),
    errors.TaskNotInTrash: (409, "invalid_request"),
    errors.PreconditionFailed: (412, "invalid_request"),
    errors.IdempotencyKeyReused: (422, "invalid_request"),
    errors.SyncTokenExpired: (410, "invalid_request"),
    errors.FeedNotFound: (404, "invalid_request"),
    errors.SignInNotFound: (404, "invalid_request"),
    errors.UserNotFound: (404, "invalid_request"),
    MissingToken: (401, "invalid_request"),
    NotTheOwner: (403, "access_denied"),
    InsufficientScope: (403, "insufficient_scope"),
    StepUpRequired: (401, "insufficient_user_authentication"),
    UnsupportedGrantType: (400, "unsupported_grant_type"),
}
#: RFC 6749 §5.2: under /oauth, 401 is for clients that failed to authenticate; a refused grant is 400.
_BAD_REQUEST_IN_OAUTH = ("invalid_grant", "invalid_request", "invalid_scope")
#: Who asks here reads JSON, not pages.
_FOR_PROGRAMS = re.compile(r"/(api|feeds|\.well-known|healthz|readyz|metrics)(/|$)")


def init_app(app: Flask) -> None:
    """Answer every error of every route, but forms that came too late: see `app.auth.pages`."""
    app.register_error_handler(errors.ServiceError, on_service_error)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(BadHost, on_bad_host)
    app.register_error_handler(ParseException, on_broken_body)
    for kind in (DatabaseError, InterfaceError, PoolTimeout):
        app.register_error_handler(kind, on_database_error)


def on_service_error(error: errors.ServiceError) -> Response:
    """Answer a broken rule with its status and, for every 401, a challenge; on a page a step-up leads to the form."""
    if isinstance(error, StepUpRequired) and not request.path.startswith("/api"):
        wanted = request.full_path.rstrip("?") if request.method == "GET" else page_before()
        if request.method == "POST" and wanted:
            flash("Nothing was done yet. When you are back, press the button again.")
        return redirect(url_for("account.confirm", next=wanted), 303)
    status, code = _MEANING[type(error)]
    oauth = request.path.startswith("/oauth/")
    if oauth and code in _BAD_REQUEST_IN_OAUTH:
        status = 400
    response = default_exceptions[status](str(error)).get_response()
    if isinstance(error, errors.TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    _speak(response, str(error), error=error, code=code)
    if isinstance(error, InsufficientScope):
        response.headers["WWW-Authenticate"] = f'{CHALLENGE}, error="{code}", scope="{error.scope}"'
    elif isinstance(error, StepUpRequired):
        description = "The password was given too long ago"
        response.headers["WWW-Authenticate"] = (
            f'{CHALLENGE}, error="{code}", error_description="{description}", max_age={STEP_UP_MAX_AGE}'
        )
    elif isinstance(error, errors.InvalidClient):
        response.headers["WWW-Authenticate"] = 'Basic realm="taskward"'
    elif status == 401:
        response.headers["WWW-Authenticate"] = f'{CHALLENGE}, error="{code}"' if code == "invalid_token" else CHALLENGE
    return response


def on_http_error(error: HTTPException) -> Response:
    """Give the error's own answer, headers and all, a body in the voice of its path."""
    response = error.get_response()
    if response.status_code < 400:
        return response
    if isinstance(error, InternalServerError):
        # Constant: what went wrong is in the log, under the request id.
        detail = "Something went wrong on our side; nothing you sent was at fault. Try again in a moment."
    else:
        detail = error.description or ""
    _speak(response, detail)
    return response


def on_csrf_error(_: CSRFError) -> Response:
    """Say what to do about a form whose token is missing or old."""
    # Without a row: nobody is known to have sent it, and the database may be what is out of order.
    audit.note(audit.Event.CSRF, endpoint=request.endpoint)
    return on_http_error(
        BadRequest(
            "This form is out of date, perhaps because you signed in or out in another tab. "
            "Go back, reload the page and send it again."
        )
    )


def on_bad_host(error: BadHost) -> Response:
    """A Host header that is no name: without one there are no addresses to put into a page, so plain text it is."""
    response = error.get_response()
    response.set_data("The Host header is not a host name.\n")
    response.content_type = "text/plain; charset=utf-8"
    return response


def on_broken_body(_: ParseException) -> Response:
    """A body whose transfer coding is broken, which gunicorn notices only while a view reads it."""
    return on_http_error(BadRequest("The body is not what Transfer-Encoding says it is."))


def on_database_error(error: DatabaseError | InterfaceError | PoolTimeout) -> Response:
    """A database that does not answer is 503, never a yes and never a no."""
    if isinstance(error, IntegrityError) and "foreign key" in str(error.orig).lower():
        # All that refers to another row belongs to an account, which was deleted while this request was on its way.
        return on_service_error(errors.InvalidToken())
    if isinstance(error, IntegrityError | DataError):
        raise error  # It answered: the fault is ours, a 500.
    current_app.logger.error("database error", exc_info=error)
    return on_http_error(ServiceUnavailable("The database does not answer. Try again in a moment.", retry_after=5))


def _speak(response: Response, detail: str, error: errors.ServiceError | None = None, code: str | None = None) -> None:
    """Replace the body: OAuth error, problem+json or page, by path."""
    status, reason = response.status_code, response.status.partition(" ")[2].title()
    if request.path.startswith("/oauth/"):
        response.set_data(oauth_error(status, detail, code))
        response.content_type = "application/json"
    elif _FOR_PROGRAMS.match(request.path):
        response.set_data(problem(status, reason, detail, error))
        response.content_type = PROBLEM_TYPE
    else:
        known = default_exceptions.get(status)
        page = render_template(
            "errors/error.html",
            status=status,
            title=reason.capitalize(),
            detail="" if known and known.description == detail else detail,  # not Werkzeug's words, but ours
            wait=0 if error else int(response.headers.get("Retry-After", 0)),  # an error of ours says it itself
            back=page_before(),
            request_id=g.request_id,
        )
        response.set_data(page)
        response.content_type = "text/html; charset=utf-8"
