"""Where a form was sent from: what the browser itself says about it, and the form token."""

from urllib.parse import urlsplit

from flask import Flask, Request, current_app, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app.extensions import csrf

_SAFE = ("GET", "HEAD", "OPTIONS")
#: What is below them reads no cookie, so that nobody can be made to send it something in another's name.
_WITHOUT_COOKIES = ("/api/", "/oauth/")


class PagesOnly(SecureCookieSessionInterface):
    """Flask's session, which holds the form token, for those who have forms.

    To prepare it and then not to use it would take some percent of the time of the API's shortest requests.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if request.path.startswith(_WITHOUT_COOKIES):
            return self.make_null_session(app)
        return super().open_session(app, request)


def init_app(app: Flask) -> None:
    """Refuse what was not sent from a form of this site, wherever cookies are read."""
    app.session_interface = PagesOnly()
    csrf.init_app(app)
    app.before_request(_refuse_forged)


def is_same_origin() -> bool:
    """Tell whether the browser itself says that a page of this site sent the form; its silence is not enough."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is None and origin is None:
        return False
    return site in (None, "same-origin") and (origin is None or _host(origin) in _hosts())


def page_before() -> str | None:
    """Return path and query of the page of this site from which the request came, if the browser tells.

    A refused form has the address to which it was sent; if nothing else can be done there, it is none to go back to.
    """
    referer = request.headers.get("Referer", "")
    if _host(referer) not in _hosts():
        return None
    before = urlsplit(referer)._replace(scheme="", netloc="", fragment="")
    try:
        current_app.url_map.bind("").match(before.path, method="GET")
    except HTTPException:
        return None
    return local_path(before.geturl())


def local_path(wanted: str | None) -> str | None:
    """Return ``wanted`` if it is a path on this very site, where a sign-in may lead; otherwise None."""
    # A browser reads //host and /\host as other sites.
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return None
    return wanted if wanted.isprintable() and "\\" not in wanted else None


def _refuse_forged() -> None:
    if request.method in _SAFE or request.path.startswith(_WITHOUT_COOKIES):
        return
    headers = request.headers
    # "none" is what a person does: a bookmark, the address bar.
    if headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        raise CSRFError("The form was sent by another site.")
    if "Origin" in headers and _host(headers["Origin"]) not in _hosts():
        raise CSRFError("The form was sent by another origin.")
    if "Referer" in headers and _host(headers["Referer"]) is None:
        # Flask-WTF compares it with the host, and would stumble over it.
        raise CSRFError("The address of the page that sent the form is none.")
    if current_app.config["WTF_CSRF_ENABLED"]:
        csrf.protect(apply_exemptions=True)  # which lets pass what leads to no page


def _hosts() -> tuple[str | None, ...]:
    return request.host, _host(current_app.config["PUBLIC_URL"])


def _host(address: str) -> str | None:
    """Return host and port of an address; None if it has none, as ``null``, or is none."""
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - urlsplit checks the port only when asked for it
    except ValueError:
        return None
    return parts.netloc.lower() or None
