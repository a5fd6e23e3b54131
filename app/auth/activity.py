"""The security events in words for the person they are about."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.services.audit import Event

_WORDS = {
    Event.LOGIN_SUCCESS: "Signed in",
    Event.LOGIN_FAIL: "Sign-in refused",
    Event.LOGIN_LOCK: "Sign-in slowed down after many wrong passwords",
    Event.PASSWORD_CHANGE: "Password changed",
    Event.PASSWORD_CHANGE_FAIL: "Current password given wrongly",
    Event.TOKEN_REVOKED: "Access token revoked",
    Event.TOKEN_REUSE: "An old token was used again, so that device was signed out",
    Event.AUTHZ_FAIL: "Asked for somebody else's data and was refused",
    Event.RATE_LIMIT_EXCEEDED: "More requests than are allowed",
    Event.SESSION_ENDED: "Signed out",
    Event.USER_CREATED: "Account created",
    Event.USER_UPDATED: "Profile changed",
    Event.USER_DISABLED: "Account disabled by the operator",
    Event.USER_ENABLED: "Account enabled by the operator",
}
_ALARMING = {Event.LOGIN_FAIL, Event.LOGIN_LOCK, Event.PASSWORD_CHANGE_FAIL, Event.TOKEN_REUSE, Event.AUTHZ_FAIL}


@dataclass(frozen=True)
class Activity:
    """One line of the activity list; ``alarming`` when the person had better look twice."""

    text: str
    at: datetime
    ip: str
    alarming: bool


def describe(event: dict[str, Any]) -> Activity:
    """Return a row of `audit.events_of` in plain words, as in "Signed in from Firefox on Linux"."""
    name = event["event"]
    words = _WORDS.get(name, name.replace("_", " ").capitalize())
    text = f"{words} from {event['device']}" if event["device"] else words
    return Activity(text, event["created_at"], event["ip"], name in _ALARMING)
