"""Events that Prefect's automations act on; docs/operations.md lists them with their resources."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from prefect.context import FlowRunContext
from prefect.events import emit_event

from blocks.errors import VendorError
from flows.ending import is_silent

__all__ = ["budget_reached", "canary_ended", "lane_closed", "run_ended", "run_failed"]

# Messages are for people; the manifest has them whole.
MOST_WORDS = 1000


def run_ended(run_id: str, output: str, outcome: str, facts: dict[str, Any]) -> None:
    """`catwalk.run.completed`, `.partial` or `.failed`: a run came to its end, with a report."""
    _emit(f"catwalk.run.{outcome}", _run(run_id), {"output": output, **facts}, output=output)


def run_failed(output: str, error: Exception, *, run_id: str) -> None:
    """`catwalk.run.failed`: an error kept a run from doing its job."""
    facts = {"output": output, "headline": _cut(str(error)), "error": type(error).__name__}
    _emit("catwalk.run.failed", _run(run_id), facts, output=output)


def canary_ended(run_id: str, output: str, verdict: dict[str, Any]) -> None:
    """`catwalk.canary.passed` or `.failed`: the items that were tried first have come through, or not."""
    event = f"catwalk.canary.{'passed' if verdict['passed'] else 'failed'}"
    _emit(event, _run(run_id), {"output": output, **verdict}, output=output)


def lane_closed(vendor: str, error: VendorError) -> None:
    """`catwalk.lane.closed`: a vendor refused an account, and whatever waits for it is held."""
    facts = {"vendor": vendor, "error": error.kind(), "headline": _cut(error.what), "next_step": error.next_step}
    _emit("catwalk.lane.closed", {"prefect.resource.id": f"catwalk.lane.{vendor.lower()}"}, facts)


def budget_reached(run_id: str, *, limit: float, gone: float) -> None:
    """`catwalk.budget.reached`: a run may not spend what its next unit costs."""
    _emit("catwalk.budget.reached", _run(run_id), {"max_credits": limit, "spent_or_set_aside": gone})


def _run(run_id: str) -> dict[str, str]:
    return {"prefect.resource.id": f"catwalk.run.{run_id}", "prefect.resource.name": run_id}


def _emit(event: str, resource: dict[str, str], payload: dict[str, Any], *, output: str | None = None) -> None:
    """Hand an event to Prefect's own sender, which names flow run, deployment and tags beside it; never raises."""
    if FlowRunContext.get() is None or is_silent():
        return
    related = [_output(output)] if output else []
    try:
        emit_event(event, resource, related=related, payload=payload)
    except Exception:
        logging.getLogger(__name__).debug("The event %s could not be sent", event, exc_info=True)


def _output(output: str) -> dict[str, str]:
    mark = hashlib.sha256(output.encode()).hexdigest()[:12]
    return {
        "prefect.resource.id": f"catwalk.output.{mark}",
        "prefect.resource.role": "output",
        "prefect.resource.name": output,
    }


def _cut(text: str) -> str:
    return text if len(text) <= MOST_WORDS else text[: MOST_WORDS - 1] + "…"
