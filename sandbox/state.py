"""One sandbox: all that its desks share, none of it global."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from starlette.requests import Request

from sandbox.charges import Charges, fingerprint
from sandbox.clock import Clock, iso
from sandbox.deliveries import Deliveries
from sandbox.faults import FaultRule, Faults
from sandbox.inputs import Inputs
from sandbox.jobs import Jobs
from sandbox.limits import RateLimits
from sandbox.pictures import Pictures
from sandbox.settings import SandboxSettings
from sandbox.studio import Studio

__all__ = ["Sandbox", "fault_of", "sandbox_of"]

LEAKS_KEPT = 10_000
FAULT = "sandbox.fault"
SANDBOX = "sandbox"


class Sandbox:
    """The settings, and everything that happened since the start or the last reset."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self.studio = Studio(settings.draw_processes, settings.drawing, settings.patience_seconds)
        self._furnish()

    def _furnish(self) -> None:
        settings = self.settings
        kept = settings.result_hours * 3600
        self.clock = Clock()
        self.charges = Charges(settings.balances.model_dump())
        self.limits = RateLimits(settings.limits, self.clock)
        self.faults = Faults(settings.seed, settings.faults)
        self.pictures = Pictures(self.clock, kept, settings.store_bytes)
        self.inputs = Inputs(self.pictures, settings.fetch_seconds, settings.fetch_bytes)
        self.jobs = Jobs(self.clock, self.charges, settings.job_seconds, kept)
        self.deliveries = Deliveries(self.clock, self.faults, settings.webhook)
        self.requests: Counter[str] = Counter()
        self.refused_for_rate: Counter[str] = Counter()
        self.faults_met: Counter[str] = Counter()
        self.leaks: deque[dict[str, Any]] = deque(maxlen=LEAKS_KEPT)

    async def start(self) -> None:
        """Get ready to draw."""
        await self.studio.open()

    async def stop(self) -> None:
        """End all work and let everything go."""
        await self._end()
        self.studio.close()

    async def reset(self) -> None:
        """Forget everything that happened; the settings stay."""
        await self._end()
        self._furnish()

    async def _end(self) -> None:
        await self.jobs.stop()
        await self.inputs.close()
        await self.deliveries.close()

    def base_url(self, request: Request) -> str:
        """Where this sandbox answers, as the caller sees it."""
        return self.settings.public_url or f"http://{request.headers.get('host', '127.0.0.1')}"

    def leaked(self, path: str, header: str, value: str) -> None:
        """Record that a vendor key was sent to where results are downloaded."""
        key = fingerprint(value.removeprefix("Bearer ").strip())
        self.leaks.append({"path": path, "header": header, "key": key, "time": iso(self.clock.now())})

    def standing(self) -> dict[str, Any]:
        """What happened so far, in numbers."""
        self.jobs.settle()
        return {
            "time": iso(self.clock.now()),
            "requests": dict(self.requests),
            "refused_for_rate": dict(self.refused_for_rate),
            "faults_met": dict(self.faults_met),
            "jobs": self.jobs.counts(),
            "charges": self.charges.summary(),
            "pictures": self.pictures.size(),
            "leaks": len(self.leaks),
        }


def sandbox_of(request: Request) -> Sandbox:
    """The sandbox that a request came to."""
    return request.scope[SANDBOX]


def fault_of(request: Request) -> FaultRule | None:
    """The fault that happens to a request, where its desk has to bring it about."""
    return request.scope.get(FAULT)
