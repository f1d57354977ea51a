"""Jobs: accepted, worked on while the clock runs, and ended with pictures or a reason."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from sandbox.charges import Charge, Charges
from sandbox.clock import Clock
from sandbox.faults import FaultRule
from sandbox.orders import Facts, UnusablePicture

__all__ = ["Job", "JobRequest", "Jobs", "State", "Work"]

_log = logging.getLogger(__name__)

State = Literal["queued", "running", "done", "failed"]
JOBS_KEPT = 500_000
# The first stretch of a job is spent waiting, at most this long.
QUEUED_SECONDS = 1.0
QUEUED_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Work:
    """What a job made: facts of its inputs, and the paths and facts of its pictures."""

    inputs: tuple[Facts, ...]
    outputs: tuple[tuple[str, Facts, int], ...]


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What is known of a job when it is accepted; `echo` is the request's JSON."""

    operation: str
    key: str
    base_url: str
    echo: bytes = b"{}"


@dataclass(slots=True)
class Job:
    """One accepted job; `work` or `failure` arrives when the drawing is done, the clock decides when it shows."""

    id: str
    request: JobRequest
    accepted_at: float
    seconds: float
    charge: Charge
    faults: dict[str, FaultRule] = field(default_factory=dict[str, FaultRule])
    work: Work | None = None
    failure: UnusablePicture | None = None

    def state(self, now: float) -> State:
        """How the job stands at a time."""
        age = now - self.accepted_at
        if age < min(QUEUED_SECONDS, self.seconds * QUEUED_SHARE):
            return "queued"
        if age < self.seconds or "job_never_ends" in self.faults:
            return "running"
        if self.failure is not None or self.faults.keys() & {"job_error", "poll_error"}:
            return "failed"
        return "running" if self.work is None else "done"

    def progress(self, now: float) -> int:
        """How much of the job's time has passed, in per cent below 100."""
        return min(99, int(100 * (now - self.accepted_at) / self.seconds)) if self.seconds else 99


class Jobs:
    """The jobs of one sandbox, kept for as long as the vendors keep results."""

    def __init__(self, clock: Clock, charges: Charges, seconds: float, kept_seconds: float) -> None:
        self._clock = clock
        self._charges = charges
        self._seconds = seconds
        self._kept_seconds = kept_seconds
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._unsettled: dict[str, Job] = {}
        self._working: set[asyncio.Task[None]] = set()
        self.numbers = itertools.count(228_654)

    def start(
        self,
        request: JobRequest,
        job_id: str,
        charge: Charge,
        work: Callable[[], Awaitable[Work]],
        fault: FaultRule | None,
        announce: Callable[[Job], Awaitable[None]] | None = None,
    ) -> Job:
        """Keep a new job, begin its work, and let whoever announces its end know once it is worked out."""
        job = Job(job_id, request, self._clock.now(), self._seconds, charge)
        if fault is not None:
            job.faults[fault.fault] = fault
        self._jobs[job_id] = self._unsettled[job_id] = job
        self._forget()
        task = asyncio.create_task(self._run(job, work, announce))
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return job

    def find(self, operation: str, job_id: str) -> Job | None:
        """The job of that operation with that id, settled up to now; ids of other operations are not found."""
        job = self._jobs.get(job_id)
        if job is None or job.request.operation != operation or self._expired(job):
            return None
        if job_id in self._unsettled:
            self._settle(job)
        return job

    def settle(self) -> None:
        """Bill or refund every job that has ended by now."""
        for job in list(self._unsettled.values()):
            self._settle(job)

    def counts(self) -> dict[str, int]:
        """How many jobs stand where."""
        now = self._clock.now()
        counts = {"queued": 0, "running": 0, "done": 0, "failed": 0}
        for job in self._jobs.values():
            counts[job.state(now)] += 1
        return counts

    async def stop(self) -> None:
        """End all work."""
        working = list(self._working)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        self._jobs.clear()
        self._unsettled.clear()

    async def _run(
        self, job: Job, work: Callable[[], Awaitable[Work]], announce: Callable[[Job], Awaitable[None]] | None
    ) -> None:
        try:
            job.work = await work()
        except UnusablePicture as failure:
            job.failure = failure
        except Exception:  # noqa: BLE001 - a defect of the sandbox itself must not leave a job that never ends
            job.failure = UnusablePicture("Internal error while processing.", "PROCESSING_FAILURE", 500)
            _log.exception("%s job %s failed", job.request.operation, job.id)
        if announce is not None:
            await announce(job)

    def _settle(self, job: Job) -> None:
        state = job.state(self._clock.now())
        if state == "done":
            self._charges.bill(job.charge)
        elif state == "failed":
            self._charges.refund(job.charge)
        else:
            return
        del self._unsettled[job.id]

    def _expired(self, job: Job) -> bool:
        return job.accepted_at + job.seconds + self._kept_seconds <= self._clock.now()

    def _forget(self) -> None:
        while self._jobs:
            oldest = next(iter(self._jobs.values()))
            if len(self._jobs) <= JOBS_KEPT and not self._expired(oldest):
                return
            self._settle_if_open(oldest)
            del self._jobs[oldest.id]

    def _settle_if_open(self, job: Job) -> None:
        if job.id in self._unsettled:
            self._settle(job)
            self._unsettled.pop(job.id, None)
