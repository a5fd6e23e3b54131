"""Who may pass: the decorators of every route that is not public."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial, wraps
from typing import Any
from uuid import UUID

from flask import Flask, after_this_request, g, redirect, request, url_for
from werkzeug.wrappers import Response

from app.database import BoundSelect, uuid_of
from app.models import utcnow
from app.services import audit, liveness, sign_ins, tokens
from app.services.errors import InvalidGrant, InvalidToken
from app.services.liveness import Principal
from app.web import cookies
from app.web.errors import STEP_UP_MAX_AGE, InsufficientScope, MissingToken, NotTheOwner, SignInOver, StepUpRequired

#: The client that the pages are: its refresh tokens live in cookies only and are good nowhere else.
PAGES_CLIENT = "taskward-pages"

View = Callable[..., Any]
Prefetch = Callable[..., BoundSelect | None]


def owner_required(scope: str, prefetch: Prefetch | None = None) -> Callable[[View], View]:
    """Let the view run only for the person the route's ``user_id`` names, with a token that has ``scope``.

    The order is fixed: no or bad token 401, another person's id 403 (whether or not such a person exists), missing
    scope 403 insufficient_scope.

    Args:
        scope: what the token must be good for.
        prefetch: called with the id of whoever the token is of, as ``user_id``, and the other arguments of the view;
            returns what the view is going to ask the database, or None. It is asked in the same round trip as who is
            asking. A view that then asks something else gets the answer to that.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*, user_id: UUID, **arguments: Any) -> Any:
            who = _bearer(prefetch and partial(prefetch, **arguments))
            if who.user_id != user_id:
                audit.record(audit.Event.AUTHZ_FAIL, who.user_id, who.sign_in_id, endpoint=request.endpoint)
                raise NotTheOwner
            require_scope(scope)
            return view(user_id=user_id, **arguments)

        guarded.owner_only = True  # type: ignore[attr-defined]
        guarded.required_scope = scope  # type: ignore[attr-defined]
        return guarded

    return decorate


