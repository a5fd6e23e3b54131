"""E-mail addresses: what is one, and when two are the same."""

import unicodedata

from email_validator import EmailNotValidError, validate_email

from app.services.errors import InvalidInput


def valid(email: str) -> str:
    """Return the address in the form to keep.

    Raises:
        InvalidInput: under ``email``; it is no address.
    """
    try:
        return _parse(email)
    except EmailNotValidError as error:
        raise InvalidInput(email=f"Enter a valid e-mail address. {error}") from error


def key(email: str) -> str:
    """Return what makes an address unique and findable: without case, and letters that only look different alike."""
    try:
        address = _parse(email)
    except EmailNotValidError:
        address = email.strip()
    return unicodedata.normalize("NFKC", address).casefold()


def _parse(email: str) -> str:
    return validate_email(email.strip(), check_deliverability=False).normalized
