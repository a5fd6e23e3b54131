"""E-mail addresses: what is one, and when two are the same."""

import re
import unicodedata

from email_validator import EmailNotValidError, validate_email

from app.services.errors import InvalidInput

_LONGEST_LOCAL_PART = 64  # octets, RFC 5321 §4.5.3.1.1
# Default_Ignorable_Code_Point of Unicode: they are not seen, so that two addresses would look the same.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def valid(email: str) -> str:
    """Return the address in the form to keep.

    Raises:
        InvalidInput: under ``email``; it is no address.
    """
    try:
        address = _parse(email)
    except EmailNotValidError as error:
        reason = str(error).replace("email address", "e-mail address")
        raise InvalidInput(email=f"Enter a valid e-mail address. {reason}") from error
    if _INVISIBLE.search(email) or _INVISIBLE.search(address):
        raise InvalidInput(email="Enter a valid e-mail address. It has a character in it that cannot be seen.")
    if len(address.rpartition("@")[0].encode()) > _LONGEST_LOCAL_PART:
        raise InvalidInput(email="Enter a valid e-mail address. There is too much before the @.")
    return address


def key(email: str) -> str:
    """Return what makes an address unique and findable: without case, and letters that only look different alike."""
    try:
        address = _parse(email)
    except EmailNotValidError:
        address = email.strip()
    return unicodedata.normalize("NFKC", address).casefold()


def _parse(email: str) -> str:
    return validate_email(email.strip(), check_deliverability=False).normalized
