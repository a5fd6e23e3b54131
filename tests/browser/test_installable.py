"""Taskward as an application of its own: what a browser needs to install it, and what it shows without a connection."""

from playwright.sync_api import Playwright, expect

from tests.browser.conftest import OpenPage, launch
from tests.browser.steps import add, fill_sign_in
from tests.conftest import ONE_DATABASE
from tests.people import PASSWORD, Person
from tests.servers import Server

_READY = "navigator.serviceWorker.ready.then((registration) => new URL(registration.scope).pathname)"
_KEPT = """caches.keys().then((names) => Promise.all(names.map((name) => caches.open(name)))).then((all) =>
    Promise.all(all.map((each) => each.keys()))).then((all) => all.flat().map((each) => new URL(each.url).pathname))"""


@ONE_DATABASE
def test_without_a_connection_there_is_a_page_that_says_so_and_nothing_private_is_kept(
    open_page: OpenPage, alice: Person
) -> None:
    page = open_page()
    page.goto("/login")
    assert page.evaluate(_READY) == "/"
    fill_sign_in(page, alice.email, PASSWORD)
    add(page, "Water the plants")

    page.context.set_offline(True)
    page.goto("/tasks?status=today")
    expect(page.get_by_role("heading", name="Taskward cannot be reached")).to_be_visible()
    # Styled, and at the address that was asked for.
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).display") == "grid"
    with page.expect_navigation():
        page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", name="Taskward cannot be reached")).to_be_visible()
    # The page that was asked for comes by itself once there is a connection.
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Tasks for today")).to_be_visible(timeout=20_000)
    assert page.url.endswith("/tasks?status=today")
    assert sorted(page.evaluate(_KEPT)) == [
        "/static/app.css",
        "/static/favicon.svg",
        "/static/offline.html",
        "/static/offline.js",
    ]


@ONE_DATABASE
def test_a_browser_finds_nothing_that_keeps_it_from_installing(playwright: Playwright, server: Server) -> None:
    with launch(playwright, whole=True) as browser:
        page = browser.new_page()
        page.goto(f"{server.url}/login")
        page.evaluate(_READY)
        devtools = page.context.new_cdp_session(page)
        manifest = devtools.send("Page.getAppManifest")
        assert manifest["url"]
        assert manifest["errors"] == []
        errors = {each["errorId"] for each in devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]}
        # Headless Chromium opens every page as in a private window. Without that it would not have looked at all.
        assert errors == {"in-incognito"}
