"""WSGI entry point, for gunicorn and for the ``flask`` command."""

import gc
import sys
from functools import partial
from typing import NoReturn

# What is imported stays: looking through it for garbage again and again would be a sixth of the start.
gc.disable()

import click
from flask.cli import FlaskGroup
from sqlalchemy.exc import DatabaseError

from app import create_app
from app.cli.doctor import patient
from app.ops.health import refusal
from config import ConfigError

#: gunicorn takes this code as "do not try again".
APP_LOAD_ERROR = 4


def _refuse(reason: str) -> NoReturn:
    sys.stderr.write(f"{reason}\n")
    sys.exit(APP_LOAD_ERROR)


try:
    app = create_app()
    # A command may be the one that mends the schema; a web process must not serve another one than its own.
    if click.get_current_context(silent=True) is None and (reason := refusal(app)):
        _refuse(f"taskward: {reason}")
except ConfigError as error:
    refuse = partial(_refuse, f"taskward: {error}")
    context = click.get_current_context(silent=True)
    # Flask is looking for the command, which may be the one that explains such errors.
    app = patient(str(error), refuse) if context and isinstance(context.command, FlaskGroup) else refuse()
except DatabaseError as error:
    _refuse(f"taskward: the database cannot be used: {str(error.orig).splitlines()[0]}")

# Nor does serving look through it, and the workers that gunicorn forks share its memory.
gc.freeze()
gc.enable()
