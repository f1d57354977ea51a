"""Claid's webhook: a signed POST for each job that has ended, or what a fault makes of it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import orjson

from sandbox.clock import Clock
from sandbox.faults import FaultRule, Faults
from sandbox.jobs import Job
from sandbox.settings import Webhook

__all__ = ["Deliveries"]

LINES_KEPT = 100_000
TRY_SECONDS = 15.0
PIECES = 10
# Sums of times since the epoch are off by less, and a job must not be announced as running.
ROUNDING_SECONDS = 0.001
EVENTS = {"done": "success", "failed": "failed"}
DELIVERY_FAULTS = frozenset(
    f"{how}_delivery" for how in ("forged", "wrong", "missing", "late", "slow", "duplicate", "reordered")
)
WRONG_BODY = b'{"event": "ping"}'


class Deliveries:
    """Announces jobs at the address that is set; `lines` has what became of each delivery."""

    def __init__(self, clock: Clock, faults: Faults, webhook: Webhook | None) -> None:
        self.webhook = webhook
        self.lines: deque[dict[str, Any]] = deque(maxlen=LINES_KEPT)
        self._clock = clock
        self._faults = faults
        self._another = asyncio.Event()
        self._client: aiohttp.ClientSession | None = None

    async def announce(self, job: Job, standing: Callable[[], dict[str, Any]]) -> None:
        """Deliver how the job stands once its time is over; one that never ends is not announced."""
        await self._clock.wait_until(job.accepted_at + job.seconds + ROUNDING_SECONDS)
        event, webhook = EVENTS.get(job.state(self._clock.now())), self.webhook
        if webhook is None or event not in webhook.events:
            return
        fault = self._fault(job)
        kind = fault.fault if fault else ""
        if kind == "missing_delivery":
            self._note(job, kind, None, 0)
            return
        if fault and kind == "late_delivery":
            await self._clock.wait_until(self._clock.now() + fault.seconds)
        if kind == "reordered_delivery":
            await self._another.wait()
        data = standing()
        body = WRONG_BODY if kind == "wrong_delivery" else orjson.dumps({"data": data} if webhook.wrapped else data)
        for _ in range(2 if kind == "duplicate_delivery" else 1):
            await self._deliver(job, webhook, body, fault)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _fault(self, job: Job) -> FaultRule | None:
        asked = next((fault for kind, fault in job.faults.items() if kind in DELIVERY_FAULTS), None)
        return asked or self._faults.pick(job.request.operation, "deliver")

    async def _deliver(self, job: Job, webhook: Webhook, body: bytes, fault: FaultRule | None) -> None:
        status = None
        tries = 0
        for wait in (0.0, *webhook.retry_seconds):
            await self._clock.wait_until(self._clock.now() + wait)
            tries += 1
            status = await self._try(webhook, body, fault)
            if status is not None and status < 300:  # noqa: PLR2004 - any success
                break
        self._note(job, fault.fault if fault else "", status, tries)
        self._another.set()
        self._another = asyncio.Event()

    async def _try(self, webhook: Webhook, body: bytes, fault: FaultRule | None) -> int | None:
        slowly = fault.seconds if fault and fault.fault == "slow_delivery" else 0
        secret = "forged" if fault and fault.fault == "forged_delivery" else webhook.secret
        headers = {"content-type": "application/json", "user-agent": "vendor-sandbox"}
        if secret is not None:
            headers["X-Claid-Hmac-SHA256"] = _signature(secret, body, webhook.encoding)
        try:
            async with asyncio.timeout(TRY_SECONDS + slowly):
                reply = await self._session().post(
                    webhook.url,
                    data=_trickled(body, slowly) if slowly else body,
                    headers=headers,
                    allow_redirects=False,
                )
                async with reply:
                    return reply.status
        except (aiohttp.ClientError, OSError):
            return None

    def _session(self) -> aiohttp.ClientSession:
        if self._client is None:
            self._client = aiohttp.ClientSession()
        return self._client

    def _note(self, job: Job, fault: str, status: int | None, tries: int) -> None:
        self.lines.append({"job_id": job.id, "fault": fault or None, "status": status, "tries": tries})


def _signature(secret: str, body: bytes, encoding: str) -> str:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    if encoding == "base64":
        return base64.b64encode(digest).decode()
    return ("sha256=" if encoding == "prefixed" else "") + digest.hex()


async def _trickled(body: bytes, seconds: float) -> AsyncIterator[bytes]:
    step = -(-len(body) // PIECES)
    for start in range(0, len(body), step):
        await asyncio.sleep(seconds / PIECES)
        yield body[start : start + step]
