"""Password rules and hashing (argon2id, RFC 9106)."""

import os
import threading
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

from app.services.errors import InvalidInput

MIN_LENGTH = 12
MAX_LENGTH = 256

# Each hash takes a core and 19 MiB. More at once than cores would only make all of them, and every other request, slow.
_slots = threading.BoundedSemaphore(os.cpu_count() or 1)


def check(password: str, field: str = "password") -> None:
    """Accept a new password or say what is wrong with it.

    Raises:
        InvalidInput: under ``field``.
    """
    if len(password) < MIN_LENGTH:
        raise InvalidInput(**{field: f"Use at least {MIN_LENGTH} characters; a few random words work well."})
    if len(password) > MAX_LENGTH:
        raise InvalidInput(**{field: f"Use at most {MAX_LENGTH} characters."})


def hash_password(password: str) -> str:
    """Return the PHC string of a new argon2id hash; waits while every core is hashing."""
    hasher, _ = _hasher()
    with _slots:
        return hasher.hash(password)


def verify(stored: str | None, password: str) -> bool:
    """Tell whether the password matches; ``None`` (no such account) costs the same work and is never true."""
    hasher, dummy = _hasher()
    with _slots:
        try:
            hasher.verify(stored or dummy, password)
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Tell whether the hash was made with other parameters than those configured now."""
    return _hasher()[0].check_needs_rehash(stored)


def _hasher() -> tuple[PasswordHasher, str]:
    return _configured(current_app.config["ARGON2_TIME_COST"], current_app.config["ARGON2_MEMORY_KIB"])


@lru_cache(maxsize=4)
def _configured(time_cost: int, memory_kib: int) -> tuple[PasswordHasher, str]:
    hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)
    return hasher, hasher.hash(os.urandom(16))
