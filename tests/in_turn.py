"""Many cases as one test: what a case costs is then its request, and not an empty database and new accounts."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

import pytest

Test = Callable[..., None]


def in_turn(names: str | Sequence[str], cases: Iterable[Any], ids: object = None) -> Callable[[Test], Test]:
    """Call the test with one case after the other, as `pytest.mark.parametrize` does, and with the same fixtures.

    Every case is tried, also after one has failed, and a failure names its case. For cases that leave nothing behind
    which another could mistake for its own: refusals, and what is looked up by its id.

    Args:
        names: of the arguments, as for `pytest.mark.parametrize`; ``ids`` is taken like there, and not needed.
    """
    arguments = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    table = [_values(case, arguments) for case in cases]
    assert table, "a test without a case proves nothing"

    def decorate(test: Test) -> Test:
        @wraps(test)
        def each(**fixtures: Any) -> None:
            faults: list[BaseException] = []
            for case in table:
                try:
                    test(**fixtures, **case)
                except (Exception, pytest.fail.Exception) as fault:  # noqa: BLE001 - raised below
                    fault.add_note(f"with {case!r:.300}")
                    faults.append(fault)
            if len(faults) == 1:
                raise faults[0]
            if faults:
                raise BaseExceptionGroup(f"{len(faults)} of {len(table)} cases", faults)

        signature = inspect.signature(test)
        fixtures = [each for name, each in signature.parameters.items() if name not in arguments]
        each.__signature__ = signature.replace(parameters=fixtures)  # type: ignore[attr-defined]
        return each

    return decorate


def _values(case: Any, arguments: list[str]) -> dict[str, Any]:
    if values := getattr(case, "values", None) if type(case) is type(pytest.param()) else None:
        assert not case.marks, "a mark is for a whole test"
        case = values if len(arguments) > 1 else values[0]
    return dict(zip(arguments, case if len(arguments) > 1 else (case,), strict=True))
