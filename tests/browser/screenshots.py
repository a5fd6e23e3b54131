"""Pictures of every page in every state, light and dark, on a phone and on a desk: ``make screenshots``.

All of them go to ``screenshots/``; the four of the README replace those in ``docs/screenshots/``.
"""

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright

from app.models import Priority
from app.services import bulk
from tests.browser.cast import enter, make_cast
from tests.browser.conftest import launch
from tests.browser.states import STATES, State, reach
from tests.installations import installation, opened
from tests.people import Person, make_person
from tests.programs import ROOT
from tests.servers import start_server

EVERY, README = ROOT / "screenshots", ROOT / "docs/screenshots"
SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 800}}


def _go_offline(page: Page) -> None:
    page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
    page.context.set_offline(True)
    page.reload()


#: Beside those that the tests visit; Ann's are the ones to show around.
MORE = (
    State("ann tasks", "/tasks", "ann"),
    State("ann task", "/tasks/{ann}", "ann"),
    State("ann completed", "/tasks?status=completed", "ann"),
    State("ann account", "/account", "ann"),
    State("print", "/tasks", "ann", meanwhile=lambda page: page.emulate_media(media="print")),
    State("offline", "/tasks", "ann", meanwhile=_go_offline),
)
#: State, scheme, size: pictures of a window, not of a whole page.
IN_README = {
    ("ann tasks", "light", "desk"),
    ("ann tasks", "dark", "phone"),
    ("ann task", "light", "phone"),
    ("ann account", "dark", "desk"),
}


def _task(title: str, days: int | None = None, *tags: str, gone: tuple[str, int] | None = None, **more: Any) -> Any:
    """Return a task as `app.services.bulk` takes it; ``gone`` is completed_at or deleted_at, and days ago."""
    now = datetime.now(UTC)
    past = dict.fromkeys((gone[0], "updated_at"), now - timedelta(days=gone[1], minutes=20)) if gone else {}
    due = now.date() + timedelta(days=days) if days is not None else None
    return {"title": title, "due_date": due, "tags": list(tags), "created_at": now - timedelta(days=30), **past, **more}


def _make_ann(app: Flask) -> tuple[Person, str]:
    """Add Ann, who has tasks as people have them; return her and the one to look at."""
    ann = make_person(app, "ann@example.org", name="Ann")
    high, medium, low = Priority.HIGH, Priority.MEDIUM, Priority.LOW
    done = ((0, 2), (1, 4), (2, 1), (3, 3), (5, 5), (6, 2), (8, 3), (9, 6), (12, 2), (13, 4), (16, 1), (19, 3), (22, 5))
    tasks = [
        _task("Book train tickets to Porto", 2, "travel", priority=medium, notes="Window seats.\nBicycles allowed?"),
        _task("Renew the passport", -2, "admin", priority=high, notes="The old one expires in March."),
        _task("Water the plants", 0, "home"),
        _task("Send the numbers for the quarterly report", 0, "work", "mail", priority=high),
        _task("Call the dentist", 1, "calls", "health"),
        _task("Find a birthday present for Mei", 4, "family", "errands"),
        _task("Review the draft of the newsletter", 5, "work", priority=low),
        _task("Fix the bicycle light", 20, "diy"),
        _task("Read the novel that Tomasz lent me", None, "reading"),
        _task("Cancel the old phone contract", -9, "admin", gone=("deleted_at", 5)),
        *(_task("Buy coffee", None, "home", gone=("completed_at", age)) for age, number in done for _ in range(number)),
    ]
    with app.app_context():
        bulk.create_many(UUID(ann.id), tasks)
    return ann, ann.get("/tasks?q=Porto").get_json()["items"][0]["id"]


def take(app: Flask, browser: Browser, url: str) -> None:
    """Take every picture of the application at ``url``."""
    people, ids = make_cast(app)
    people["ann"], ids["ann"] = _make_ann(app)
    pages = {}
    for who in ("nobody", *people):
        context = browser.new_context(base_url=url, reduced_motion="reduce", locale="en-GB")
        if who in people:
            enter(app, context, people[who], url)
        pages[who] = context.new_page()
    for state in (*STATES, *MORE):
        page = pages[state.who]
        page.emulate_media(media="screen")
        reach(page, state, **ids)
        for scheme, (size, viewport) in product(("light", "dark"), SIZES.items()):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(viewport)
            page.screenshot(path=EVERY / f"{state.name.replace(' ', '-')}-{scheme}-{size}.png", full_page=True)
            if (state.name, scheme, size) in IN_README:
                page.screenshot(path=README / f"{state.name.removeprefix('ann ')}-{scheme}.png")


def main() -> None:
    """Start the server over a fresh database, and take the pictures."""
    shutil.rmtree(EVERY, ignore_errors=True)
    EVERY.mkdir()
    with (
        tempfile.TemporaryDirectory() as instance,
        installation("sqlite", Path(instance), RATE_LIMIT="0") as environment,
        opened(environment) as app,
        sync_playwright() as playwright,
    ):
        for server in start_server(environment, Path(instance) / "log", workers=1):
            take(app, launch(playwright), server.url)
    print(f"{len(list(EVERY.iterdir()))} pictures in {EVERY.name}/, {len(IN_README)} in docs/screenshots/")  # noqa: T201


if __name__ == "__main__":
    main()
