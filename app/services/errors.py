"""What services refuse, in words a person can act on; the HTTP status of each is decided in `app/web/errors.py`."""

from typing import Any


class ServiceError(Exception):
    """A rule was broken; `str()` is safe to show to whoever asked."""

    message = "The request was refused."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.message)
        #: What a program is told beside the message; members of the problem document (RFC 9457 §3.2).
        self.members: dict[str, Any] = {}


class InvalidInput(ServiceError):
    """Values break a rule; ``errors`` maps each field to what would be accepted."""

    def __init__(self, /, **errors: str) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors

    def below(self, place: str) -> "InvalidInput":
        """Return the same refusal of something that lies at ``place`` in a larger body."""
        return InvalidInput(**{f"{place}/{name}" if name else place: text for name, text in self.errors.items()})


class EmailTaken(ServiceError):
    """Another account has the address."""

    message = "An account with this e-mail address already exists. Sign in instead, or use another address."


class RegistrationClosed(ServiceError):
    """The operator creates the accounts here."""

    message = "Registration is closed on this server. Ask its operator for an account."


class InvalidCredentials(ServiceError):
    """Sign-in failed; deliberately silent about which half was wrong."""

    message = "The e-mail address or the password is wrong."


class WrongPassword(ServiceError):
    """The caller is signed in but could not repeat the password."""

    message = "The current password is wrong."


class TooManyRequests(ServiceError):
    """Refused for now; ``retry_after`` says for how many seconds."""

    what = "Too many requests"

    def __init__(self, retry_after: int) -> None:
        self.retry_after = max(1, retry_after)
        minutes = -(-self.retry_after // 60)
        seconds = f"{self.retry_after} second{'s' if self.retry_after > 1 else ''}"
        super().__init__(
            f"{self.what}. Wait {seconds if self.retry_after <= 90 else f'{minutes} minutes'} and try again."
        )


class TooManyAttempts(TooManyRequests):
    """Passwords were guessed too often; deliberately silent about whose, and whether this one was right."""

    what = "Too many failed attempts"


class InvalidToken(ServiceError):
    """The access token is malformed, forged, expired or revoked (RFC 6750 §3.1 invalid_token)."""

    message = "The access token is expired, revoked, or not valid here. Sign in again or use the refresh token."


class InvalidGrant(ServiceError):
    """The refresh token cannot be used (RFC 6749 §5.2 invalid_grant)."""

    message = "The refresh token is expired, revoked, used before, or not valid here. Sign in again."


class InvalidScope(InvalidInput):
    """More is asked for than may be given, or what is no scope at all (RFC 6749 §5.2 invalid_scope)."""


class InvalidClient(ServiceError):
    """The OAuth client is unknown, revoked or failed to authenticate (RFC 6749 §5.2 invalid_client)."""

    message = "This client is not known here, or did not authenticate as it must."


class ClientNotFound(ServiceError):
    """No OAuth client matches."""

    message = "There is no such client."


class TaskNotFound(ServiceError):
    """The person has no such task."""

    message = "There is no such task."


class TaskNotInTrash(ServiceError):
    """Only what is in the trash can be deleted for good."""

    message = "Move the task to the trash first; from there it can be deleted for good."


class PreconditionFailed(ServiceError):
    """The task is not as the client believes it to be (RFC 9110 §15.5.13); ``current`` is how it is, or None."""

    message = "The task was changed in the meantime. Look at it as it is now, then decide."

    def __init__(self, current: dict[str, Any] | None) -> None:
        super().__init__()
        self.current = current


class IdempotencyKeyReused(ServiceError):
    """A key under which another request was carried out."""

    message = "This Idempotency-Key was used for another request; choose a new key for each request."


class SyncTokenExpired(ServiceError):
    """Too much was forgotten since the client last synchronised."""

    message = "What was deleted since then is no longer known. Start again without since, and replace your copy."


class FeedNotFound(ServiceError):
    """No calendar feed has this address: never made, replaced, revoked, or its owner is disabled."""

    message = "There is no calendar at this address, or not any more."


class SignInNotFound(ServiceError):
    """The person has no such live sign-in."""

    message = "There is no such session."


class UserNotFound(ServiceError):
    """No account matches."""

    message = "There is no such account."


class KeyNotFound(ServiceError):
    """No signing key that is in use has this kid."""

    message = "There is no such signing key, or it was retired before."


class KeyFromSecret(ServiceError):
    """The key is made from SECRET_KEY and cannot be refused alone."""

    message = (
        "This key is made from SECRET_KEY. To sign with another one, rotate. "
        "If SECRET_KEY is known to somebody, change it: that signs everybody out."
    )


class BackupRefused(ServiceError):
    """A backup cannot be made, trusted or restored; the text says why, and what to do where that is not plain."""
