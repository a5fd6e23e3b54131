"""``flask backup``: make, check and restore backups."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from app.cli.command import EXIT_CODES, OperatorCommand, OperatorGroup
from app.cli.output import json_option, print_json, say
from app.services import backups, schema
from app.services.backup_files import SECRET_KEY, Manifest
from app.services.backups import Progress


class _Command(OperatorCommand):
    """A backup is made of an older schema, and restored where there is none."""

    needs_schema = False


class _Group(OperatorGroup):
    command_class = _Command


group = _Group("backup", help="Make, check and restore backups.", epilog=EXIT_CODES)

_FILE = click.Path(dir_okay=False, path_type=Path)


@group.command()
@click.option("--output", type=_FILE, help="Where to; default: backups/taskward-TIME.tar in the instance directory.")
@click.option("--with-secret-key", is_flag=True, help="Put SECRET_KEY in: who has the file can then forge tokens.")
@json_option
def create(output: Path | None, with_secret_key: bool, as_json: bool) -> None:
    """Write the whole database into one file, while the server goes on serving.

    PostgreSQL needs pg_dump of the server's version or newer, on PATH or in PG_BINDIR.

    \b
    Example:
      flask backup create
      flask backup create --output /srv/backups/taskward.tar
    """
    with _progress("Backing up") as progress:
        file, manifest = backups.create(output, with_secret_key=with_secret_key, progress=progress)
    if with_secret_key:
        say("It holds SECRET_KEY: keep it like a password.")
    else:
        say("SECRET_KEY is not in it. Keep that apart: under another one everybody has to sign in again.")
    _show(file, manifest, as_json=as_json)


@group.command()
@click.argument("file", type=_FILE)
@json_option
def verify(file: Path, as_json: bool) -> None:
    """Check that FILE is whole: its checksums, its manifest, and that the database in it opens.

    \b
    Example:
      flask backup verify /srv/backups/taskward.tar
    """
    manifest = backups.verify(file)
    say("The backup is whole.")
    _show(file, manifest, as_json=as_json)


@group.command()
@click.argument("file", type=_FILE)
@json_option
def restore(file: Path, as_json: bool) -> None:
    """Fill an empty database from FILE, wholly or not at all.

    Stop the server first. The database must be of the same kind and have no tables. Restore only files that you made:
    PostgreSQL carries out whatever statements are in one.

    \b
    Example:
      flask backup restore /srv/backups/taskward.tar
    """
    with _progress("Restoring") as progress:
        manifest, key_known = backups.restore(file, progress)
    if SECRET_KEY not in manifest.members:
        say("Under another SECRET_KEY than when the backup was made, everybody has to sign in again.")
    elif not key_known:
        say(f"SECRET_KEY is set otherwise; the backup's is printed by: tar -xOf {file} {SECRET_KEY}")
    if mismatch := schema.mismatch():
        say(f"Next, {mismatch}")
    _show(file, manifest, as_json=as_json)


@contextmanager
def _progress(label: str) -> Iterator[Progress]:
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=1000, label=label, file=sys.stderr, hidden=hidden) as bar:
        yield lambda done: bar.update(int(done * 1000) - bar.pos)


def _show(file: Path, manifest: Manifest, *, as_json: bool) -> None:
    if as_json:
        about: dict[str, Any] = manifest.model_dump(mode="json")
        print_json({"file": str(file), "size": file.stat().st_size, **about})
    else:
        click.echo(file)
