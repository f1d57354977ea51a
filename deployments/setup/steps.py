"""What setting up did, or would do: one step a line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from prefect.client.orchestration import PrefectClient

__all__ = ["Outcome", "Site", "Step"]


class Outcome(StrEnum):
    """What became of one thing on the server."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing, what became of it, and why where that is not plain."""

    what: str
    outcome: Outcome
    why: str = ""

    def line(self) -> str:
        """The step as it is printed."""
        return f"{self.outcome:<10}{self.what}" + (f": {self.why}" if self.why else "")


@dataclass(slots=True)
class Site:
    """The server that is set up: with `dry_run` nothing is written, without `update` nothing is overwritten."""

    client: PrefectClient
    tell: Callable[[Step], None]
    dry_run: bool = False
    update: bool = False
    steps: list[Step] = field(default_factory=list[Step])

    async def settle(
        self,
        what: str,
        outcome: Outcome,
        write: Callable[[], Awaitable[object]] | None = None,
        why: str = "",
    ) -> None:
        """Write, where something is to be written, and tell."""
        if write is not None and outcome in {Outcome.CREATED, Outcome.UPDATED} and not self.dry_run:
            await write()
        step = Step(what, outcome, why)
        self.steps.append(step)
        self.tell(step)

    def differs(self) -> tuple[Outcome, str]:
        """What becomes of something that is there and is not as wanted, and may have been changed on purpose."""
        if self.update:
            return Outcome.UPDATED, ""
        return Outcome.KEPT, "it differs from what setup would make; --update overwrites it"
