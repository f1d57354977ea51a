"""How AILabTools says no: an envelope on every reply, its errors told by `error_detail.code` (ailabtools.com/docs)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from sandbox.charges import fingerprint
from sandbox.ids import new_id
from sandbox.replies import Refusal
from sandbox.state import Sandbox, fault_of, sandbox_of

__all__ = ["Visit", "admit", "envelope", "invalid", "refusal", "server_error", "task_not_found", "too_many_requests"]


@dataclass(frozen=True, slots=True)
class Visit:
    """One admitted call at AILabTools' desk."""

    request: Request
    sandbox: Sandbox
    key: str
    request_id: str


def admit(request: Request, *, paid: bool = False) -> Visit:
    """Check key, rate and credits, in this order; raises the `Refusal`."""
    sandbox = sandbox_of(request)
    rules = sandbox.settings.keys
    key = request.headers.get("ailabapi-api-key", "").strip()
    unknown = bool(rules.accepted) and key not in rules.accepted
    if not key or key.startswith(rules.wrong_prefix) or unknown:
        raise refusal(401, "ERROR_USER_NOT_EXISTS", "The API KEY does not exist.")
    if key.startswith(rules.noscope_prefix):
        raise refusal(403, "ERROR_USER_LOCKED", "The user is locked.")
    visit = Visit(request, sandbox, fingerprint(key), new_id())
    if not sandbox.limits.take("ailabtools", visit.key).allowed:
        raise too_many_requests()
    fault = fault_of(request)
    broke = key.startswith(rules.broke_prefix) or (fault is not None and fault.fault == "out_of_credits")
    price = sandbox.settings.prices.ailabtools_refiner_task
    if paid and (broke or sandbox.charges.balance("ailabtools", visit.key) < price):
        raise refusal(429, "ERROR_NOT_ENOUGH_CREDITS", "Insufficient credits.")
    return visit


def envelope(request_id: str) -> dict[str, Any]:
    """The public fields of a success."""
    return {
        "request_id": request_id,
        "log_id": request_id,
        "error_code": 0,
        "error_msg": "",
        "error_detail": {"status_code": 200, "code": "", "code_message": "", "message": ""},
    }


def refusal(status: int, code: str, message: str) -> Refusal:
    """The public fields of a failure; `error_code` repeats the HTTP status."""
    request_id = new_id()
    detail = {
        "status_code": status,
        "code": code,
        "code_message": code.replace("_", " ").capitalize(),
        "message": message,
    }
    body = {
        "request_id": request_id,
        "log_id": request_id,
        "error_code": status,
        "error_code_str": code,
        "error_msg": message,
        "error_detail": detail,
    }
    return Refusal(status, body)


def invalid(code: str, message: str) -> Refusal:
    """400: a parameter is missing or wrong."""
    return refusal(400, code, message)


def task_not_found() -> Refusal:
    """404 for an unknown or expired task; undocumented, so the code is a placeholder."""
    return refusal(404, "ERROR_TASK_NOT_EXISTS", "The task does not exist or has expired.")


def too_many_requests() -> Refusal:
    """429 for rate; the same status means no credits with another code."""
    return refusal(429, "EXCEEDING_LIMITS", "The request rate exceeds the limit.")


def server_error() -> Refusal:
    """500."""
    return refusal(500, "PROCESSING_FAILURE", "Processing failed.")
