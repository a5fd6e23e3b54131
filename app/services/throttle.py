"""How guessing passwords is slowed down without becoming a weapon against the people who own them.

An attempt is counted before its password is looked at, in the database: guesses sent at the same moment, to several
workers or machines, or around a restart, get no more tries than guesses sent one by one. What is counted:

- **an account from one network** (IPv4 /24, IPv6 /64). From the fifth failure on the next attempt has to wait:
  1 second, doubled by each further failure, at most 15 minutes. A sign-in that succeeds clears it; a day of quiet too.
- **an account from anywhere**: 50 failures an hour, then whoever is unknown waits for the rest of that hour. This is
  for the guesser with a thousand addresses.
- **a network, whatever the account**: 100 failures an hour. This is for one password tried on a thousand accounts.

Locking somebody out on purpose. Whoever knows an address can fail on it, so a limit on the account alone would let
anybody keep its owner out. Hence the delay belongs to account and network together, where a stranger's failures do not
reach the owner, and the limit on the account never stops a *known device*:

- a browser in which the account signed in before holds a device cookie, and has a counter of its own in place of all
  three above. Nobody else's failures count there, not even those of a neighbour behind the same address; and who
  steals the cookie gets the same growing delay as anybody.
- a program has no cookies. It is known by its network, if a sign-in of the account was last seen there: the account's
  limit does not apply to it, the other two do.
- whoever repeats the password while signed in is counted under that sign-in alone. A thief's failures cannot keep the
  owner from changing the password.

What is left: a stranger can make a device that was never seen before wait up to an hour, and a neighbour on the same
network up to 15 minutes. Signing in from a known device is the way out, and revoking sign-ins and resetting a password
are the operator's.

While blocked, the right password is refused like a wrong one and nothing is hashed: otherwise the throttle would tell
which guess was right. Unknown addresses are counted, delayed and answered exactly like known ones.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, case, delete, null, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.database import UnitOfWork
from app.extensions import db
from app.models import LoginThrottle, utcnow
from app.services import audit, keys, known_devices, metrics
from app.services.errors import TooManyAttempts

_LONGEST_DELAY = 900
_NOBODY = UUID(int=0)


@dataclass(frozen=True)
class _Rule:
    """After ``limit`` attempts the next has to wait: longer each time, or for the rest of the window."""

    name: str
    limit: int
    window: timedelta
    grows: bool = False


_GROWING = _Rule("account and network", 5, timedelta(days=1), grows=True)
_ACCOUNT = _Rule("account", 50, timedelta(hours=1))
_NETWORK = _Rule("network", 100, timedelta(hours=1))


@dataclass(frozen=True)
class Attempt:
    """An attempt that may go on to the password; its outcome goes to `failed` or `succeeded`."""

    counted: list[tuple[_Rule, str, int]]


def begin_sign_in(user_id: UUID | None, email_key: str, device: str | None) -> Attempt:
    """Count an attempt to sign in, before its password is looked at; commits.

    ``user_id`` is None for an unknown address, ``device`` the value of the device cookie, if any.

    Raises:
        TooManyAttempts: it has to wait; nothing was counted.
    """
    # What somebody typed comes last in whatever is digested, so that it cannot pass for anything else.
    account = f"id {user_id}" if user_id else f"address {email_key}"
    device_id = known_devices.by_cookie(device, user_id or _NOBODY)
    if device_id:
        return _begin([(_GROWING, f"device {device_id} {account}")], user_id or _NOBODY)
    network = known_devices.network()
    # In this order everywhere: two transactions that lock the same rows must not wait for each other.
    counters = [
        (_NETWORK, f"network {network}"),
        (_ACCOUNT, f"account {account}"),
        (_GROWING, f"account and network {network} {account}"),
    ]
    return _begin(counters, user_id or _NOBODY)


def begin_reauthentication(user_id: UUID, sign_in_id: UUID) -> Attempt:
    """Count an attempt to repeat the password while signed in, before it is looked at; commits.

    Raises:
        TooManyAttempts: it has to wait; nothing was counted.
    """
    return _begin([(_GROWING, f"proof {user_id} {sign_in_id}")], user_id)


def failed(attempt: Attempt, user_id: UUID | None) -> None:
    """Note in the caller's transaction that the password was wrong: an event where a block begins with it."""
    for rule, _, failures in attempt.counted:
        if failures == rule.limit:
            audit.add(audit.Event.LOGIN_LOCK, None if rule is _NETWORK else user_id, limit=rule.name)


