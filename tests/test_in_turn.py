"""The decorator that tries many cases in one test loses none of them."""

import pytest

from tests.in_turn import in_turn


def test_every_case_is_tried_with_the_fixtures_and_those_that_fail_are_named() -> None:
    tried = []

    @in_turn(("number", "text"), [(1, "a"), pytest.param(2, "b", id="two"), (3, "c"), (4, "d")])
    def check(fixture: str, number: int, text: str) -> None:
        tried.append((fixture, number, text))
        if number == 3:
            pytest.fail("an outcome is no Exception")
        assert number != 2

    with pytest.raises(BaseExceptionGroup, match="2 of 4 cases") as failed:
        check(fixture="f")
    assert tried == [("f", 1, "a"), ("f", 2, "b"), ("f", 3, "c"), ("f", 4, "d")]
    assert [each.__notes__[-1] for each in failed.value.exceptions] == [
        "with {'number': 2, 'text': 'b'}",
        "with {'number': 3, 'text': 'c'}",
    ]


def test_tables_can_be_crossed_and_one_fault_is_raised_as_it_is() -> None:
    tried = []

    @in_turn("number", [1, 2])
    @in_turn("text", "ab")
    def check(number: int, text: str) -> None:
        tried.append((number, text))
        assert (number, text) != (2, "a")

    with pytest.raises(AssertionError) as failed:
        check()
    assert tried == [(1, "a"), (1, "b"), (2, "a"), (2, "b")]
    assert failed.value.__notes__ == ["with {'text': 'a'}", "with {'number': 2}"]


def test_a_table_without_a_case_or_with_a_mark_for_one_is_refused() -> None:
    for cases in ([], [pytest.param(1, marks=pytest.mark.proves("T1"))]):
        with pytest.raises(AssertionError):
            in_turn("number", cases)
