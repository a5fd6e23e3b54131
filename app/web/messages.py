"""One-time messages about what was just done, shown on the next page."""

import flask


def flash(text: str, undo: str | None = None, label: str = "Undo") -> None:
    """Show the text on the next page; ``undo`` is the URL whose POST takes the action back, ``label`` its button."""
    # Flask's signature asks for text but it carries, and the templates expect, any JSON value.
    flask.flash({"text": text, "undo": undo, "label": label}, "status")  # type: ignore[arg-type]
