"""People whose requests are counted, for tests of the limits."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import time_machine
from flask import Flask

from tests.people import PASSWORD, Person

BODY = {"email": "nobody@example.org", "password": PASSWORD}


@contextmanager
def standing_clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        yield clock


def over(app: Flask, person: Person) -> Person:
    """Return the person as a client of another application over the same database."""
    return Person(app, person.id, person.email, person.access_token, person.refresh_token)


def statuses(person: Person, times: int, path: str = "/api/me") -> list[int]:
    return [person.get(path).status_code for _ in range(times)]