def succeeded(attempt: Attempt, work: UnitOfWork) -> None:
    """Take the attempt back in the caller's unit of work: it was no failure, and it ends the growing delay."""
    for rule, key, _ in attempt.counted:
        work.execute_later(_CLEAR if rule.grows else _TAKE_BACK, {"counter": key})


def _begin(counters: list[tuple[_Rule, str]], owner: UUID) -> Attempt:
    """Count under every counter or, if one of them is blocked, under none; the last is the one that grows."""
    now = utcnow()
    keyed = [(rule, keys.mac(f"throttle {what}")) for rule, what in counters]
    values: dict[str, Any] = {"moment": now, "latest": now + timedelta(seconds=_LONGEST_DELAY)}
    for place, (rule, key) in enumerate(keyed):
        values |= {f"counter{place}": key, f"ends{place}": now + rule.window}
    counted = []
    with db.unit_of_work() as work:
        rows = {key: rest for key, *rest in work.execute(_counting(len(keyed), on_postgresql=db.on_postgresql), values)}
        for rule, key in keyed:
            if key in rows:
                failures, expires_at = rows[key]
                counted.append((rule, key, failures))
                if failures >= rule.limit:
                    # The row is ours until the commit, so nobody can slip through between the two statements.
                    delay = timedelta(seconds=min(2 ** min(failures - rule.limit, 10), _LONGEST_DELAY))
                    until = now + delay if rule.grows else expires_at
                    work.execute_later(_BLOCK, {"counter": key, "until": until})
            elif rule is not _ACCOUNT or not known_devices.by_network(owner, work):
                [(blocked_until,)] = work.execute(_BLOCKED, {"counter": key})
                metrics.throttled(f"guesses by {rule.name}").inc()
                raise TooManyAttempts(math.ceil((blocked_until - now).total_seconds()) if blocked_until else 1)
    return Attempt(counted)


# Statements of tables, not classes, and made once: making them took half of the time of a sign-in beside the hash.
_throttles = db.metadata.tables[LoginThrottle.__tablename__]
_row = _throttles.c
_this = _row.key == bindparam("counter")
_CLEAR = delete(_throttles).where(_this)
_TAKE_BACK = update(_throttles).where(_this, _row.failures > 0).values(failures=_row.failures - 1, blocked_until=null())
_BLOCK = update(_throttles).where(_this).values(blocked_until=bindparam("until"))
_BLOCKED = select(_row.blocked_until).where(_this)


@cache
def _counting(number: int, *, on_postgresql: bool) -> Any:
    """Return what counts one more under each of so many counters, but those that are blocked, in their order.

    One statement, since each is a round trip. It returns the counters that it counted under.
    """
    instant = partial(bindparam, type_=_row.expires_at.type)
    rows = [
        {"key": bindparam(f"counter{place}"), "failures": 1, "expires_at": instant(f"ends{place}")}
        for place in range(number)
    ]
    statement = (postgresql.insert if on_postgresql else sqlite.insert)(_throttles).values(rows)
    ends, grows = statement.excluded.expires_at, statement.excluded.key == bindparam(f"counter{number - 1}")
    over = _row.expires_at <= instant("moment")
    return statement.on_conflict_do_update(
        index_elements=[_row.key],
        set_={
            "failures": case((over, 1), else_=_row.failures + 1),
            "blocked_until": null(),
            "expires_at": case((or_(over, grows), ends), else_=_row.expires_at),
        },
        # A block that ends later than any can was made by a clock that has been set back since.
        where=_row.blocked_until.is_(None)
        | (_row.blocked_until <= instant("moment"))
        | (_row.blocked_until > case((grows, instant("latest")), else_=ends)),
    ).returning(_row.key, _row.failures, _row.expires_at)
