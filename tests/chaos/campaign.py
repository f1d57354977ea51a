"""A catalog whose runs are killed again and again, at random, until it is done or enough have been killed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.chaos.audit import Audit
from tests.chaos.gate import Moment, Turnstile
from tests.chaos.scene import MOURNER, Scene

__all__ = ["Campaign", "Outcome", "Way"]

Way = Literal["by time", "by request"]
MOMENTS: tuple[Moment, ...] = ("before", "half", "after")
STALL_SECONDS = 200.0


@dataclass(frozen=True)
class Outcome:
    """What the kills came to: before a person asked for the unknown, and after."""

    kills: int
    lives: int
    states: dict[str, int]
    unasked: Audit
    final_states: dict[str, int]
    final: Audit

    @property
    def faults(self) -> list[str]:
        """Whatever did not add up."""
        return [*self.unasked.faults, *self.final.faults]


@dataclass(frozen=True)
class Campaign:
    """Kills `scene`'s runs; `longest` seconds, or requests, is the most that one gets to live for."""

    scene: Scene
    turnstile: Turnstile
    dice: random.Random
    way: Way
    longest: float

    def wage(self, kills: int) -> Outcome:
        """Kill so often, unless all is done before; then let runs end, at last one that repeats the unknown."""
        while self.scene.kills < kills and self._kill_one():
            pass
        states = self.scene.finish(**MOURNER).states()
        unasked = self.scene.audit()
        final_states = self.scene.finish(retry=["unknown"], **MOURNER).states()
        return Outcome(self.scene.kills, self.scene.lives, states, unasked, final_states, self.scene.audit())

    def _kill_one(self) -> bool:
        """Begin a run and kill it; False when it ended first, with nothing left to do."""
        before = self.scene.kills
        {"by time": self._by_time, "by request": self._by_request}[self.way]()
        return self.scene.kills > before

    def _by_time(self) -> None:
        life, living = self.scene.begin()
        living.ended(self.dice.uniform(0, self.longest))
        self.scene.kill(life, living)

    def _by_request(self) -> None:
        number = self.turnstile.passed + self.dice.randint(1, int(self.longest))
        moment = self.dice.choice(MOMENTS)
        with self.turnstile.stopping(lambda passage: passage.number >= number, moment) as stop:
            life, living = self.scene.begin()
            _wait(lambda: stop.reached.is_set() or living.ended(0.01))
            self.scene.kill(life, living)


def _wait(over: Callable[[], bool]) -> None:
    give_up = time.monotonic() + STALL_SECONDS
    while not over():
        if time.monotonic() > give_up:
            raise TimeoutError(f"a run did nothing for {STALL_SECONDS:g} s")
