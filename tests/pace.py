"""A plugin of pytest for the run as a whole: what is started or made once, where files are, which tests come first."""

import gc
import os
import tempfile
from collections.abc import Callable, Generator

import pytest
from coverage import Coverage
from werkzeug.routing import Rule

from tests import leaks
from tests.databases import postgresql_server

#: Bytes that the files of a run need, with a million tasks among them.
ROOM = 2 << 30
#: Files with tests of more than ten seconds, besides the browser's.
LONG = {"test_key_workers", "test_scale", "test_schemathesis", "test_sign_in_model"}


def _remember_how_addresses_are_built() -> None:
    """Let Werkzeug compile the function that builds the addresses of a route once, not in each application.

    It depends on nothing but the route, and takes five sixths of the time in which an application is made.
    """
    compile_builder, compiled = Rule._compile_builder, {}

    def remembered(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        if rule.defaults:
            return compile_builder(rule, append_unknown)
        key = (rule.rule, tuple(rule._trace), append_unknown)
        if key not in compiled:
            compiled[key] = compile_builder(rule, append_unknown)
        return compiled[key]

    Rule._compile_builder = remembered  # type: ignore[method-assign]


def pytest_configure(config: pytest.Config) -> None:
    """Start PostgreSQL once, before the workers that inherit its address; watch what is logged."""
    config.pluginmanager.register(leaks)
    _remember_how_addresses_are_built()
    if not hasattr(config, "workerinput"):
        _keep_temporary_files_in_memory()
        postgresql_server()


def _keep_temporary_files_in_memory() -> None:
    """Let this run, and what it starts, make its files where there is no disk, unless TMPDIR says where.

    SQLite syncs every commit: on disk the run takes half as long again.
    """
    memory = "/dev/shm"  # noqa: S108 - for mkdtemp() and its like
    if not os.access(memory, os.W_OK):
        return
    there = os.statvfs(memory)
    # Programs are among the files: those of PostgreSQL, for a user who may enter no directory of ours.
    if there.f_bavail * there.f_frsize > ROOM and not there.f_flag & os.ST_NOEXEC:
        os.environ.setdefault("TMPDIR", memory)
        tempfile.tempdir = None  # asked for by pytest already


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run one process more than there are cores: some tests mostly wait."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the tests that take longest, so that no process is left with one of them when the others are done.

    A process first gets a quarter of its share in one portion. The first process starts a browser, and the others need
    none; the second one's portion begins with the other long tests.
    """
    items.sort(key=lambda item: 2 if "/browser/" not in item.nodeid else "postgresql" in item.name)
    long = [item for item in items if item.path.stem in LONG]
    short = [item for item in items if item.path.stem not in LONG]
    portion = len(items) // getattr(config, "workerinput", {"workercount": 1})["workercount"] // 4
    items[:] = short[:portion] + long + short[portion:]


def pytest_collection_finish() -> None:
    """Leave thousands of collected tests, and all modules, to the end of the run, not to every garbage collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure coverage on one database only: being traced costs half as much as the tests themselves."""
    tracer = Coverage.current() if "postgresql" in item.name else None
    if tracer:
        tracer.stop()
    outcome = yield
    if tracer:
        tracer.start()
    return outcome
