"""The security events in words for the person they are about."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.services.audit import Event

#: Words for each event that has a row with the id of a person.
WORDS = {
    Event.LOGIN_SUCCESS: "Signed in",
    Event.LOGIN_SUCCESS_AFTER_FAIL: "Signed in after a refused attempt",
    Event.LOGIN_FAIL: "Sign-in refused",
    Event.REAUTHENTICATION: "Password confirmed",
    Event.REAUTHENTICATION_FAIL: "Wrong password when asked to confirm",
    Event.LOGIN_LOCK: "Sign-in slowed down after many wrong passwords",
    Event.PASSWORD_CHANGE: "Password changed",
    Event.PASSWORD_CHANGE_FAIL: "Current password given wrongly",
    Event.EMAIL_CHANGE: "E-mail address changed",
    Event.TOKEN_REVOKED: "Access token revoked",
    Event.TOKEN_REUSE: "An old token was used again, so that device was signed out",
    Event.AUTHZ_FAIL: "Asked for somebody else's data and was refused",
    Event.SCOPE_FAIL: "Asked for more than it was allowed to and was refused",
    Event.RATE_LIMIT_EXCEEDED: "More requests than are allowed",
    Event.SESSION_ENDED: "Session ended",  # what follows is who did it, not whose it was
    Event.SENSITIVE_READ: "Everything exported",
    Event.FEED_CREATED: "Calendar address made",
    Event.FEED_REVOKED: "Calendar address revoked",
    Event.USER_CREATED: "Account created",
    Event.USER_UPDATED: "Profile changed",
    Event.USER_DISABLED: "Account disabled",
    Event.USER_ENABLED: "Account enabled",
}
_ALARMING = {
    Event.LOGIN_FAIL,
    Event.LOGIN_LOCK,
    Event.LOGIN_SUCCESS_AFTER_FAIL,
    Event.REAUTHENTICATION_FAIL,
    Event.PASSWORD_CHANGE_FAIL,
    Event.TOKEN_REUSE,
    Event.AUTHZ_FAIL,
    Event.SCOPE_FAIL,
}
# What commands call themselves in place of a browser.
_OPERATOR = "Operator's command line"


@dataclass(frozen=True)
class Activity:
    """One line of the activity list; ``alarming`` when the person had better look twice."""

    text: str
    at: datetime
    ip: str
    alarming: bool


def describe(event: dict[str, Any]) -> Activity:
    """Return a row of `audit.events_of` in plain words, as in "Signed in from Firefox on Linux"."""
    name, device = event["event"], event["device"]
    words = WORDS.get(name, name.replace("_", " ").capitalize())
    if device:
        words += " by the operator" if device == _OPERATOR else f" from {device}"
    return Activity(words, event["created_at"], event["ip"], name in _ALARMING)


def described(event: dict[str, Any]) -> dict[str, Any]:
    """Return a row of `audit.events_of` as the API lists it, with the plain words as ``description``."""
    return {**event, "description": describe(event).text}
