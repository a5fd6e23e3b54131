"""Commands for operators."""

from flask import Flask

from app.cli import backup, clients, demo, events, keys, sessions, tasks, tokens, users


def init_app(app: Flask) -> None:
    """Add the commands to ``flask``."""
    groups = (
        users.group,
        sessions.group,
        clients.group,
        tasks.group,
        tokens.group,
        keys.group,
        events.group,
        backup.group,
    )
    for command in (*groups, demo.seed_demo):
        app.cli.add_command(command)
