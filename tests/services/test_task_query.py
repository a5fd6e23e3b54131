"""The grammar of searches, and what tells one query from another; no database is asked."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.services.task_query import Query, read

NOW = datetime(2026, 11, 3, 12, 0, 30, tzinfo=UTC)

words = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='"'), min_size=1, max_size=8)
phrases = st.lists(words, min_size=1, max_size=3).map(" ".join)
tags = st.text(st.characters(categories=["Ll", "Nd"]), min_size=1, max_size=8).filter(lambda tag: tag == tag.lower())


@settings(database=None, deadline=None)
@given(
    wanted=st.lists(phrases, max_size=4, unique=True),
    unwanted=st.lists(phrases, max_size=4, unique=True),
    with_tags=st.lists(tags, max_size=4, unique=True),
    without_tags=st.lists(tags, max_size=4, unique=True),
)
def test_what_is_put_in_quotes_or_behind_tag_is_read_as_it_was_meant(
    wanted: list[str], unwanted: list[str], with_tags: list[str], without_tags: list[str]
) -> None:
    terms = [f'"{each}"' for each in wanted] + [f'-"{each}"' for each in unwanted]
    terms += [f"tag:{each}" for each in with_tags] + [f"-tag:{each}" for each in without_tags]
    query = read(" ".join(terms), Query(), NOW)
    assert (query.words, query.without_words) == (tuple(wanted), tuple(unwanted))
    assert (query.tags, query.without_tags) == (tuple(with_tags), tuple(without_tags))


LISTS = ["", "is:today", "is:overdue", "is:completed", "is:trash", "is:all", "milk", "-milk", "tag:milk"]
LISTS += ["-tag:milk", "milk bread", '"milk bread"', "tag:milk tag:bread"]
LISTS += ["priority:low", "priority:<=low", "priority:>=low", "due:none", "due:any", "due:today", "due:<today"]
LISTS += ["due:2026-11-04", "sort:-due", "sort:title", "sort:updated"]


def test_every_list_has_a_fingerprint_of_its_own() -> None:
    prints = [read(text, Query(), NOW).fingerprint for text in LISTS]
    prints.append(read("", Query(updated_since=NOW), NOW).fingerprint)
    assert len(set(prints)) == len(prints)


@pytest.mark.parametrize(
    ("one", "other"),
    [("due:today", "due:2026-11-03"), ("", "is:open sort:due"), ("is:trash", "is:trash sort:-updated")],
)
def test_two_ways_to_say_the_same_have_one_fingerprint(one: str, other: str) -> None:
    assert read(one, Query(), NOW).fingerprint == read(other, Query(), NOW).fingerprint


TIMES = [NOW, NOW + timedelta(seconds=20), NOW + timedelta(minutes=1), NOW + timedelta(days=1)]


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("milk due:<2026-11-03", [False, False, False]),
        ("milk due:<today+7", [False, False, True]),
        ("is:today", [False, False, True]),
        ("is:overdue", [False, True, True]),
    ],
)
def test_a_fingerprint_changes_when_the_clock_has_changed_what_is_meant(text: str, changes: list[bool]) -> None:
    queries = [read(text, Query(), moment) for moment in TIMES]
    assert [one.fingerprint != other.fingerprint for one, other in pairwise(queries)] == changes
    assert {query.as_of is not None for query in queries} == {any(changes)}
