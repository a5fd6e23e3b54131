"""``flask tokens``: housekeeping."""

from app.cli.command import EXIT_CODES, OperatorGroup
from app.cli.output import counted, json_option, print_json, say
from app.services import maintenance

group = OperatorGroup("tokens", help="Clean up after tokens that have expired.", epilog=EXIT_CODES)


@group.command()
@json_option
def purge(as_json: bool) -> None:
    """Delete what is left of tokens and sessions that ended long ago, and signing keys whose tokens have all expired.

    Nothing that still works is touched. flask maintenance run does this and more, and the server that by itself.

    \b
    Example:
      flask tokens purge
    """
    deleted = maintenance.run(maintenance.TOKENS)
    blocked, ended = counted(deleted["blocked_tokens"], "blocked token"), counted(deleted["sessions"], "ended session")
    keys = counted(deleted["signing_keys"], "signing key")
    throttles = counted(deleted["login_throttles"], "login throttle")
    say(f"Deleted {blocked}, {ended}, {keys} and {throttles}.")
    if as_json:
        print_json(deleted)
