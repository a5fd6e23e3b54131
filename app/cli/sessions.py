"""``flask sessions``: see who is signed in, and end it."""

from uuid import UUID

import click

from app.cli.command import EXIT_CODES, OperatorGroup
from app.cli.output import counted, json_option, print_json, print_list, say
from app.services import operators

group = OperatorGroup("sessions", help="See and end the sessions of people and programs.", epilog=EXIT_CODES)

_COLUMNS = ("email", "kind", "label", "ip", "last_seen_at", "created_at", "id")


@group.command("list")
@click.argument("account", required=False)
@json_option
def list_(account: str | None, as_json: bool) -> None:
    """List live sessions of everybody or of one ACCOUNT (e-mail address or id), last used first.

    \b
    Example:
      flask sessions list
      flask sessions list ann@example.org --json
    """
    user_id = operators.find(account)["id"] if account is not None else None
    print_list(operators.sessions(user_id), _COLUMNS, as_json=as_json, none="Nobody is signed in.")


@group.command()
@click.argument("session_id", type=click.UUID, required=False)
@click.option("--user", "account", metavar="ACCOUNT", help="End all sessions of this e-mail address or id.")
@click.option("--all", "everybody", is_flag=True, help="End all sessions of everybody.")
@json_option
def revoke(session_id: UUID | None, account: str | None, everybody: bool, as_json: bool) -> None:
    """End one session, or all of an account, or all there are; their tokens are dead at once.

    To keep somebody out, disable the account or reset its password instead.

    \b
    Example:
      flask sessions revoke 019a4f0e-5f0a-7c3e-9a57-3d6c1d1c2b1a
      flask sessions revoke --user ann@example.org
      flask sessions revoke --all
    """
    if [session_id is not None, account is not None, everybody].count(True) != 1:
        raise click.UsageError("Give one of SESSION_ID, --user ACCOUNT and --all.")
    if session_id is not None:
        operators.end_session(session_id)
        ended = 1
    else:
        ended = operators.end_sessions(operators.find(account)["id"] if account is not None else None)
    say(f"Ended {counted(ended, 'session')}.")
    if as_json:
        print_json({"sessions_ended": ended})
