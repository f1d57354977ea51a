"""What a plan, and the run of it, is called."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flows.plan_catalog import new_plan_id

# As Prefect's scheduler makes them, in one breath.
ORDERED_TOGETHER = ("019cd0e2-7c00-7abc-8def-0123456789ab", "019cd0e2-7c01-7bcd-9efa-ba9876543210")


def test_runs_that_are_ordered_and_begin_together_have_names_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two nights of one output, with a recipe each, may be due at the same second."""
    at = datetime(2026, 11, 3, 1, 30, tzinfo=UTC)
    names: list[str] = []
    for flow_run in ORDERED_TOGETHER:
        monkeypatch.setenv("PREFECT__FLOW_RUN_ID", flow_run)
        names.append(new_plan_id(at))

    assert ["20261103T013000Z-456789ab", "20261103T013000Z-76543210"] == names
