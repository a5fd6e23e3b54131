"""Pictures of every page, light and dark, on a phone and on a desk: ``make screenshots``.

All of them go to ``screenshots/``; the four of the README replace those in ``docs/screenshots/``.
"""

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from app.models import Priority
from app.services import accounts, bulk
from tests.browser.conftest import launch
from tests.installations import installation, opened
from tests.servers import ROOT, start_server

EVERY, README = ROOT / "screenshots", ROOT / "docs/screenshots"
ANN, BEN, PASSWORD = "ann@example.org", "ben@example.org", "plum tractor violet harbour"
SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 800}}
#: State, scheme, size: pictures of a window, not of a whole page.
IN_README = {
    ("tasks", "light", "desk"),
    ("tasks", "dark", "phone"),
    ("task", "light", "phone"),
    ("account", "dark", "desk"),
}

Steps = Callable[[Page], None]


def _task(title: str, days: int | None = None, *tags: str, age: int = 3, gone: str = "", **more: Any) -> dict[str, Any]:
    """Return a task as `app.services.bulk` takes it; ``gone`` is completed_at or deleted_at."""
    now = datetime.now(UTC)
    written = now - timedelta(days=age, hours=2)
    due = now.date() + timedelta(days=days) if days is not None else None
    past = {gone: now - timedelta(hours=age)} if gone else {}
    return {"title": title, "due_date": due, "tags": list(tags), "created_at": written, **past, **more}


def fill_database() -> None:
    """Add Ann, who has tasks, and Ben, who has none yet."""
    accounts.create(BEN, PASSWORD, "Ben", "Europe/Berlin")
    high, medium, low = Priority.HIGH, Priority.MEDIUM, Priority.LOW
    tasks = [
        _task("Renew the passport", -2, "admin", priority=high, notes="The old one expires in March."),
        _task("Water the plants", 0, "home"),
        _task("Send the numbers for the quarterly report", 0, "work", "mail", priority=high),
        _task("Call the dentist", 1, "calls", "health"),
        _task("Book train tickets to Porto", 2, "travel", priority=medium, notes="Window seats.\nBicycles allowed?"),
        _task("Find a birthday present for Mei", 4, "family", "errands"),
        _task("Review the draft of the newsletter", 5, "work", priority=low),
        _task("Fix the bicycle light", 20, "diy"),
        _task("Read the novel that Tomasz lent me", None, "reading"),
        *(_task(title, None, "home", age=9, gone="completed_at") for title in ("Buy coffee", "Pay the water bill")),
        _task("Cancel the old phone contract", -9, "admin", age=5, gone="deleted_at"),
    ]
    bulk.create_many(accounts.create(ANN, PASSWORD, "Ann", "Europe/Berlin").id, tasks)


def go(path: str, *steps: Steps) -> Steps:
    """Return the way to a state: a page, and what is done there."""

    def follow(page: Page) -> None:
        page.goto(path)
        for step in steps:
            step(page)

    return follow


def fill(label: str, value: str) -> Steps:
    return lambda page: page.locator("main").get_by_label(label, exact=True).fill(value)


def press(name: str) -> Steps:
    return lambda page: page.locator("main").get_by_role("button", name=name, exact=True).first.click()


def follow(name: str) -> Steps:
    return lambda page: page.get_by_role("link", name=name, exact=True).click()


def sign_in(email: str, password: str = PASSWORD) -> Steps:
    return go("/login", fill("E-mail address", email), fill("Password", password), press("Sign in"))


def change_elsewhere(page: Page) -> None:
    """Save the task that is open in another tab."""
    other = page.context.new_page()
    other.goto(page.url)
    fill("Notes", other.get_by_label("Notes").input_value() + "\nShe likes tea.")(other)
    press("Save")(other)
    other.close()


def go_offline(page: Page) -> None:
    page.goto("/tasks")
    page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
    page.context.set_offline(True)
    page.goto("/tasks")


