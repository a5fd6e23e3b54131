"""``flask maintenance``: housekeeping."""

import click

from app.cli.command import EXIT_CODES, OperatorGroup
from app.cli.output import json_option, print_record, say
from app.services import maintenance

group = OperatorGroup("maintenance", help="Delete what is over and of use to nobody.", epilog=EXIT_CODES)


@group.command()
@click.option("--dry-run", is_flag=True, help="Only count what would be deleted.")
@json_option
def run(dry_run: bool, as_json: bool) -> None:
    """Delete what is left of tokens, sessions and keys, what devices need not know any more, old trash and old events.

    The server does this by itself once an hour, unless MAINTENANCE is 0. People can go on working meanwhile. How long
    trash and security events are kept is up to TRASH_KEEP_DAYS and EVENTS_KEEP_DAYS.

    \b
    Example:
      flask maintenance run --dry-run
    """
    counts = maintenance.run(dry_run=dry_run)
    say("Nothing was deleted; this is what would be." if dry_run else "Deleted:")
    print_record(counts, as_json=as_json)
