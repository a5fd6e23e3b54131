"""A watch over everything the suite logs: no token, password, hash or title in a log line or a stored event.

Loaded as a plugin of pytest: a test during which something secret was written to standard error or to a log fails,
whatever else it was about.
"""

import re
from collections.abc import Generator, Iterable

import pytest

# Whatever the secret's value: three parts that begin like JSON's brace in base64url, and the hash of a password.
_SHAPES = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}|\$argon2")

_always: set[str] = set()
_in_this_test: set[str] = set()


def keep_secret(text: str, *, always: bool = False) -> None:
    """From here to the end of the test, or of the run, the text must not be logged."""
    (_always if always else _in_this_test).add(text)


def leaks(text: str) -> list[str]:
    """Return the lines of the text that hold a secret."""
    secrets = _always | _in_this_test

    def tells(part: str) -> bool:
        return _SHAPES.search(part) is not None or any(secret in part for secret in secrets)

    return [line for line in text.splitlines() if tells(line)] if tells(text) else []


def watch(texts: Iterable[str], where: str) -> None:
    """Fail if one of the texts holds a secret."""
    found = [line for text in texts for line in leaks(text)]
    assert not found, f"a secret in {where}: {found[0]}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: "pytest.CallInfo[None]"
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the report of a test that logged something secret into a failure."""
    report = yield
    if report.outcome == "passed" and (found := leaks(report.capstderr + report.caplog)):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} logged a secret:\n" + "\n".join(found)
    if report.when == "teardown":
        _in_this_test.clear()
    return report
