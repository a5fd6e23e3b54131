"""The cookies of the pages: two tokens, and one that tells a device in which somebody signed in before."""

from datetime import timedelta
from uuid import UUID

from flask import current_app, g, request, session
from werkzeug.wrappers import Response

from app.services import known_devices
from app.services.tokens import TokenPair


def access_token() -> str | None:
    """Return the access token the browser sent, if any."""
    return request.cookies.get(current_app.config["ACCESS_COOKIE_NAME"])


def refresh_token() -> str | None:
    """Return the refresh token the browser sent, if any."""
    return request.cookies.get(current_app.config["REFRESH_COOKIE_NAME"])


def device() -> str | None:
    """Return the device cookie the browser sent, if any."""
    return request.cookies.get(current_app.config["DEVICE_COOKIE_NAME"])


def set_device(response: Response, user_id: UUID) -> None:
    """Let the browser be known as one in which this account signed in, also after it has signed out."""
    # 400 days are the most that browsers keep a cookie.
    _set(response, "DEVICE_COOKIE_NAME", known_devices.cookie(user_id, device()), max_age=timedelta(days=400))


def set_tokens(response: Response, pair: TokenPair) -> None:
    """Hand both tokens to the browser, each for as long as it lives."""
    g.tokens_settled = True
    _set(response, "ACCESS_COOKIE_NAME", pair.access_token, max_age=pair.expires_in)
    _set(response, "REFRESH_COOKIE_NAME", pair.refresh_token, expires=pair.refresh_expires_at)


def unset_tokens(response: Response) -> None:
    """Take the tokens, and with them everything else of this sign-in, out of the browser."""
    session.clear()
    g.tokens_settled = True
    _set(response, "ACCESS_COOKIE_NAME", "", max_age=0)
    _set(response, "REFRESH_COOKIE_NAME", "", max_age=0)


def _set(response: Response, setting: str, value: str, **lifetime: object) -> None:
    response.set_cookie(
        current_app.config[setting],
        value,
        path="/",
        secure=current_app.config["HTTPS"],
        httponly=True,
        samesite="Lax",
        **lifetime,  # type: ignore[arg-type]
    )
