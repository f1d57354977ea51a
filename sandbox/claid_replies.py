"""
How Claid says no, and who may enter (docs.claid.ai/errors, /rate-limits, /authentication).

Only the codes 111, 2001 and 9000 are published; every other code here is a placeholder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request

from sandbox.charges import fingerprint
from sandbox.ids import new_id
from sandbox.limits import Standing
from sandbox.replies import Refusal
from sandbox.state import Sandbox, fault_of, sandbox_of

__all__ = [
    "Visit",
    "bad_request",
    "enter",
    "invalid_fields",
    "not_an_integer",
    "not_found",
    "server_error",
    "too_many_requests",
]


@dataclass(slots=True)
class Visit:
    """One call at Claid's desk; `headers` go onto the reply, whatever it is."""

    request: Request
    sandbox: Sandbox
    request_id: str
    key: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])


def enter(request: Request) -> Visit:
    """Begin a visit; nothing has been checked yet."""
    request_id = new_id()
    return Visit(request, sandbox_of(request), request_id, headers={"x-request-id": request_id})


def admit(visit: Visit, *, paid: bool = False, generation: bool = False) -> None:
    """Check key, scope, rate and credits, in this order; raises the `Refusal`."""
    rules = visit.sandbox.settings.keys
    scheme, _, key = visit.request.headers.get("authorization", "").partition(" ")
    unknown = bool(rules.accepted) and key not in rules.accepted
    if scheme.lower() != "bearer" or not key.strip() or key.startswith(rules.wrong_prefix) or unknown:
        raise _refusal(401, "111", "auth", "Authorization is required.")
    visit.key = fingerprint(key)
    if key.startswith(rules.noscope_prefix):
        raise _refusal(403, "113", "auth", "Not enough permissions.")
    standing = visit.sandbox.limits.take("claid", visit.key, generation=generation)
    visit.headers.update(standing.headers)
    _check_rate(standing)
    if paid and (key.startswith(rules.broke_prefix) or _out_of_credits(visit)):
        raise no_credits()


def check_balance(visit: Visit, credits_: float) -> None:
    """Refuse what the key can no longer pay."""
    if visit.sandbox.charges.balance("claid", visit.key) < credits_:
        raise no_credits()


def no_credits() -> Refusal:
    """402: the account has used up its calls."""
    return _refusal(402, "4001", "billing", "No API calls left.")


def bad_request(kind: str, message: str) -> Refusal:
    """400: the body can't be parsed, or an object can't be retrieved."""
    return _refusal(400, "4000", kind, message)


def not_found() -> Refusal:
    """404: no such job at this endpoint."""
    return _refusal(404, "4004", "image", "Web image not found.")


def too_many_requests() -> Refusal:
    """429, the one error whose body is nested under `detail` (docs.claid.ai/rate-limits)."""
    detail = _body("2001", "general", "Too Many Requests. Rate limit exceeded.")
    return Refusal(429, {"detail": detail})


def server_error() -> Refusal:
    """500: rare and temporary."""
    return _refusal(500, "5000", "general", "Internal server error.")


def invalid_fields(error: ValidationError, status: int) -> Refusal:
    """422 (or 400): the message lists every field and what is wrong with it, once as a map and once as text."""
    details: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        path = ".".join(_fields(problem["loc"])) or "__root__"
        message = problem["msg"]
        if message not in (messages := details.setdefault(path, [])):
            messages.append(message)
    flat = " ".join(f"{path}: {message}." for path, messages in details.items() for message in messages)
    return Refusal(status, _body("9000", "validation", flat, details))


def not_an_integer(parameter: str) -> Refusal:
    """422 of a GET, in FastAPI's own shape."""
    problem = {
        "loc": ["path", parameter],
        "msg": "Input should be a valid integer, unable to parse string as an integer",
        "type": "int_parsing",
    }
    return Refusal(422, {"detail": [problem]})


def _check_rate(standing: Standing) -> None:
    if not standing.allowed:
        raise too_many_requests()


def _out_of_credits(visit: Visit) -> bool:
    fault = fault_of(visit.request)
    return fault is not None and fault.fault == "out_of_credits"


def _fields(location: tuple[str | int, ...]) -> list[str]:
    # Pydantic names a union's branch in the path; the vendor's paths name fields only.
    tagged = location[0] in ("object", "scene") if location else False
    fields = location[:1] + location[2:] if tagged else location
    return [str(part) for part in fields if not _is_branch(part)]


def _is_branch(part: str | int) -> bool:
    return isinstance(part, str) and (part[:1].isupper() or "[" in part or part in ("str", "constrained-str"))


def _refusal(status: int, code: str, kind: str, message: str) -> Refusal:
    return Refusal(status, _body(code, kind, message))


def _body(code: str, kind: str, message: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"error_code": code, "error_type": kind, "error_message": message, "error_details": details or {}}
