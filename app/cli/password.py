"""How a command is given a password: never as an argument, which every user of the machine could read."""

import sys

import click

from app.cli.command import Refused
from app.web.payload import Schema, Secret, fields

# Longer than any password may be, so that one cut short is refused for its length.
_LONGEST_LINE = 8192

password_option = click.option(
    "--password-stdin",
    is_flag=True,
    help="Do not ask; read one line of standard input, as is done anyway where there is no terminal.",
)


class _NewPassword(Schema):
    password: Secret


def read_new_password(*, from_stdin: bool) -> str:
    """Return a password asked for twice at the terminal, or the first line of standard input.

    Raises:
        Refused, InvalidInput: there is nothing on standard input, or it cannot be a password.
    """
    if sys.stdin.isatty() and not from_stdin:
        return click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    line = sys.stdin.buffer.readline(_LONGEST_LINE)
    password = line.removesuffix(b"\n").removesuffix(b"\r")
    if not password:
        raise Refused("There is no password on standard input.")
    try:
        text = password.decode()
    except UnicodeDecodeError as error:
        raise Refused("The password on standard input is not UTF-8 text.") from error
    return fields(_NewPassword, {"password": text}).password
