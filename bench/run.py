"""Taskward beside other ways to build it: the same rows, the same requests, the same machine, in turn.

    make bench          everything, into bench/results.json and docs/performance.md
    make bench-quick    two short rounds, printed only
    python -m bench.run [--rounds 5] [--seconds 3] [--only floor,django_drf] [--actions list,read] [--write]

``DATABASE_URL`` names a PostgreSQL server on which databases may be created; without it an embedded one is started.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench import installation, report
from bench.actions import ACTIONS, MIX, TITLES, requests
from bench.equal import UnequalError, ask, check
from bench.installation import CannotInstallError
from bench.load import Measured, drive
from bench.people import Person, application, fill, signed_in, with_cookies, with_tokens
from bench.programs import LIMITED, OURS, RIVALS, WHEEL, Program
from bench.servers import Server, running
from tests.databases import SETTINGS, VARIABLE, create_database, drop_database, postgresql_server

_ROWS = "taskward_bench_rows"


@dataclass(frozen=True)
class Entrant:
    """A program that runs, its database, and what gives people with fresh tokens for it."""

    server: Server
    database_url: str
    people: Callable[[], list[Person]]

    @property
    def program(self) -> Program:
        """What it is."""
        return self.server.program

    def measure(self, action: str, people: Sequence[Person], seconds: int, connections: int = 16) -> Measured:
        """Have people ask it for one thing for so long."""
        field = self.program.refresh_field if action == "refresh" else ""
        return drive(self.server, requests(self.program, action, people), seconds, connections, field)


def database_server() -> str:
    """Return the address of a PostgreSQL server on which databases may be created."""
    if "DATABASE_URL" in os.environ:
        os.environ.setdefault(VARIABLE, os.environ["DATABASE_URL"])
    # All programs run at once, each with a pool of its own in both workers.
    SETTINGS["max_connections"] = "500"
    return postgresql_server()


@contextmanager
def own_database(server_url: str, name: str, template: str = "template0") -> Iterator[str]:
    """Make a database, or make it anew, for as long as the context is open."""
    drop_database(server_url, name)
    try:
        yield create_database(server_url, name, template)
    finally:
        drop_database(server_url, name)


@contextmanager
def entrants(programs: Sequence[Program], failed: dict[str, str]) -> Iterator[list[Entrant]]:
    """Run the programs, each over its own copy of the rows; write those that cannot into ``failed`` with the reason."""
    server_url = database_server()
    with tempfile.TemporaryDirectory() as instance, ExitStack() as stack:

        def database(name: str, template: str = "template0") -> str:
            return stack.enter_context(own_database(server_url, name, template))

        rows = fill(application(database(_ROWS), Path(instance)))
        running_now = []
        for program in programs:
            own_tables = program.key == "better_auth"
            url = database(f"taskward_bench_{program.key}", *(() if own_tables else (_ROWS,)))
            try:
                installation.install(program)
                people = _people(program, url, rows, Path(instance))
                entrant = Entrant(stack.enter_context(running(program, url)), url, people)
                check(entrant.server, people(), url)
            except (CannotInstallError, UnequalError, RuntimeError) as error:
                failed[program.key] = str(error)
                continue
            running_now.append(entrant)
        yield running_now


def _people(program: Program, url: str, rows: list[Person], instance: Path) -> Callable[[], list[Person]]:
    if program.ours:
        app = application(url, instance)
        return lambda: signed_in(app, rows)
    if program.key == "better_auth":
        with_sessions = with_cookies(rows, program, url)
        return lambda: with_sessions
    return lambda: with_tokens(rows)


def measure(all_of_them: Sequence[Entrant], actions: Sequence[str], rounds: int, seconds: int) -> report.Figures:
    """Drive everybody in turn, round by round; return what was measured by action, then by program."""
    figures: report.Figures = {
        action: {each.program.key: [] for each in all_of_them if action in each.program.actions} for action in actions
    }
    for entrant in all_of_them:
        entrant.measure("whoami", entrant.people(), 1)  # the first requests open connections and compile statements
    for number in range(rounds):
        people = {entrant.program.key: entrant.people() for entrant in all_of_them}
        for place, action in enumerate(actions):
            # A B C, C B A, and the next round the other way: no place in the order is always the same program's.
            for entrant in all_of_them[:: 1 if (number + place) % 2 else -1]:
                key = entrant.program.key
                if key not in figures[action]:
                    continue
                if action == "unchanged" and entrant.program.ours:
                    # What was created meanwhile has changed the lists.
                    people[key] = [replace(p, etag=ask(entrant.server, "list", p)[2]["etag"]) for p in people[key]]
                figures[action][key].append(entrant.measure(action, people[key], seconds))
            _say(f"round {number + 1} of {rounds}: {TITLES[action]}")
    return figures


def main() -> None:
    """Measure, print, and with ``--write`` keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--only", help="keys of peers, separated by commas")
    parser.add_argument("--actions", default=",".join((*ACTIONS, MIX)))
    parser.add_argument("--write", action="store_true", help="bench/results.json, docs/performance.md and its charts")
    asked = parser.parse_args()
    chosen = asked.only.split(",") if asked.only else None
    others = [program for program in (LIMITED, WHEEL, *RIVALS) if chosen is None or program.key in chosen]
    failed: dict[str, str] = {}
    with entrants([OURS, *others], failed) as running_now:
        if OURS.key in failed:
            sys.exit(failed[OURS.key])
        figures = measure(running_now, asked.actions.split(","), asked.rounds, asked.seconds)
        database = report.database_version(running_now[0].database_url)
    results = report.results(figures, failed, asked.rounds, asked.seconds, database)
    sys.stdout.write(report.table(results))
    if asked.write:
        report.write(results)


def _say(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()


if __name__ == "__main__":
    main()