def token_required(scope: str | None = None) -> Callable[[View], View]:
    """Let the view run for whoever has a good access token, with ``scope`` if given; for routes that name nobody."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(**arguments: Any) -> Any:
            _bearer()
            if scope is not None:
                require_scope(scope)
            return view(**arguments)

        guarded.required_scope = scope  # type: ignore[attr-defined]
        return guarded

    return decorate


def login_required(view: View) -> View:
    """Let the page run for whoever is signed in in this browser; send others to sign in and then back.

    Not those who sent a form: a redirect would drop what they typed.
    """

    @wraps(view)
    def guarded(**arguments: Any) -> Any:
        if signed_in() is None:
            if request.method == "POST":
                raise SignInOver
            response = redirect(url_for("auth.login", next=request.full_path.rstrip("?")), 303)
            if cookies.access_token() or cookies.refresh_token():
                cookies.unset_tokens(response)
            return response
        return view(**arguments)

    return guarded


def step_up_required(view: View) -> View:
    """Let the view run only if the password was given lately; goes below the decorator that says who is asking."""

    @wraps(view)
    def guarded(**arguments: Any) -> Any:
        require_step_up()
        return view(**arguments)

    return guarded


def require_scope(scope: str) -> None:
    """Refuse to go on if the token lacks ``scope``; for views that need one more than their decorator names.

    Raises:
        InsufficientScope: it does; the attempt is in the event log.
    """
    who = principal()
    if scope not in who.scopes:
        audit.record(audit.Event.SCOPE_FAIL, who.user_id, who.sign_in_id, endpoint=request.endpoint, scope=scope)
        raise InsufficientScope(scope)


def require_step_up() -> None:
    """Refuse to go on if the password was last given over `STEP_UP_MAX_AGE` ago in this sign-in (ASVS 7.5, RFC 9470).

    Raises:
        StepUpRequired: it was. The API answers with a challenge, a page leads to the form that asks for the password.
    """
    who = principal()
    if utcnow() - who.auth_time > timedelta(seconds=STEP_UP_MAX_AGE):
        audit.note(audit.Event.REAUTHENTICATION_REQUIRED, who.user_id, who.sign_in_id, endpoint=request.endpoint)
        raise StepUpRequired


def principal() -> Principal:
    """Return who is asking; only inside a view that one of the decorators guards."""
    who: Principal = g.principal
    return who


def signed_in() -> Principal | None:
    """Return who is signed in in this browser, renewing the tokens silently when only the refresh token is left."""
    raw, refresh = cookies.access_token(), cookies.refresh_token()
    if raw and refresh and not _of_one_sign_in(raw, refresh):
        # Planted by somebody: once the access token is over, one would go on in another account without noticing.
        return None
    who = _alive(raw, only_of=PAGES_CLIENT) if raw else None
    if who is None and refresh:
        try:
            pair = tokens.rotate(refresh, PAGES_CLIENT)
        except InvalidGrant:
            return None
        who = _alive(pair.access_token)
        if who is not None:
            _keep_after_request(pair)
    return who


def peek_signed_in() -> Principal | None:
    """Return who is signed in in this browser as `signed_in` does, but renew nothing and do not count it as use."""
    raw, refresh = cookies.access_token(), cookies.refresh_token()
    if raw and refresh and not _of_one_sign_in(raw, refresh):
        return None
    for token, typ in ((raw, tokens.ACCESS), (refresh, tokens.REFRESH)):
        try:
            claims = tokens.verify(token or "", typ)
        except InvalidToken:
            continue
        # A refresh token names no scope, and nothing here asks for one.
        if claims["client_id"] == PAGES_CLIENT and (who := liveness.principal({"scope": ""} | claims)):
            return who
    return None


def authenticate(pair: tokens.TokenPair) -> None:
    """Let the person who was just given these tokens be the one who is asking, for the rest of this request."""
    _alive(pair.access_token)


def bearer_token() -> str | None:
    """Return the token in the Authorization header (RFC 6750 §2.1); cookies and query strings are never looked at."""
    # Not request.authorization: Werkzeug decodes the header by its scheme, and "Basic é" makes it raise.
    scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
    return raw.strip() if scheme.lower() == "bearer" else None


def check_owner_routes(app: Flask) -> None:
    """Refuse to start if a route names a user but is not guarded by `owner_required`.

    Raises:
        RuntimeError: naming the endpoints.
    """
    open_routes = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "user_id" in rule.arguments and not hasattr(app.view_functions[rule.endpoint], "owner_only")
    ]
    if open_routes:
        raise RuntimeError(f"routes with a user_id but without @owner_required: {', '.join(sorted(open_routes))}")


def _bearer(prefetch: Prefetch | None = None) -> Principal:
    raw = bearer_token()
    if raw is None:
        raise MissingToken
    who = _alive(raw, prefetch=prefetch)
    if who is None:
        # Without a row: whose it was is not known for sure, and every program sends one that is over now and then.
        audit.note(audit.Event.TOKEN_FAIL, endpoint=request.endpoint)
        raise InvalidToken
    return who


def _alive(raw: str, only_of: str | None = None, prefetch: Prefetch | None = None) -> Principal | None:
    try:
        claims = tokens.verify(raw, tokens.ACCESS)
    except InvalidToken:
        return None
    # A page asks for no scope. A token of another client, put into the cookie, would have every right there.
    if only_of is not None and claims["client_id"] != only_of:
        return None
    who = liveness.principal(claims, prefetch and prefetch(user_id=uuid_of(claims["sub"])))
    if who is not None:
        sign_ins.touch(who)
        g.principal = who
    return who


def _of_one_sign_in(access: str, refresh: str) -> bool:
    """Tell whether two tokens belong together; one that is no good belongs to everything, and opens nothing."""
    try:
        return bool(tokens.verify(access, tokens.ACCESS)["sid"] == tokens.verify(refresh, tokens.REFRESH)["sid"])
    except InvalidToken:
        return True


def _keep_after_request(pair: tokens.TokenPair) -> None:
    @after_this_request
    def keep(response: Response) -> Response:
        # Whoever signs out or starts anew with a token renewed on the way in must not be handed it on the way out.
        if "tokens_settled" not in g:
            cookies.set_tokens(response, pair)
        return response
