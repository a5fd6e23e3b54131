"""Commands for operators."""

from flask import Flask

from app.cli import clients, demo, events, sessions, tokens, users


def init_app(app: Flask) -> None:
    """Add the commands to ``flask``."""
    for command in (users.group, sessions.group, clients.group, tokens.group, events.group, demo.seed_demo):
        app.cli.add_command(command)
