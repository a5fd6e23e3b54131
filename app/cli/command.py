"""What every command shares: it needs a current schema, and failures become one line and an exit code."""

import errno
import logging
import os
import sys
from typing import Any

import click
import structlog
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from structlog.contextvars import bound_contextvars

from app.cli.output import printable
from app.services import schema
from app.services.errors import ClientNotFound, InvalidInput, KeyNotFound, ServiceError, SignInNotFound, UserNotFound

#: Closing words of the help of every group, and of commands outside a group.
EXIT_CODES = """\b
Exit codes:
  0  done
  1  refused, and nothing was changed; or done, but the output could not be written
  2  the command was not understood
  3  there is no such account, session, client or key
  4  the database or a setting cannot be used

Results go to standard output, messages to standard error."""


class Refused(click.ClickException):
    """Ends the command: a rule forbids it; one line on standard error."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class NotFound(Refused):
    """Ends the command: what it names does not exist."""

    exit_code = 3


class Unusable(Refused):
    """Ends the command: the database does not answer or has another schema."""

    exit_code = 4


class OperatorCommand(click.Command):
    """A command that reports whatever a service or the database refuses."""

    needs_schema = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # How Python hands over bytes that are not UTF-8; neither database takes them.
        if any("\ud800" <= c <= "\udfff" for arg in args for c in arg):
            raise click.UsageError("An argument is not UTF-8 text.", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        if sys.stderr.isatty():
            # A person reads the command's own message; the event behind the log line is in the database anyway.
            structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
        if self.needs_schema:
            _require_schema()
        try:
            # Owners see in their list of recent activity that it was not a device of theirs.
            with bound_contextvars(user_agent="Operator's command line"):
                return super().invoke(ctx)
        except (UserNotFound, SignInNotFound, ClientNotFound, KeyNotFound) as error:
            raise NotFound(str(error)) from error
        except InvalidInput as error:
            reasons = (f"{field}: {reason}" for field, reason in error.errors.items())
            raise Refused(" ".join(reasons)) from error
        except ServiceError as error:
            raise Refused(str(error)) from error
        except (DatabaseError, InterfaceError, PoolTimeout) as error:
            raise _unavailable(error) from error
        except OSError as error:
            # Writing to something open has no name to tell. Of a pipe that nobody reads any more click takes care.
            if error.filename is not None or error.errno == errno.EPIPE:
                raise
            with open(os.devnull, "wb") as nowhere:  # for what is still buffered, which would fail again at the end
                os.dup2(nowhere.fileno(), sys.stdout.fileno())
            raise Refused(f"The output could not be written: {error.strerror}. What was done stays done.") from error


class OperatorGroup(AppGroup):
    """A group of such commands."""

    command_class = OperatorCommand


@with_appcontext
def _require_schema() -> None:
    """Refuse to go on unless the database answers and has the schema this code needs; leaves the app context open."""
    try:
        mismatch = schema.mismatch()
    except (DBAPIError, PoolTimeout) as error:
        raise _unavailable(error) from error
    if mismatch:
        raise Unusable(mismatch[0].upper() + mismatch[1:])


def _unavailable(error: DBAPIError | PoolTimeout) -> Unusable:
    # The driver's first line; the text of the exception around it would add the statement with its values.
    reason = str(getattr(error, "orig", error)).strip().partition("\n")[0]
    return Unusable(f"The database cannot be used: {reason}")
