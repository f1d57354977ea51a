"""When to ask for a job: once it is likely done, and never more often than the vendor advises."""

from __future__ import annotations

from collections import deque

__all__ = ["Rhythm"]

REMEMBERED = 50


class Rhythm:
    """Learns how long an operation's jobs take; `interval` is the vendor's advice in seconds."""

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self._durations: deque[float] = deque(maxlen=REMEMBERED)

    def learn(self, seconds: float) -> None:
        """Remember how long a job took, as far as polling could tell."""
        self._durations.append(seconds)

    def first_look(self, age: float) -> float:
        """Seconds until a job that is `age` seconds old is likely done; below zero when it is overdue."""
        usual = sorted(self._durations)[len(self._durations) // 2] if self._durations else self.interval
        return max(usual, self.interval) - age
