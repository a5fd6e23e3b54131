"""Tables and facts about one row; no commit, no config, no Flask."""

from app.models.base import time_ordered_id, utcnow
from app.models.security_event import SecurityEvent
from app.models.sign_in import BlockedToken, SignIn
from app.models.task import Priority, Task, TaskTag, due_sort_key
from app.models.user import User

__all__ = [
    "BlockedToken",
    "Priority",
    "SecurityEvent",
    "SignIn",
    "Task",
    "TaskTag",
    "User",
    "due_sort_key",
    "time_ordered_id",
    "utcnow",
]
