"""``flask events``: the security log."""

import click

from app.cli.command import EXIT_CODES, OperatorGroup
from app.cli.output import json_option, print_list
from app.services import audit, operators

group = OperatorGroup("events", help="Read the security log.", epilog=EXIT_CODES)

_COLUMNS = ("created_at", "event", "email", "ip", "device", "detail")


@group.command("list")
@click.option("--user", "account", metavar="ACCOUNT", help="Only events of this e-mail address or id.")
@click.option(
    "--event",
    "name",
    metavar="NAME",
    type=click.Choice([event.value for event in audit.Event]),
    help="Only events of this name.",
)
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@json_option
def list_(account: str | None, name: str | None, limit: int, as_json: bool) -> None:
    """List security events, newest first.

    \b
    Example:
      flask events list --user ann@example.org
      flask events list --event authn_token_reuse --limit 10 --json
    """
    user_id = operators.find(account)["id"] if account is not None else None
    found = audit.events(user_id, name, limit)
    if not as_json:
        found = [each | {"detail": _in_words(each["detail"])} for each in found]
    print_list(found, _COLUMNS, as_json=as_json, none="There are no such events.")


def _in_words(detail: dict[str, object]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in detail.items())
