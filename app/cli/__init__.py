"""Commands for operators."""

from flask import Flask

from app.cli import demo, events, keys, sessions, tokens, users


def init_app(app: Flask) -> None:
    """Add the commands to ``flask``."""
    for command in (users.group, sessions.group, tokens.group, keys.group, events.group, demo.seed_demo):
        app.cli.add_command(command)
