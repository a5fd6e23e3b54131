"""``flask clients``: programs of other people that may ask for tokens."""

from typing import Annotated

import click
from pydantic import Field

from app.cli.command import EXIT_CODES, OperatorGroup
from app.cli.output import counted, json_option, print_json, print_list, print_record, say
from app.services import clients, scopes
from app.web.payload import Name, Schema, fields

group = OperatorGroup("clients", help="Register and revoke OAuth clients, programs of other people.", epilog=EXIT_CODES)

_COLUMNS = ("name", "type", "scope", "introspects", "status", "sessions", "created_at", "id")
# Enough for a program about tasks; the account is for those that say they need it.
_USUAL_SCOPE = "tasks:read tasks:write"


class _Client(Schema):
    name: Annotated[Name, Field(min_length=1)]


@group.command()
@click.argument("name")
@click.option("--confidential", is_flag=True, help="It runs where nobody else can read its secret, on a server.")
@click.option(
    "--scope",
    default=_USUAL_SCOPE,
    show_default=True,
    help=f"The most it may be given, of: {scopes.ALL_SCOPES}.",
)
@click.option("--introspect", is_flag=True, help="It may ask about access tokens that are not its own.")
@json_option
def create(name: str, confidential: bool, scope: str, introspect: bool, as_json: bool) -> None:
    """Register a client under a generated id; a confidential one gets a secret, shown this once.

    \b
    Example:
      flask clients create "Desktop app"
      flask clients create "Report server" --confidential --scope tasks:read
      flask clients create "API gateway" --confidential --introspect --json
    """
    body = fields(_Client, {"name": name})
    made = clients.create(body.name, confidential=confidential, scope=scope, introspects=introspect)
    say(f"Registered the client {body.name}.")
    if made["secret"]:
        say("Keep the secret now: it is stored as a digest only and cannot be shown again.")
    print_record(made, as_json=as_json)


@group.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List all registered clients, oldest first.

    \b
    Example:
      flask clients list
    """
    none = "There are no clients yet; see: flask clients create --help"
    print_list(clients.registered(), _COLUMNS, as_json=as_json, none=none)


@group.command()
@click.argument("client_id")
@json_option
def revoke(client_id: str, as_json: bool) -> None:
    """Shut a client out for good and end all its sessions; their tokens are dead at once.

    \b
    Example:
      flask clients revoke client_6d1f0c9be5a37f24c801
    """
    ended = clients.revoke(client_id)
    found = clients.find(client_id)
    say(f"Revoked {found['name']} and ended {counted(ended, 'session')}.")
    if as_json:
        print_json(found | {"sessions_ended": ended})
