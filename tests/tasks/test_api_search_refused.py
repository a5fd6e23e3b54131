"""JSON: searches that are not understood are refused with the position, and none is a server error."""

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import ONE_DATABASE
from tests.in_turn import in_turn
from tests.people import Person
from tests.problems import pointers

fuzz = settings(
    max_examples=100, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


REFUSED = {
    "milk colour:red": "Position 6: there is no operator colour:. "
    "Use tag:, due:, is:, priority: or sort:, or put quotes around it.",
    "due_before:2026-11-03": "Position 1: there is no operator due_before:. "
    "Use tag:, due:, is:, priority: or sort:, or put quotes around it.",
    "tag: home": "Position 1: nothing comes after tag:. Leave no space there, or put quotes around it.",
    "a -tag:": "Position 3: nothing comes after tag:. Leave no space there, or put quotes around it.",
    "tag:a,b": "Position 1: a tag has no commas. Write tag: before each of several.",
    "-is:open": "Position 1: is: cannot be excluded. A - goes before words, phrases and tag:.",
    "is:done": "Position 1: is: does not know done. Use one of open, today, overdue, completed, all, trash.",
    "is:open is:today": "Position 9: there is another is: before this one. Use one of them.",
    "sort:due sort:title": "Position 10: there is another sort: before this one. Use one of them.",
    "priority:urgent": "Position 1: there is no priority urgent. "
    "Use none, low, medium, high, with <, <=, > or >= before it.",
    "x " * 21: "Position 41: a search has at most 20 terms.",
}


@in_turn(("text", "detail"), REFUSED.items(), ids=REFUSED)
@ONE_DATABASE
def test_a_search_that_is_not_understood_is_refused_with_the_position(alice: Person, text: str, detail: str) -> None:
    response = alice.get("/tasks", query_string={"q": text})
    assert pointers(response) == ["#/q"]
    assert response.get_json()["errors"][0]["detail"] == detail


DATES = ["<", "soon", "3", "2026-02-30", "2026-1-1", "20261103", "1899-12-31", "9999-01-01", "today+", "today+1d"]
DATES += ["today+10000", "tomorrow+1", "yesterday-1", "=none", "<any", "==today", "<>today", "\u0663-11-03"]
DATES += ["frida", "fri+7"]


@in_turn("date", DATES)
@ONE_DATABASE
def test_what_is_no_due_date_is_refused(alice: Person, date: str) -> None:
    response = alice.get("/tasks", query_string={"q": f"a due:{date}"})
    assert pointers(response) == ["#/q"]
    assert response.get_json()["errors"][0]["detail"].startswith(f"Position 3: due:{date} is no date. Use a date like")


@pytest.mark.parametrize("sort", ["", "deu", "--due", "due,title", "position"])
@ONE_DATABASE
def test_what_is_no_order_is_refused(alice: Person, sort: str) -> None:
    assert pointers(alice.get("/tasks", query_string={"q": f"sort:{sort}"})) == ["#/q"]


signs = st.sampled_from(["", "-", "<", "<=", ">", ">=", "=", '"', "today+", "today-", "2026-", "none", "high", "due"])
names = st.sampled_from(["tag:", "-tag:", "due:", "is:", "priority:", "sort:", "x:", "", "-", '"', '-"'])
terms = st.builds("{}{}{}".format, names, signs, st.text(max_size=6))


@fuzz
@given(text=st.lists(terms, max_size=5).map(" ".join) | st.text(max_size=80))
def test_no_search_is_a_server_error(alice: Person, text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    assert alice.get("/tasks", query_string={"q": text, "limit": "1"}).status_code in (200, 422)


@fuzz
@given(as_of=st.none() | st.integers() | st.text(max_size=16) | st.datetimes().map(lambda d: f"{d:%Y-%m-%dT%H:%M}"))
@ONE_DATABASE
def test_no_forged_moment_in_a_cursor_is_a_server_error(alice: Person, as_of: object) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(["x", "x", "x", as_of]).encode()).decode()
    for text in ("is:today", "is:overdue", "due:today+9999", "milk"):
        assert pointers(alice.get("/tasks", query_string={"q": text, "cursor": cursor})) in (["#/cursor"], ["#/q"])
