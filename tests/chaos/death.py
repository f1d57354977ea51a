"""Kill -9 at a file operation: where a run's storage is a folder, no gate can hold it back."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass

__all__ = ["VARIABLE", "Death", "await_death"]

# A life's environment names its death in it.
VARIABLE = "CATWALK_CHAOS_DEATH"
OPERATIONS = frozenset({"open", "os.rename", "os.link", "os.remove", "os.mkdir"})


@dataclass(frozen=True)
class Death:
    """Ends the process right before its `number`th operation on files whose path has `part` in it."""

    part: str
    number: int
    operation: str = ""

    def environment(self) -> dict[str, str]:
        """The variable that a life finds it in."""
        return {VARIABLE: f"{self.operation}|{self.part}|{self.number}"}


def await_death() -> None:
    """Die as the environment says, if it does: Python tells its audit hooks of each operation before it carries it out."""
    plan = os.environ.get(VARIABLE)
    if plan is None:
        return
    operation, part, number = plan.split("|")
    wanted = frozenset({operation}) if operation else OPERATIONS
    left = int(number)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in wanted and any(part in one for one in arguments if isinstance(one, str)):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
