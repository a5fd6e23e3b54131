"""What a program may ask to hold before one of its writes is carried out."""

from dataclasses import dataclass

from app.services.errors import PreconditionFailed
from app.services.task_rows import TaskRow


@dataclass(frozen=True)
class Condition:
    """What must hold for a write to be carried out (RFC 9110 §13.1); by default nothing."""

    #: ``If-Match``: the task has one of these revisions.
    revs: frozenset[int] | None = None
    #: ``If-Match: *``: the task exists.
    exists: bool = False
    #: ``If-None-Match: *``: it does not.
    absent: bool = False

    def check(self, row: TaskRow | None) -> None:
        """Let the write go on.

        Raises:
            PreconditionFailed: it must not; carries the task as it is now.
        """
        known = row is not None
        stale = self.revs is not None and (row is None or row["rev"] not in self.revs)
        if stale or (self.exists and not known) or (self.absent and known):
            raise PreconditionFailed(row)


ANY = Condition()