_OPEN_TASK = follow("Book train tickets to Porto")
_FILE = {"name": "tasks.txt", "mimeType": "text/plain", "buffer": b"(A) Call Ana +work\nx Buy stamps\n"}
#: State → who is signed in, and the way there.
STATES: dict[str, tuple[str | None, Steps]] = {
    "login": (None, go("/login")),
    "login-refused": (None, sign_in(ANN, "not the password")),
    "register": (None, go("/register")),
    "register-refused": (None, go("/register", fill("Password", "short"), press("Create account"))),
    "docs": (None, go("/api/docs", lambda page: page.locator(".opblock").first.wait_for())),
    "first-steps": (BEN, go("/tasks")),
    "tasks": (ANN, go("/tasks")),
    "add-refused": (
        ANN,
        go("/tasks", lambda page: page.locator("summary").first.click(), fill("New task", " "), press("Add task")),
    ),
    "completed": (ANN, go("/tasks?status=completed")),
    "trash": (ANN, go("/tasks?status=trash")),
    "trashed-task": (ANN, go("/tasks?status=trash", follow("Cancel the old phone contract"))),
    "tag": (ANN, go("/tasks?tag=work")),
    "nothing-found": (ANN, go("/tasks?q=giraffe")),
    "search-refused": (ANN, go("/tasks?q=due:someday")),
    "task": (ANN, go("/tasks", _OPEN_TASK)),
    "task-refused": (ANN, go("/tasks", _OPEN_TASK, fill("Title", " "), press("Save"))),
    "conflict": (
        ANN,
        go(
            "/tasks",
            follow("Find a birthday present for Mei"),
            change_elsewhere,
            fill("Notes", "No books."),
            press("Save"),
        ),
    ),
    "account": (ANN, go("/account")),
    "account-refused": (ANN, go("/account", press("Change password"))),
    "email": (ANN, go("/account/email")),
    "confirm": (ANN, go("/account/confirm")),
    "data": (ANN, go("/account/data")),
    "import": (
        ANN,
        go("/account/data", lambda page: page.get_by_label("File").set_input_files([_FILE]), press("Check file")),
    ),
    "print": (ANN, go("/tasks", lambda page: page.emulate_media(media="print"))),
    "not-found": (ANN, go("/nowhere")),
    "offline": (ANN, go_offline),
}


def take(browser: Browser, url: str) -> None:
    """Take every picture of the application at ``url``."""
    for scheme, (size, viewport) in product(("light", "dark"), SIZES.items()):
        for person in (None, BEN, ANN):
            # The theme of the system is the one that everybody has who has chosen none.
            context = browser.new_context(base_url=url, viewport=viewport, color_scheme=scheme, locale="en-GB")
            if person:
                sign_in(person)(context.new_page())
            for state in (name for name, (whose, _) in STATES.items() if whose == person):
                page = context.new_page()
                STATES[state][1](page)
                page.wait_for_load_state()
                page.screenshot(path=EVERY / f"{state}-{scheme}-{size}.png", full_page=True)
                if (state, scheme, size) in IN_README:
                    page.screenshot(path=README / f"{state}-{scheme}.png")
                page.close()
            context.close()


def main() -> None:
    """Start the server over a fresh database, and take the pictures."""
    shutil.rmtree(EVERY, ignore_errors=True)
    EVERY.mkdir()
    with (
        tempfile.TemporaryDirectory() as instance,
        installation("sqlite", Path(instance), RATE_LIMIT="0") as environment,
        sync_playwright() as playwright,
    ):
        with opened(environment) as app, app.app_context():
            fill_database()
        for server in start_server(environment, Path(instance) / "log", workers=1):
            take(launch(playwright), server.url)
    print(f"{len(list(EVERY.iterdir()))} pictures in {EVERY.name}/, {len(IN_README)} in docs/screenshots/")  # noqa: T201


if __name__ == "__main__":
    main()
