"""Tasks over a connection that is slow, breaks or is not there: nothing is lost, and nothing is sent twice."""

from playwright.sync_api import Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.steps import TITLES, open_list, plant, titles
from tests.conftest import ONE_DATABASE
from tests.people import Person


def lose_the_answer(route: Route) -> None:
    route.fetch(max_redirects=0)
    route.abort("internetdisconnected")


@ONE_DATABASE
def test_who_is_faster_than_the_answers_loses_nothing(open_page: OpenPage, alice: Person) -> None:
    plant(alice)
    page = open_list(open_page, alice)
    held: list[Route] = []
    page.route("**/*", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())

    new = page.get_by_label("New task")
    with page.expect_request("**/tasks"):
        for title in ("First", "Second"):
            new.fill(title)
            new.press("Enter")
    new.fill("Half of the thi")
    for name in ("Buy", "Answer", "Buy"):
        page.get_by_role("button", name=f"Complete: {name}").click()
    assert len(held) == 1
    for _ in range(4):
        while not held:  # the one whose turn it is
            page.wait_for_timeout(10)
        held.pop().continue_()
    expect(titles(page)).to_have_text(["Call", "First", "Second"])
    expect(new).to_have_value("Half of the thi")
    assert held == []

    # The connection breaks: what was sent and typed over is named.
    with page.expect_request("**/tasks"):
        for title in ("Third", "Fourth"):
            new.fill(title)
            new.press("Enter")
    held.pop().abort("internetdisconnected")
    expect(page.get_by_role("alert")).to_have_text("No answer. Try again: Third, Fourth")
    expect(new).to_have_value("Fourth")

    # Or only the answer is lost.
    page.unroute_all()
    page.route("**/tasks", lose_the_answer, times=1)
    new.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("No answer. Try again: Fourth")
    new.press("Enter")
    expect(titles(page)).to_have_text(["Call", "First", "Second", "Fourth"])


@ONE_DATABASE
def test_without_a_connection_nothing_is_lost_and_nothing_is_sent_twice(open_page: OpenPage, alice: Person) -> None:
    plant(alice)
    page = open_list(open_page, alice)
    page.context.set_offline(True)
    page.get_by_label("New task").fill("Drink tea")
    page.get_by_role("button", name="Add task").click()
    expect(page.get_by_role("alert")).to_have_text("No answer. Try again: Drink tea")
    expect(page.get_by_label("New task")).to_have_value("Drink tea")
    page.context.set_offline(False)
    held: list[Route] = []
    page.route("**/tasks", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    with page.expect_request("**/tasks"):
        for _ in range(3):
            page.get_by_role("button", name="Add task").click()
    assert len(held) == 1
    held[0].continue_()
    expect(titles(page)).to_have_text([*TITLES, "Drink tea"])
    expect(page.get_by_label("New task")).to_be_focused()

    # Signed out meanwhile: the way to sign in, as without JavaScript.
    alice.client.delete(alice.url("/sessions"), headers=alice.bearer())
    page.get_by_role("button", name="Complete: Answer").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@ONE_DATABASE
def test_an_answer_that_asks_for_patience_leaves_what_was_typed_where_it_is(open_page: OpenPage, alice: Person) -> None:
    plant(alice)
    page = open_list(open_page, alice)
    fault = {"status": 429, "content_type": "text/html", "body": "<main>More than is taken in a minute.</main>"}
    page.route(
        "**/tasks/*", lambda route: route.fulfill(**fault) if route.request.method == "POST" else route.continue_()
    )
    page.get_by_role("link", name="Call").click()
    notes = page.get_by_role("dialog").get_by_label("Notes")
    notes.fill("Typed for an hour")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("No answer. Try again")
    expect(notes).to_have_value("Typed for an hour")
    page.unroute_all()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Saved")
