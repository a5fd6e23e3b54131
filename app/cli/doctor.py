"""``flask doctor``: what is wrong with this installation, and what to do about it."""

import sys
from collections.abc import Callable
from typing import NoReturn

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext

from app.cli.output import json_option, print_json, printable
from app.services import diagnostics

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
_EPILOG = """\b
Exit codes:
  0  nothing failed
  1  something failed, or with --strict there was a warning
  2  the command was not understood"""


@click.command(epilog=_EPILOG)
@click.option("--strict", is_flag=True, help="End with exit code 1 for warnings, too.")
@json_option
@with_appcontext
def doctor(strict: bool, as_json: bool) -> None:
    """Check the installation, and say how to cure what is wrong.

    Changes nothing and shows no secret. Run it as the user and with the variables of the server. Works as well when the
    database is down, has another revision, or a variable has a value that is not accepted.

    \b
    Example:
      flask doctor
      flask doctor --strict --json | jq -r '.checks[] | select(.status != "ok") | .cure'
    """
    results = diagnostics.run()
    worst = max((each.status for each in results), key=list(_COLOURS).index)
    if as_json:
        print_json({"status": worst, "checks": [each._asdict() for each in results]})
    for name, status, finding, cure in () if as_json else results:
        click.echo(f"{click.style(f'{status:4}', fg=_COLOURS[status])}  {name}: {printable(finding)}")
        if cure:
            click.echo(f"      {printable(cure)}")
    sys.exit(1 if worst == "fail" or (strict and worst == "warn") else 0)


class _NothingElse(AppGroup):
    """The commands of an application without settings."""

    def __init__(self, refuse: Callable[[], NoReturn]) -> None:
        super().__init__(commands=[doctor])
        self.refuse = refuse

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or self.refuse()


def patient(fault: str, refuse: Callable[[], NoReturn]) -> Flask:
    """Return an application that cannot be configured, of which only the doctor works; all else is ``refuse``."""
    app = Flask("taskward")
    app.extensions["settings fault"] = fault
    app.cli = _NothingElse(refuse)
    return app
