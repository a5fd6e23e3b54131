"""Password rules and hashing (argon2id, RFC 9106)."""

import os
import re
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar
from urllib.parse import urlsplit

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app
from zxcvbn import zxcvbn  # type: ignore[import-untyped]

from app.services import metrics
from app.services.errors import InvalidInput
from app.signals import waiting

_Result = TypeVar("_Result")

MIN_LENGTH = 12
MAX_LENGTH = 256

# Of zxcvbn's five grades the second best: over a hundred million guesses.
_GOOD_ENOUGH = 3
# zxcvbn's work grows with the square of the length. A start of this length that is easy to guess is a repetition.
_JUDGED = 40
# These symbols are letters, or share a key with a digit; left as they are, each would multiply zxcvbn's work by the
# letters it can stand for, up to seconds for one password.
_LOOKALIKES = str.maketrans("@({[<!|$+%", "acccciistx")
_WITHOUT_SHIFT = str.maketrans("!@#$%^&*(){}|<>+", "1234567890[]\\,.=")
_SHORTEST_OWN_WORD = 3
_TOO_PERSONAL = (
    "Apart from your name, your address or the name of this service, too little of this password is hard to guess. "
    "Add another word or two."
)
_TOO_COMMON = "This is a very common password. Add another word or two. Uncommon words are better."

_configuring = threading.Lock()


def check(password: str, field: str = "password", about: Iterable[str] = ()) -> None:
    """Accept a new password or say what is wrong with it, in words a person can act on.

    Any characters may be used in any mixture, and what is hashed is exactly what was typed. It is refused when it is
    too short or too long, or easy to guess: common passwords, words, dates, keys in a row and repetitions, and what is
    little more than the person's own name or address or the name of this service (ASVS 6.2.4, 6.2.11).

    Args:
        password: what was typed.
        field: the name under which a refusal is reported.
        about: the person's name and e-mail address, whichever there are.

    Raises:
        InvalidInput: under ``field``.
    """
    if len(password) < MIN_LENGTH:
        raise InvalidInput(**{field: f"Use at least {MIN_LENGTH} characters; a few random words work well."})
    if len(password) > MAX_LENGTH:
        raise InvalidInput(**{field: f"Use at most {MAX_LENGTH} characters."})
    own = _own_words((*about, "taskward", urlsplit(current_app.config["PUBLIC_URL"]).hostname or ""))
    plain = _plain(password)
    # Somebody who guesses tries symbols as the letters they look like, and as the keys they share with digits.
    spellings = {plain.translate(_LOOKALIKES), plain.translate(_WITHOUT_SHIFT)}
    if {plain, *spellings} & _common():
        raise InvalidInput(**{field: _TOO_COMMON})
    for spelling in spellings:
        rest = spelling
        for word in own:
            rest = rest.replace(word, "")
        found = zxcvbn(rest[:_JUDGED]) if rest else None
        if found is None or found["score"] < _GOOD_ENOUGH:
            raise InvalidInput(**{field: _hint(found) if found and rest == spelling else _TOO_PERSONAL})


def guesses(secret: str) -> float:
    """Return how many guesses the start of a secret stands, by the ways in which people make them up."""
    return float(zxcvbn(secret[:_JUDGED])["guesses"])


def hash_password(password: str) -> str:
    """Return the PHC string of a new argon2id hash; waits while this process hashes on all cores that are its share."""
    hasher, _ = _hasher()
    return _in_turn(hasher.hash, password)


def verify(stored: str | None, password: str) -> bool:
    """Tell whether the password matches; ``None`` (no such account) costs the same work and is never true."""
    hasher, dummy = _hasher()
    try:
        _in_turn(hasher.verify, stored or dummy, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Tell whether the hash was made with other parameters than those configured now."""
    return _hasher()[0].check_needs_rehash(stored)


def _in_turn(work: Callable[..., _Result], *arguments: str) -> _Result:
    def counted() -> _Result:
        metrics.hashes_waiting.dec()
        with metrics.hashes_running.track_inprogress():
            return work(*arguments)

    metrics.hashes_waiting.inc()
    hashing = _hashing(current_app.config["HASHES_AT_ONCE"]).submit(counted)
    waiting.send()
    return hashing.result()


# Each hash takes a core and 19 MiB. More at once than cores would only make all of them, and every other request, slow.
# Threads of their own, not slots for those that ask: each thread that ever hashes keeps such a piece of memory.
@lru_cache(maxsize=4)
def _hashing(at_once: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(at_once, "argon2", initializer=_let_others_go_first)


def _let_others_go_first() -> None:
    """Lower this thread's priority: in a storm of sign-ins others keep half of their rate, not a third."""
    if sys.platform == "linux":  # elsewhere that would be the whole process's
        with suppress(OSError):  # a filter of system calls may forbid it
            os.nice(5)


def _hasher() -> tuple[PasswordHasher, str]:
    # A cache lets everybody who asks before there is an answer work it out.
    with _configuring:
        return _configured(current_app.config["ARGON2_TIME_COST"], current_app.config["ARGON2_MEMORY_KIB"])


@lru_cache(maxsize=4)
def _configured(time_cost: int, memory_kib: int) -> tuple[PasswordHasher, str]:
    hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)
    return hasher, _in_turn(hasher.hash, token_hex())


# Of ten million passwords that leaked (Mark Burnett, in the public domain) the ten thousand used most among those that
# are long enough. zxcvbn's own list has two hundred of them.
@cache
def _common() -> frozenset[str]:
    return frozenset(Path(__file__).with_name("common_passwords.txt").read_text().split("\n")) - {""}


def _plain(text: str) -> str:
    """Return the text without the differences that do not stop anybody who guesses: case, and width of characters."""
    return unicodedata.normalize("NFKC", text).casefold()


def _own_words(about: Iterable[str]) -> list[str]:
    """Return the texts and the words in them, longest first, so that none hides part of a longer one."""
    plain = [_plain(text) for text in about]
    words = {word for text in plain for word in (text, *re.split(r"[\W_]+", text))}
    return sorted((w for w in words if len(w) >= _SHORTEST_OWN_WORD and not w.isdigit()), key=len, reverse=True)


def _hint(found: dict[str, Any]) -> str:
    feedback = found["feedback"]
    return " ".join((feedback["warning"] or "This is easy to guess.", *feedback["suggestions"]))


# The first call adds a key to a dictionary of the library over which a call in another thread may be iterating.
zxcvbn("first call")
