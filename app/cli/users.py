"""``flask users``: make, find, lock and remove accounts."""

from typing import Any
from uuid import UUID

import click

from app.cli.command import EXIT_CODES, OperatorGroup, Refused
from app.cli.output import counted, json_option, print_json, print_list, print_record, say
from app.cli.password import password_option, read_new_password
from app.services import accounts, addresses, operators
from app.services.errors import EmailTaken
from app.web.payload import Email, Name, Schema, fields

group = OperatorGroup("users", help="Manage accounts; what people keep in them stays theirs.", epilog=EXIT_CODES)

_COLUMNS = ("email", "name", "status", "sessions", "last_seen_at", "created_at", "id")


class _Person(Schema):
    email: Email
    name: Name


@group.command()
@click.argument("email")
@click.option("--name", default="", help="What the person is called.")
@password_option
@json_option
def create(email: str, name: str, password_stdin: bool, as_json: bool) -> None:
    """Create an account, also when registration is closed.

    \b
    Example:
      flask users create ann@example.org --name "Ann Lee"
      pwgen 20 1 | flask users create bot@example.org --json
    """
    person = fields(_Person, {"email": email, "name": name})
    address = addresses.valid(person.email)  # before anybody types a password twice
    password = read_new_password(from_stdin=password_stdin)
    try:
        user_id = accounts.create(address, password, person.name)
    except EmailTaken as error:
        raise Refused(f"There is already an account with the address {person.email}.") from error
    _report(user_id, f"Created the account {address}.", as_json=as_json)


@group.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List all accounts, oldest first.

    \b
    Example:
      flask users list
      flask users list --json | jq -r '.items[] | select(.disabled_at) | .email'
    """
    none = "There are no accounts yet; see: flask users create --help"
    print_list(operators.users(), _COLUMNS, as_json=as_json, none=none)


@group.command()
@click.argument("account")
@json_option
def show(account: str, as_json: bool) -> None:
    """Show one account, named by e-mail address or id.

    \b
    Example:
      flask users show ann@example.org
    """
    print_record(operators.find(account), as_json=as_json)


@group.command()
@click.argument("account")
@json_option
def disable(account: str, as_json: bool) -> None:
    """Forbid signing in and end all sessions of an account at once.

    \b
    Example:
      flask users disable ann@example.org
    """
    found = operators.find(account)
    ended = operators.disable(found["id"])
    message = f"Disabled {found['email']} and ended {counted(ended, 'session')}."
    _report(found["id"], message, as_json=as_json, sessions_ended=ended)


@group.command()
@click.argument("account")
@json_option
def enable(account: str, as_json: bool) -> None:
    """Allow a disabled account to sign in again.

    \b
    Example:
      flask users enable ann@example.org
    """
    found = operators.find(account)
    operators.enable(found["id"])
    _report(found["id"], f"Enabled {found['email']}.", as_json=as_json)


@group.command()
@click.argument("account")
@password_option
@json_option
def reset_password(account: str, password_stdin: bool, as_json: bool) -> None:
    """Set a new password and end all sessions of an account.

    \b
    Example:
      flask users reset-password ann@example.org
    """
    found = operators.find(account)
    ended = operators.reset_password(found["id"], read_new_password(from_stdin=password_stdin))
    message = f"Set a new password for {found['email']} and ended {counted(ended, 'session')}."
    _report(found["id"], message, as_json=as_json, sessions_ended=ended)


@group.command()
@click.argument("account")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def delete(account: str, yes: bool, as_json: bool) -> None:
    """Delete an account with everything in it, for good.

    \b
    Example:
      flask users delete ann@example.org
      flask users delete ann@example.org --yes --json
    """
    found = operators.find(account)
    question = f"Delete {found['email']} with all its tasks, sessions and events? This cannot be undone."
    try:
        sure = yes or click.confirm(question, err=True)
    except click.Abort as nobody:
        raise Refused("Nothing was deleted. Where nobody can answer, give --yes.") from nobody
    if not sure:
        raise Refused("Nothing was deleted.")
    accounts.remove(found["id"])
    say(f"Deleted the account {found['email']}.")
    if as_json:
        print_json({"id": found["id"], "email": found["email"], "deleted": True})


def _report(account_id: UUID, message: str, *, as_json: bool, **more: Any) -> None:
    """Say what was done; the JSON is the account as it is now."""
    say(message)
    if as_json:
        print_json(operators.find(str(account_id)) | more)
