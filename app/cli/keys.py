"""``flask keys``: the keys that sign access tokens."""

import click

from app.cli.command import EXIT_CODES, OperatorGroup, Unusable
from app.cli.output import counted, json_option, print_json, print_list, print_record, say
from app.services import key_rotation
from app.services.jwk import ALGORITHMS

group = OperatorGroup("keys", help="See and replace the keys that sign access tokens.", epilog=EXIT_CODES)

_COLUMNS = ("kid", "algorithm", "status", "activates_at", "accepted_until")


@group.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the keys, oldest first.

    The status of a key is next (published, signs from activates_at on), signing, verifying (its tokens are good until
    accepted_until), expired (flask tokens purge deletes it), retired, or unreadable (made under another SECRET_KEY;
    this ends with exit code 4).

    \b
    Example:
      flask keys list
    """
    found = key_rotation.listed()
    print_list(found, _COLUMNS, as_json=as_json, none="There are no keys.")
    if unreadable := [each for each in found if each["status"] == "unreadable"]:
        raise Unusable(
            f"SECRET_KEY does not open {counted(len(unreadable), 'key')}: "
            "set it to the value under which they were made, or retire them."
        )


@group.command()
@click.option("--algorithm", type=click.Choice(list(ALGORITHMS)), help="Default: as the key that signs now.")
@click.option("--now", is_flag=True, help="Let it sign at once, before everybody can have fetched it.")
@json_option
def rotate(algorithm: str | None, now: bool, as_json: bool) -> None:
    """Make a new key and let it take over in two minutes.

    It is published at /.well-known/jwks.json at once (HS256 is never published). The key before it verifies until the
    last token it signed has expired; nobody notices anything.

    \b
    Example:
      flask keys rotate
      flask keys rotate --algorithm Ed25519
    """
    made = key_rotation.rotate(algorithm, at_once=now)
    print_record(made, as_json=as_json)
    say("The new key signs now." if now else f"The new key signs from {made['activates_at']:%H:%M:%S} UTC on.")


# A kid may begin with a hyphen, which is no option then.
@group.command(context_settings={"ignore_unknown_options": True})
@click.argument("kid")
@json_option
def retire(kid: str, as_json: bool) -> None:
    """Refuse the key KID and every access token it signed, because somebody else may have it.

    Every server refuses it within five seconds; people's programs fetch new tokens by themselves. If it is the key that
    signs, a new one takes over at once.

    \b
    Example:
      flask keys retire NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs
    """
    signer = key_rotation.retire(kid)
    say(f"The key is refused from now on; {signer['kid']} signs.")
    if as_json:
        print_json({"retired": kid, "signing": signer["kid"]})
