"""How Vmake says no: a JSON envelope whose `code` usually repeats the HTTP status (open.vmake.ai, Standard response)."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from sandbox.charges import fingerprint
from sandbox.replies import Refusal
from sandbox.state import Sandbox, fault_of, sandbox_of

__all__ = ["Visit", "admit", "no_credits", "refusal", "server_error", "too_many_requests"]


@dataclass(frozen=True, slots=True)
class Visit:
    """One admitted call at Vmake's desk."""

    request: Request
    sandbox: Sandbox
    key: str


def admit(request: Request, *, paid: bool = False) -> Visit:
    """Check key, rate and credits, in this order; raises the `Refusal`."""
    sandbox = sandbox_of(request)
    rules = sandbox.settings.keys
    key = request.headers.get("x-api-key", "").strip()
    unknown = bool(rules.accepted) and key not in rules.accepted
    if not key or key.startswith(rules.wrong_prefix) or unknown:
        raise refusal(401, "Invalid API key")
    if key.startswith(rules.noscope_prefix):
        raise refusal(403, "No permission to call this API")
    visit = Visit(request, sandbox, fingerprint(key))
    if not sandbox.limits.take("vmake", visit.key).allowed:
        raise too_many_requests()
    fault = fault_of(request)
    broke = key.startswith(rules.broke_prefix) or (fault is not None and fault.fault == "out_of_credits")
    if paid and (broke or sandbox.charges.balance("vmake", visit.key) < sandbox.settings.prices.vmake_task):
        raise no_credits()
    return visit


def refusal(status: int, message: str) -> Refusal:
    """The envelope of a failure, without `data`."""
    return Refusal(status, {"code": status, "message": message})


def no_credits() -> Refusal:
    """402 (assumed)."""
    return refusal(402, "Insufficient credits")


def too_many_requests() -> Refusal:
    """429 (assumed)."""
    return refusal(429, "Too many requests")


def server_error() -> Refusal:
    """500."""
    return refusal(500, "Internal server error")
