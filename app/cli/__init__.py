"""Commands for operators."""

from flask import Flask

from app.cli import backup, clients, demo, doctor, events, keys, maintenance, sessions, tasks, tokens, users


def init_app(app: Flask) -> None:
    """Add the commands to ``flask``."""
    people = (users.group, sessions.group, clients.group, events.group)
    upkeep = (tasks.group, tokens.group, keys.group, maintenance.group, backup.group, doctor.doctor)
    for command in (*people, *upkeep, demo.seed_demo):
        app.cli.add_command(command)
