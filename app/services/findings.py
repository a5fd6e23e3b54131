"""What a check of an installation can find."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """What a check found; ``cure`` says what to do about it."""

    status: Status
    text: str
    cure: str | None = None


def ok(text: str) -> Finding:
    """Nothing has to be done."""
    return Finding("ok", text)


def warn(text: str, cure: str) -> Finding:
    """Taskward works, but not as well or as safely as it could."""
    return Finding("warn", text, cure)


def fail(text: str, cure: str) -> Finding:
    """Taskward does not work, or lets in who should stay out."""
    return Finding("fail", text, cure)
