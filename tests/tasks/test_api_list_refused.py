"""JSON: queries for a list that are not understood are refused at their place."""

from tests.in_turn import in_turn
from tests.people import Person
from tests.problems import pointers

REFUSED = {
    "unknown parameter": ("colour=red", ["#/colour"]),
    "parameter named self": ("self=1", ["#/self"]),
    "token in the address": ("access_token=x", ["#/access_token"]),
    "parameter twice": ("sort=due&sort=due", ["#/sort"]),
    "two of them twice": ("status=all&status=all&q=a&q=b", ["#/status", "#/q"]),
    "unknown status": ("status=deleted", ["#/status"]),
    "empty status": ("status=", ["#/status"]),
    "unknown sort": ("sort=title;drop", ["#/sort"]),
    "sort by two": ("sort=due,created", ["#/sort"]),
    "empty tag": ("tag=", ["#/tag/0"]),
    "tag of two words": ("tag=a+b", ["#/tag/0"]),
    "tag with NUL": ("tag=a%00", ["#/tag/0"]),
    "second tag of two words": ("tag=a&tag=b+c", ["#/tag/1"]),
    "nine tags": ("&".join(f"tag={number}" for number in range(9)), ["#/tag"]),
    "nine tags, one in the search": ("&".join(f"tag={number}" for number in range(8)) + "&q=tag:8", ["#/q"]),
    "unknown priority": ("priority=urgent", ["#/priority"]),
    "two priorities": ("priority=low&priority=high", ["#/priority"]),
    "due before no date": ("due_before=soon", ["#/due_before"]),
    "due before a word of the search": ("due_before=today", ["#/due_before"]),
    "due after a day that is none": ("due_after=2026-02-30", ["#/due_after"]),
    "due after all time": ("due_after=9999-01-01", ["#/due_after"]),
    "updated since a day": ("updated_since=2026-11-03", ["#/updated_since"]),
    "updated since a time without offset": ("updated_since=2026-11-03T10:15:00", ["#/updated_since"]),
    "updated since a + that became a space": ("updated_since=2026-11-03T10:15:00+01:00", ["#/updated_since"]),
    "updated before all time": ("updated_since=0001-01-01T00:00:00%2B14:00", ["#/updated_since"]),
    "updated since seconds": ("updated_since=1793700000", ["#/updated_since"]),
    "count in words": ("count=maybe", ["#/count"]),
    "search with NUL": ("q=a%00b", ["#/q"]),
    "long search": (f"q={'x' * 201}", ["#/q"]),
    "limit 0": ("limit=0", ["#/limit"]),
    "limit below 0": ("limit=-1", ["#/limit"]),
    "limit in words": ("limit=ten", ["#/limit"]),
    "empty limit": ("limit=", ["#/limit"]),
    "half a limit": ("limit=1.5", ["#/limit"]),
    "limit with exponent": ("limit=1e2", ["#/limit"]),
    "limit of 5000 digits": (f"limit={'9' * 5000}", ["#/limit"]),
    "superscript limit": ("limit=%C2%B2", ["#/limit"]),
}


@in_turn(("query", "places"), REFUSED.values(), ids=REFUSED)
def test_a_query_that_is_not_understood_is_refused_at_its_place(alice: Person, query: str, places: list[str]) -> None:
    assert pointers(alice.get(f"/tasks?{query}")) == places


def test_bytes_that_are_no_text_in_a_search_are_no_server_error(alice: Person) -> None:
    assert alice.get("/tasks?q=%ff%fe&tag=%c3").status_code == 200
