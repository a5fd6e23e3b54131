"""A real Chromium, and what it complained about."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

from tests.servers import Server

OpenPage = Callable[..., Page]


#: Blink, V8 and the network of Chromium without the browser around them: a page costs half the time.
SHELL = ("chromium-headless-shell",)
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def launch(playwright: Playwright, *, whole: bool = False) -> Browser:
    """Start Chromium, headless: the one on the machine, or else Playwright's own.

    Args:
        whole: with what belongs to no page, such as the installing of applications.
    """
    found = next(filter(None, map(shutil.which, CHROMIUM if whole else SHELL + CHROMIUM)), None)
    channel = "chromium" if whole and not found else None
    # The sandbox needs rights that a container does not have; the pages are our own.
    return playwright.chromium.launch(executable_path=found, channel=channel, args=["--no-sandbox"])


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives browsers, started once."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium, started once."""
    browser = launch(playwright)
    yield browser
    browser.close()


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Iterator[OpenPage]:
    """Open an empty page in a browser of its own; what any of them reports to the console fails the test."""
    contexts: list[BrowserContext] = []
    reports: list[str] = []

    def open_(**options: object) -> Page:
        context = browser.new_context(base_url=server.url, **options)  # type: ignore[arg-type]
        context.set_default_timeout(30_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: _note(message, reports))
        page.on("pageerror", lambda error: reports.append(f"{page.url}: {error}"))
        page.on("request", lambda request: _only_ours(request.url, server.url, reports))
        return page

    yield open_
    for context in contexts:
        context.close()
    # A refused form is an answer of 422, which Chromium notes as a resource that failed; so it does when offline.
    expected = ("the server responded with a status of 4", "ERR_INTERNET_DISCONNECTED")
    assert [report for report in reports if not any(each in report for each in expected)] == []


def _note(message: ConsoleMessage, reports: list[str]) -> None:
    # Chromium says for information what Clear-Site-Data cleared.
    if message.type in ("error", "warning"):
        reports.append(f"{message.page.url if message.page else ''}: {message.text}")


def _only_ours(url: str, ours: str, reports: list[str]) -> None:
    if not url.startswith(ours):
        reports.append(f"a request left for {url}")
