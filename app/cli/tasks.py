"""``flask tasks``: housekeeping. No command shows a task."""

from app.cli.command import EXIT_CODES, OperatorGroup
from app.cli.output import counted, json_option, print_json, say
from app.services import maintenance

group = OperatorGroup("tasks", help="Clean up what tasks leave behind; no command shows a task.", epilog=EXIT_CODES)


@group.command()
@json_option
def purge(as_json: bool) -> None:
    """Forget which tasks were deleted for good over 90 days ago, and keys of requests after a day.

    A device that synchronises less often than that is told to start again. flask maintenance run does this and more,
    and the server that by itself.

    \b
    Example:
      flask tasks purge
    """
    forgotten = maintenance.run(maintenance.TASKS)
    deletions = counted(forgotten["deleted_tasks"], "deletion")
    say(f"Forgot {deletions} and {counted(forgotten['idempotency_keys'], 'idempotency key')}.")
    if as_json:
        print_json(forgotten)
