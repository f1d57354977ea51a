"""The vendors' rate limits: sliding windows per key, and the headers that tell of them."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from sandbox.clock import Clock

__all__ = ["RateLimits", "Standing"]

# docs.claid.ai/rate-limits for the account and the fashion-models and AI-edit pages for generations;
# Vmake and AILabTools publish none, so theirs are assumed.
REQUESTS = {
    "claid": ((120, 60.0), (4, 1.0)),
    "vmake": ((10, 1.0),),
    "ailabtools": ((5, 1.0),),
}
GENERATIONS = {"claid": ((60, 60.0), (1, 1.0))}
ENDLESS = 1_000_000


@dataclass(slots=True)
class _Window:
    count: int
    seconds: float
    taken: deque[float] = field(default_factory=deque[float])

    def left(self, now: float) -> int:
        while self.taken and self.taken[0] <= now - self.seconds:
            self.taken.popleft()
        return self.count - len(self.taken)

    def reset(self, now: float) -> float:
        return self.taken[0] + self.seconds - now if self.taken else self.seconds


@dataclass(frozen=True)
class Standing:
    """How a caller stands after a request: the binding window, what is left of it and when it frees up."""

    allowed: bool
    limit: int
    remaining: int
    reset: float
    policies: str

    @cached_property
    def headers(self) -> dict[str, str]:
        """The `RateLimit-*` headers; remaining is -1 once exceeded."""
        return {
            "ratelimit-limit": f"{self.limit}, {self.policies}",
            "ratelimit-remaining": str(self.remaining if self.allowed else -1),
            "ratelimit-reset": str(max(1, math.ceil(self.reset))),
        }


class RateLimits:
    """Counts every allowed request of every key; a refused one does not count."""

    def __init__(self, limits: Literal["documented", "off"] | float, clock: Clock) -> None:
        self._factor = {"documented": 1.0, "off": None}[limits] if isinstance(limits, str) else limits
        self._clock = clock
        self._windows: dict[tuple[str, str, bool], list[_Window]] = {}
        self._open = Standing(allowed=True, limit=ENDLESS, remaining=ENDLESS, reset=60, policies=f"{ENDLESS};w=60")

    def take(self, vendor: str, key: str, *, generation: bool = False) -> Standing:
        """Count one request, and one generation, if every window still has room."""
        if self._factor is None:
            return self._open
        now = self._clock.now()
        account = self._for(vendor, key, generation=False)
        windows = account + (self._for(vendor, key, generation=True) if generation else [])
        allowed = all(window.left(now) > 0 for window in windows)
        for window in windows if allowed else ():
            window.taken.append(now)
        binding = min(windows, key=lambda window: (window.left(now), -window.reset(now)))
        return Standing(
            allowed=allowed,
            limit=binding.count,
            remaining=binding.left(now),
            reset=binding.reset(now),
            policies=", ".join(f"{window.count};w={window.seconds:.0f}" for window in account),
        )

    def _for(self, vendor: str, key: str, *, generation: bool) -> list[_Window]:
        windows = self._windows.get((vendor, key, generation))
        if windows is None:
            documented = (GENERATIONS if generation else REQUESTS).get(vendor, ())
            factor = self._factor or 1.0
            windows = [_Window(max(1, round(count * factor)), seconds) for count, seconds in documented]
            self._windows[vendor, key, generation] = windows
        return windows
