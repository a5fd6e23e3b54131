"""A sign-in as it ought to be, for the tests that compare real ones with it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.people import Person

GRACE, ACCESS = timedelta(seconds=30), timedelta(minutes=15)
IDLE, ABSOLUTE = timedelta(days=30), timedelta(days=90)
LEEWAY = timedelta(seconds=5)


@dataclass
class Modelled:
    """A sign-in as it ought to be: its tokens by number, and what decides over them."""

    started: datetime
    tokens: list[Person]
    rotated: datetime
    ended: bool = False
    blocked: set[int] = field(default_factory=set)
    #: When each access token was issued.
    issued: list[datetime] = field(default_factory=list)

    def alive(self, now: datetime) -> bool:
        return not self.ended and now < self.rotated + IDLE and now < self.started + ABSOLUTE

    def accepts(self, number: int, now: datetime) -> bool:
        """Tell whether the access token of this number is good."""
        fresh = now < self.issued[number] + ACCESS + LEEWAY
        return fresh and number not in self.blocked and self.alive(now)
