"""What a token may be good for (RFC 6749 §3.3)."""

from app.services.errors import InvalidScope

ALL_SCOPES = "tasks:read tasks:write account"


def within(asked: str | None, most: str) -> str:
    """Return the scope that is asked for, or all of ``most`` when none is named; in the order of ``most``.

    Raises:
        InvalidScope: it is malformed, or asks for more than ``most``.
    """
    if asked is None:
        return most
    allowed, wanted = most.split(), asked.split(" ")
    if not set(wanted) <= set(allowed):
        raise InvalidScope(scope=f"Ask for one or more of these, with single blanks between them: {most}.")
    return " ".join(each for each in allowed if each in wanted)
