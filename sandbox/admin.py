"""The sandbox's own routes, which no vendor has: what happened, and what shall happen."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from sandbox.clock import iso
from sandbox.faults import FaultRule
from sandbox.replies import json_reply
from sandbox.settings import Webhook
from sandbox.state import sandbox_of

__all__ = ["router"]

router = APIRouter(prefix="/sandbox", tags=["Sandbox"])


class Advance(BaseModel):
    """How far to move the clock."""

    model_config = ConfigDict(extra="forbid")

    seconds: float = Field(ge=0, le=31_536_000, description="Seconds that pass at once.")


@router.get("/charges")
async def charges(request: Request) -> Response:
    """Every accepted job, oldest first, with what it cost and whether it was billed."""
    sandbox = sandbox_of(request)
    sandbox.jobs.settle()
    return json_reply(200, sandbox.charges.lines())


@router.get("/state")
async def state(request: Request) -> Response:
    """What happened so far, in numbers."""
    return json_reply(200, sandbox_of(request).standing())


@router.get("/leaks")
async def leaks(request: Request) -> Response:
    """Every download that carried a vendor key."""
    return json_reply(200, list(sandbox_of(request).leaks))


@router.get("/clock")
async def clock(request: Request) -> Response:
    """The sandbox's time."""
    return json_reply(200, {"time": iso(sandbox_of(request).clock.now())})


@router.post("/clock")
async def advance(request: Request, by: Advance) -> dict[str, str]:
    """Let time pass at once."""
    sandbox = sandbox_of(request)
    sandbox.clock.advance(by.seconds)
    return {"time": iso(sandbox.clock.now())}


@router.get("/faults")
async def faults(request: Request) -> Response:
    """The rules in force."""
    return json_reply(200, sandbox_of(request).faults.lines())


@router.post("/faults", status_code=201)
async def add_fault(request: Request, rule: FaultRule) -> dict[str, Any]:
    """Put a rule in force."""
    return {"id": sandbox_of(request).faults.add(rule), **rule.model_dump(exclude_none=True)}


@router.delete("/faults")
async def lift_faults(request: Request) -> dict[str, int]:
    """Lift all rules."""
    return {"lifted": sandbox_of(request).faults.remove()}


@router.delete("/faults/{rule_id}")
async def lift_fault(request: Request, rule_id: int) -> dict[str, int]:
    """Lift one rule."""
    lifted = sandbox_of(request).faults.remove(rule_id)
    if not lifted:
        raise HTTPException(404, f"No fault rule {rule_id}.")
    return {"lifted": lifted}


@router.put("/webhook")
async def set_webhook(request: Request, webhook: Webhook) -> dict[str, str]:
    """Fill in Claid's Webhook Settings, which people do in a browser."""
    sandbox_of(request).deliveries.webhook = webhook
    return {"url": webhook.url}


@router.delete("/webhook")
async def unset_webhook(request: Request) -> dict[str, bool]:
    """Empty Claid's Webhook Settings."""
    sandbox_of(request).deliveries.webhook = None
    return {"deleted": True}


@router.get("/deliveries")
async def deliveries(request: Request) -> Response:
    """What became of each webhook delivery, in the order in which they ended."""
    return json_reply(200, list(sandbox_of(request).deliveries.lines))


@router.post("/reset")
async def reset(request: Request) -> dict[str, bool]:
    """Forget everything that happened; the settings stay."""
    await sandbox_of(request).reset()
    return {"reset": True}
