"""Tables and facts about one row; no commit, no config, no Flask."""

from app.models.base import time_ordered_id, utcnow
from app.models.login_throttle import LoginThrottle
from app.models.maintenance_run import MaintenanceRun
from app.models.oauth_client import OAuthClient
from app.models.security_event import SecurityEvent
from app.models.sign_in import BlockedToken, SignIn
from app.models.signing_key import SigningKey
from app.models.task import (
    CalendarFeed,
    DeletedTask,
    IdempotencyKey,
    Priority,
    Task,
    TaskTag,
    due_sort_key,
    title_sort_key,
)
from app.models.user import User

__all__ = [
    "BlockedToken",
    "CalendarFeed",
    "DeletedTask",
    "IdempotencyKey",
    "LoginThrottle",
    "MaintenanceRun",
    "OAuthClient",
    "Priority",
    "SecurityEvent",
    "SignIn",
    "SigningKey",
    "Task",
    "TaskTag",
    "User",
    "due_sort_key",
    "time_ordered_id",
    "title_sort_key",
    "utcnow",
]
