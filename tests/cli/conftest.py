"""Fixtures: commands run inside this process, and as a program of their own."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskCliRunner

from tests import leaks, programs
from tests.backups import another_like
from tests.cli.findings import Report
from tests.conftest import MakeApp
from tests.databases import client_programs
from tests.installations import Environment

Command = Callable[..., Result]
Doctor = Callable[..., Report]
Program = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def flask(runner: FlaskCliRunner) -> Command:
    """Run a command; its words are separated by spaces."""

    def run(words: str, *more: str, stdin: str | bytes = "") -> Result:
        result = runner.invoke(args=[*words.split(), *more], input=stdin)
        # The other lines are for the person at the terminal, who may be told what she typed.
        leaks.watch((line for line in result.stderr.splitlines() if line.startswith("{")), "a log line")
        return result

    return run


@pytest.fixture
def program_environment(app: Flask, environment: dict[str, str]) -> dict[str, str]:
    """Variables for a program over the same, empty database."""
    return os.environ | environment


@pytest.fixture
def program(program_environment: dict[str, str]) -> Program:
    """Run a command as an operator does."""

    def run(*words: str, stdin: bytes = b"", **variables: Any) -> "subprocess.CompletedProcess[bytes]":
        return programs.run("flask", *words, env=program_environment | variables, stdin=stdin)

    return run


@pytest.fixture
def source(make_app: MakeApp) -> Flask:
    """The application, which knows where the programs of PostgreSQL are."""
    return make_app(PG_BINDIR=client_programs())


@pytest.fixture
def empty(app: Flask, environment: Environment, tmp_path: Path) -> Iterator[Environment]:
    """Variables of an installation of the same kind, with the same secret, in which there is nothing."""
    with another_like(environment, tmp_path / "restored") as env:
        yield env


@pytest.fixture
def doctor(app: Flask, make_app: MakeApp) -> Doctor:
    """Examine the installation, with other variables if there are any; return what was found by name."""

    def examine(**variables: str) -> Report:
        # A limit of its own: that of the tests is a fault, and so is a machine without PostgreSQL's programs.
        sound = {"RATE_LIMIT": "600", "PG_BINDIR": client_programs()}
        runner = make_app(**sound | variables).test_cli_runner()
        result = runner.invoke(args=["doctor", "--json"])
        document = json.loads(result.stdout)
        failed = document["status"] == "fail"
        assert result.exit_code == (1 if failed else 0), result.output
        strict = runner.invoke(args=["doctor", "--strict"])
        assert strict.exit_code == (0 if document["status"] == "ok" else 1)
        assert all(set(each) == {"name", "status", "finding", "cure"} for each in document["checks"])
        assert all(bool(each["cure"]) == (each["status"] != "ok") for each in document["checks"])
        return {each["name"]: each for each in document["checks"]}

    return examine
