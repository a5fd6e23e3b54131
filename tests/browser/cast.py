"""Who is in the pages of `states`: their tasks, and browsers in which they are signed in."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from playwright.sync_api import BrowserContext

from app.web.access import PAGES_CLIENT
from tests.browser.states import GUESSED, LONG_WORD
from tests.oauth_clients import register
from tests.people import Person, make_person, signed_in
from tests.tasks.planting import plant

_TITLES = (
    "Task",
    LONG_WORD,
    "Ask whoever planned the whole thing what it was for, and then ask again " * 6,
    "לקנות חלב, ביצים ולחם בדרך הביתה (123) ABC!",
    "<b>Ampersands</b> & “quotes”",
)
#: Failures in an hour after which nobody unknown may try an account.
_ACCOUNT_LIMIT = 50


def make_cast(app: Flask) -> tuple[dict[str, Person], dict[str, str]]:
    """Add alice, who has some of everything, the hoarder, who has more than a page of it, and the newcomer.

    Return them, and the ids in the paths of states.
    """
    people = {
        "alice": make_person(app, f"alice.{'long' * 12}@example.org", name="Alice"),
        "hoarder": make_person(app, "hoarder@example.org"),
        "newcomer": make_person(app, "newcomer@example.org"),
    }
    alice = people["alice"]
    ids = plant(app, alice.id, 52, _varied)
    plant(app, people["hoarder"].id, 55)
    register(app).signed_in(alice)
    for number in range(_ACCOUNT_LIMIT):
        guess = {"email": GUESSED, "password": "x"}
        app.test_client().post("/api/auth/login", json=guess, environ_base={"REMOTE_ADDR": f"10.0.{number}.1"})
    return people, {"task": ids[0], "trashed": ids[-1]}


def enter(app: Flask, context: BrowserContext, person: Person, url: str) -> None:
    """Sign the person in in this browser, without the form."""
    there = signed_in(app, person.email, "web", PAGES_CLIENT)
    names = app.config["ACCESS_COOKIE_NAME"], app.config["REFRESH_COOKIE_NAME"]
    tokens = zip(names, (there.access_token, there.refresh_token), strict=True)
    context.add_cookies([{"name": name, "value": token, "url": url} for name, token in tokens])


def _varied(number: int) -> dict[str, Any]:
    """Return the fields of a task: of each kind there are some in each list, and each title with each priority."""
    now = datetime.now(UTC)
    fields: dict[str, Any] = {"title": _TITLES[number % len(_TITLES)], "priority": number % 4}
    fields["due_date"] = now.date() + timedelta(days=number % 7 - 3) if number % 3 else None
    fields["tags"] = [["home"], ["home", "x" * 50], []][number % 3]
    fields["notes"] = "Two lines\nof notes." if number % 5 == 0 else ""
    fields["completed_at"] = now if 20 <= number < 40 else None
    fields["deleted_at"] = now if number >= 40 else None
    fields |= {"updated_at": now} if fields["completed_at"] else {}
    return fields
