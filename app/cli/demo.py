"""``flask seed-demo``: an account to look around in."""

import secrets
import sys
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import click

from app.cli.command import EXIT_CODES, OperatorCommand, Refused
from app.cli.demo_tasks import invented
from app.cli.output import counted, json_option, print_json, print_record, say
from app.services import accounts, bulk, operators
from app.services.errors import UserNotFound

_BATCH = 2000


@click.command("seed-demo", cls=OperatorCommand, epilog=EXIT_CODES)
@click.option("--email", default="demo@example.org", show_default=True, help="Address of the demo account.")
@click.option("--tasks", "wanted", type=click.IntRange(0, 1_000_000), default=40, show_default=True, help="How many.")
@click.option("--add", is_flag=True, help="If the account exists, add the tasks to it.")
@json_option
def seed_demo(email: str, wanted: int, add: bool, as_json: bool) -> None:
    """Create a demo account with lifelike tasks.

    Its password is random and printed this once. With --add the account may exist already and keeps its password.

    \b
    Example:
      flask seed-demo
      flask seed-demo --email load@example.org --tasks 100000
    """
    account, password = _account(email, may_exist=add)
    made = {"email": account["email"], "user_id": account["id"], "password": password}
    if password and not as_json:
        # Before the long part, which may be interrupted.
        print_record({"email": account["email"], "password": password}, as_json=False)
    _add_tasks(account, wanted)
    say(f"Added {counted(wanted, 'task')} to {account['email']}.")
    if as_json:
        print_json(made | {"tasks_added": wanted})


def _account(email: str, *, may_exist: bool) -> tuple[dict[str, Any], str | None]:
    """Return the account, and its password if it was made just now."""
    try:
        account = operators.find(email)
    except UserNotFound:
        password = secrets.token_urlsafe(18)
        return operators.find(str(accounts.create(email, password, "Demo"))), password
    if may_exist:
        return account, None
    raise Refused(f"There is already an account {account['email']}; --add adds tasks to it.")


def _add_tasks(account: dict[str, Any], wanted: int) -> None:
    tasks = islice(invented(datetime.now(ZoneInfo(account["timezone"]))), wanted)
    few = wanted <= _BATCH
    with click.progressbar(length=wanted, label="Adding tasks", file=sys.stderr, hidden=few) as bar:
        while batch := list(islice(tasks, _BATCH)):
            bar.update(bulk.create_many(account["id"], batch))
