"""Every page in every state that looks different, one line each: for tests, and for whoever takes pictures of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Locator, Page, Response

#: An address at which somebody has guessed too often.
GUESSED = "guessed@example.org"
LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitän" * 11


@dataclass(frozen=True)
class State:
    """The way to a state: whose browser, a path, fields by their labels, a button or link by its name, the status."""

    name: str
    path: str
    who: str = "alice"
    fill: dict[str, Any] = field(default_factory=dict)
    press: str = ""
    status: int = 200
    #: Happens while the page is open, before anything is filled in.
    meanwhile: Callable[[Page], object] = lambda _: None
    #: The name of what is pressed is all of it.
    exact: bool = False


def _saved_elsewhere(page: Page) -> None:
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_label("Title").fill("Saved from another tab")
    with answered(other):
        other.get_by_role("button", name="Save", exact=True).click()
    other.close()


def _drawn(page: Page) -> None:
    page.locator(".opblock, main p").first.wait_for()


def _operation(page: Page, method: str, path: str) -> Locator:
    _drawn(page)
    operation = page.locator(f".opblock-{method}:has([data-path='{path}'])")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    return operation


def _tried(page: Page) -> None:
    operation = _operation(page, "get", "/healthz")
    operation.get_by_role("button", name="Execute").click()
    operation.locator(".live-responses-table").wait_for()


def _body_and_schema(page: Page) -> None:
    _operation(page, "post", "/api/users/{user_id}/tasks").get_by_role("tab", name="Schema").last.click()


def _authorization(page: Page) -> None:
    _drawn(page)
    page.get_by_role("button", name="Authorize").click()
    page.get_by_label("Username").wait_for()


def _unbounded(page: Page) -> None:
    page.evaluate("for (const input of document.querySelectorAll('[maxlength]')) input.removeAttribute('maxlength')")


def _tick(page: Page) -> None:
    page.locator(".pick input").first.check()


def _tick_three(page: Page) -> None:
    for box in page.locator(".pick input").all()[:3]:
        box.check()


def _open_over_the_list(page: Page) -> None:
    with answered(page):
        page.locator(".task-title").first.click()


def _opened(selector: str) -> Callable[[Page], object]:
    return lambda page: page.evaluate(f"document.querySelector('{selector}').showModal()")


def _file(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "mimeType": "text/plain", "buffer": text.encode()}


#: ``{task}`` and ``{trashed}`` are ids of tasks of alice. The hoarder has more tasks than one page shows,
#: the newcomer an account and nothing else.
STATES = [
    State("login", "/login", "nobody"),
    State("login after signing out", "/login?notice=signed-out", "nobody"),
    State("login after deletion", "/login?notice=account-deleted", "nobody"),
    State("login with nothing filled in", "/login", "nobody", {}, "Sign in", 422),
    State("login refused", "/login", "nobody", {"E-mail address": "a@b.example", "Password": "x"}, "Sign in", 422),
    State("login slowed", "/login", "nobody", {"E-mail address": GUESSED, "Password": "x"}, "Sign in", 429),
    State("register", "/register", "nobody"),
    State("register refused", "/register", "nobody", {"Password": "short"}, "Create account", 422),
    State("no tasks", "/tasks", "newcomer"),
    State("nothing today", "/tasks?status=today", "newcomer"),
    State("nothing overdue", "/tasks?status=overdue", "newcomer"),
    State("nothing completed", "/tasks?status=completed", "newcomer"),
    State("empty trash", "/tasks?status=trash", "newcomer"),
    State("tasks", "/tasks"),
    State("today", "/tasks?status=today"),
    State("overdue", "/tasks?status=overdue"),
    State("completed", "/tasks?status=completed"),
    State("trash", "/tasks?status=trash"),
    State("found", "/tasks?tag=home&q=task"),
    State("nothing found", "/tasks?q=nothing+is+called+this"),
    State("search refused", "/tasks?q=due:someday", status=422),
    State("first of two pages", "/tasks", "hoarder"),
    State("next page", "/tasks", "hoarder", press="Next page"),
    State("added", "/tasks", fill={"New task": "A new one"}, press="Add task"),
    State("add refused", "/tasks", fill={"New task": " "}, press="Add task", status=422),
    State("add refused below", "/tasks?q=x", fill={"New task": "x", "Due time": "10:00"}, press="Add task", status=422),
    State("edit", "/tasks/{task}"),
    State("edit refused", "/tasks/{task}", fill={"Title": " ", "Due time": "10:00"}, press="Save", status=422),
    State("edit conflict", "/tasks/{task}", "alice", {"Title": LONG_WORD}, "Save", 409, _saved_elsewhere),
    State("edit over the list", "/tasks", meanwhile=_open_over_the_list),
    State("trashed task", "/tasks/{trashed}"),
    State("some ticked", "/tasks", meanwhile=_tick_three),
    State("some completed", "/tasks", meanwhile=_tick_three, press="Complete", exact=True),
    State("for good", "/tasks?status=trash", meanwhile=_tick, press="Delete for good"),
    State("emptying the trash", "/tasks?status=trash", press="Empty trash"),
    State("shortcuts", "/tasks", meanwhile=_opened("#shortcuts")),
    State("account", "/account"),
    State("account of a newcomer", "/account", "newcomer"),
    State("new task from anywhere", "/account", meanwhile=lambda page: page.locator(".quick summary").click()),
    State("profile refused", "/account", "alice", {"Name": "x" * 300}, "Save profile", 422, _unbounded),
    State("profile saved", "/account", press="Save profile"),
    State("password refused", "/account", fill={"New password": "short"}, press="Change password", status=422),
    State("deletion refused", "/account", press="Delete account", status=422),
    State("e-mail", "/account/email"),
    State(
        "e-mail refused", "/account/email", fill={"New e-mail address": "nonsense"}, press="Change e-mail", status=422
    ),
    State("confirm", "/account/confirm"),
    State("confirm refused", "/account/confirm", press="Continue", status=422),
    State("data", "/account/data"),
    State("import", "/account/data", fill={"File": _file("a.csv", "title\nBread\n")}, press="Check file"),
    State("import refused", "/account/data", press="Check file", status=422),
    State(
        "import with problems", "/account/data", fill={"File": _file("a.json", "[]")}, press="Check file", status=422
    ),
    State("feed shown", "/account/data", press="Make an address"),
    State("API", "/api/docs", "nobody", meanwhile=_drawn),
    State("API tried", "/api/docs", "nobody", meanwhile=_tried),
    State("API schema", "/api/docs", "nobody", meanwhile=_body_and_schema),
    State("API authorization", "/api/docs", "nobody", meanwhile=_authorization),
    *(
        State(f"session {name}", "/account", meanwhile=_opened(f"[data-session={name}]"))
        for name in ("idle", "absolute", "over", "other")
    ),
    State(
        *("form out of date", "/tasks", "alice", {"New task": "Buy milk"}, "Add task", 400),
        lambda page: page.context.clear_cookies(name="taskward_form"),
    ),
    State("400", "/login", "nobody", {}, "Sign in", 400, lambda page: page.context.clear_cookies()),
    State("404", "/nothing-here", "nobody", status=404),
    State("404 when signed in", "/tasks/00000000-0000-4000-8000-000000000000", status=404),
    State("405", "/logout", "nobody", status=405),
    State("413", "/login", "nobody", {"Password": "x" * 600_000}, "Sign in", 413, _unbounded),
    State(
        *("sign-in over", "/tasks", "newcomer", {"New task": "Buy milk"}, "Add task", 401),
        lambda page: page.context.clear_cookies(),
    ),
]


@contextmanager
def answered(page: Page) -> Iterator[Any]:
    """Wait for the answer to what is pressed in the block, until it is shown as a page, or by app.js in this one.

    Yields something whose ``value`` is the answer afterwards.
    """
    page.evaluate("for (const shown of document.querySelectorAll('main, dialog')) shown.dataset.former = ''")
    with page.expect_response(_is_last) as answer:
        yield answer
    page.locator("main:not([data-former]), dialog[open]:not([data-former])").first.wait_for()
    page.wait_for_load_state()


def _is_last(response: Response) -> bool:
    return response.request.resource_type in ("document", "xhr") and response.status != 303


def reach(page: Page, state: State, **ids: str) -> Response:
    """Bring a page of the person's browser into a state, and return the answer that it shows.

    Raises:
        AssertionError: it ended with another status.
    """
    response: Response | None = page.goto(state.path.format(**ids))
    state.meanwhile(page)
    for label, value in state.fill.items():
        control = page.get_by_label(label, exact=True).first
        if isinstance(value, dict):
            control.set_input_files(value)  # type: ignore[arg-type]
        else:
            control.evaluate("control => control.closest('details')?.setAttribute('open', '')")
            control.fill(value)
    if state.press:
        main = page.locator("main")
        name, exact = state.press, state.exact
        either = main.get_by_role("button", name=name, exact=exact).or_(
            main.get_by_role("link", name=name, exact=exact)
        )
        with answered(page) as answer:
            either.last.click()  # a link to the part of the page where the button is comes before it
        response = answer.value
    assert response is not None
    assert response.status == state.status, f"{state.name}: {response.status}"
    return response
