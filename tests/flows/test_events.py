"""Events where nobody takes them: paid work goes on. What a server records of them, the tests of setup and canary see."""

from __future__ import annotations

import pytest

from blocks.errors import AuthFailed, CatalogError
from flows.events import budget_reached, canary_ended, lane_closed, run_ended, run_failed


def test_outside_of_a_flow_run_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a server looked for."""
    sent: list[str] = []

    def send(event: str, *_: object, **_named: object) -> None:
        sent.append(event)

    monkeypatch.setattr("flows.events.emit_event", send)
    run_ended("run-1", "out", "completed", {})
    run_failed("out", CatalogError("there is no catalog"), run_id="run-1")
    canary_ended("run-1", "out", {"passed": False})
    lane_closed("Claid", AuthFailed("no key", vendor="Claid"))
    budget_reached("run-1", limit=10, gone=9)

    assert [] == sent
