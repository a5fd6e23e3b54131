"""How pages look: the theme that was chosen, a phone, and a wide window at 400 per cent: 320 pixels (WCAG 1.4.10)."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.steps import fill_sign_in, open_list, plant
from tests.conftest import ONE_DATABASE
from tests.people import PASSWORD, Person

_IS_DARK = "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g)[0] < 128"
_CUT_OFF = """[...document.querySelectorAll("main *")].filter((each) => each.checkVisibility()
    && each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".unseen")).map((each) => each.outerHTML)"""


def narrow_and_whole(page: Page, path: str) -> None:
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    assert page.evaluate(_CUT_OFF) == [], path


@ONE_DATABASE
@pytest.mark.parametrize(("scheme", "theme"), [("light", "dark"), ("dark", "light")])
def test_a_chosen_theme_wins_over_the_systems_without_javascript(
    open_page: OpenPage, alice: Person, scheme: str, theme: str
) -> None:
    page = open_page(color_scheme=scheme, java_script_enabled=False)
    page.goto("/login?next=/account")
    assert page.evaluate(_IS_DARK) is (scheme == "dark")
    fill_sign_in(page, alice.email, PASSWORD)
    page.get_by_role("radio", name=theme.capitalize()).check()
    page.get_by_role("button", name="Save profile").click()
    for path in ("/account", "/tasks"):
        page.goto(path)
        assert page.evaluate(_IS_DARK) is (theme == "dark")


@ONE_DATABASE
def test_nothing_is_cut_off_at_400_per_cent(open_page: OpenPage, alice: Person) -> None:
    task = alice.make_task(title="Donaudampfschifffahrtsgesellschaftskapitän" * 3, tags=["x" * 50], priority="high")
    page = open_page(viewport={"width": 320, "height": 256})
    for path in ("/register", "/static/offline.html", "/login?next=/account"):
        narrow_and_whole(page, path)
    fill_sign_in(page, alice.email, PASSWORD)
    for path in ("/tasks", f"/tasks/{task['id']}", "/account", "/account/data"):
        narrow_and_whole(page, path)


@ONE_DATABASE
def test_on_a_phone_the_buttons_of_pages_are_in_one_line_and_save_is_in_view(
    open_page: OpenPage, alice: Person
) -> None:
    plant(alice, *(f"Task {n}" for n in range(101)))
    page = open_list(open_page, alice, viewport={"width": 390, "height": 600})
    page.get_by_role("link", name="Next page").click()
    links = [page.get_by_role("link", name=f"{name} page") for name in ("First", "Previous", "Next")]
    for link in links:
        expect(link).to_be_visible()
    assert len({(link.bounding_box() or {})["y"] for link in links}) == 1
    page.get_by_role("link", name="Task 50", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Title")).to_be_in_viewport()
    expect(dialog.get_by_role("button", name="Save")).to_be_in_viewport(ratio=1)


@ONE_DATABASE
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_long_titles_and_long_lists_fit_a_phone(open_page: OpenPage, alice: Person, scheme: str) -> None:
    plant(alice, "x" * 500, "כותרת מימין לשמאל עם סוף", *(f"Task {n}" for n in range(48)))
    page = open_list(open_page, alice, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    boxes = page.locator(".pick").all()
    assert all((box.bounding_box() or {"width": 0})["width"] >= 44 for box in boxes[:3])
    boxes[0].click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.get_by_role("form", name="Selected tasks")).to_be_in_viewport()
