"""``flask tokens``: housekeeping."""

from app.cli.command import EXIT_CODES, OperatorGroup
from app.cli.output import counted, json_option, print_json, say
from app.services import tokens

group = OperatorGroup("tokens", help="Clean up after tokens that have expired.", epilog=EXIT_CODES)


@group.command()
@json_option
def purge(as_json: bool) -> None:
    """Delete what is left of tokens and sessions that ended long ago, and signing keys whose tokens have all expired.

    Nothing that still works is touched. Run it once a day, from cron for example.

    \b
    Example:
      flask tokens purge
    """
    deleted = tokens.purge()
    blocked, ended = counted(deleted["blocked_tokens"], "blocked token"), counted(deleted["sign_ins"], "ended session")
    keys = counted(deleted["signing_keys"], "signing key")
    say(f"Deleted {blocked}, {ended} and {keys}.")
    if as_json:
        counts = {"blocked_tokens": deleted["blocked_tokens"], "sessions": deleted["sign_ins"]}
        print_json(counts | {"signing_keys": deleted["signing_keys"]})
