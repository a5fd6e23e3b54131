"""The page that shows the API: Swagger UI, from our own host, under a policy without unsafe-*."""

from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import OpenPage
from tests.conftest import ONE_DATABASE
from tests.people import Person

WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}


def looks_right(page: Page, *, dark: bool) -> None:
    # The event of the changed preference comes with the browser's next frame, not with the answer of emulate_media.
    page.wait_for_function("dark => document.documentElement.classList.contains('dark-mode') === dark", arg=dark)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")


@ONE_DATABASE
def test_a_request_can_be_tried_with_a_token_in_each_theme_and_width(open_page: OpenPage, alice: Person) -> None:
    page = open_page(viewport=NARROW, color_scheme="dark")
    page.goto("/api/docs")
    me = page.locator(".opblock").filter(has_text="/api/me")
    me.locator(".opblock-summary-control").click()

    page.get_by_role("button", name="Authorize").first.click()
    page.locator("#auth-bearer-value").fill(alice.access_token)
    page.get_by_role("button", name="Apply credentials").first.click()
    page.get_by_role("button", name="Close").first.click()

    me.get_by_role("button", name="Try it out").click()
    me.get_by_role("button", name="Execute").click()
    expect(me.locator(".live-responses-table")).to_contain_text(alice.email)
    looks_right(page, dark=True)
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    looks_right(page, dark=False)
    assert page.evaluate("localStorage.length") == 0


@ONE_DATABASE
def test_an_operation_has_an_address_that_opens_it(open_page: OpenPage) -> None:
    page = open_page(viewport=WIDE)
    page.goto("/api/docs")
    page.get_by_role("button", name="GET /healthz").first.press("Enter")
    page.wait_for_url("**/api/docs#/**")
    another = page.context.new_page()
    another.goto(page.url)
    expect(another.locator(".opblock.is-open")).to_contain_text("/healthz")


@ONE_DATABASE
def test_without_javascript_the_page_leads_to_the_document(open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    page.goto("/api/docs")
    with page.expect_navigation():
        page.locator("main").get_by_role("link", name="openapi.json").click()
    expect(page.locator("body")).to_contain_text('"openapi":"3.1.0"')
