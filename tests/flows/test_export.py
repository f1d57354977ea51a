"""Counts for Prometheus: at a port or in a file, and only where someone asks for them."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY as THEIRS

from blocks.metrics import REGISTRY
from flows.export import count_unit, exported
from tests.catalogs.made import a_row
from tests.s3_servers import free_port


def value(name: str, **labels: str) -> float:
    """What has been counted so far."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_units_end_counts_by_stage_and_status() -> None:
    """With its credits and its seconds."""
    counts = ("catwalk_units_total", {"stage": "model", "status": "done"})
    spent = ("catwalk_credits_total", {"vendor": "Claid", "kind": "charged"})
    before = [value(name, **labels) for name, labels in (counts, spent)]
    count_unit(a_row(), "run-1")

    assert [before[0] + 1, before[1] + 2.0] == [value(name, **labels) for name, labels in (counts, spent)]
    assert value("catwalk_unit_seconds_count", operation="claid.fashion_models") >= 1


def test_what_an_earlier_run_was_charged_is_not_counted_again() -> None:
    """The unit is, the credits are not."""
    spent = {"vendor": "Claid", "kind": "charged"}
    before = value("catwalk_credits_total", **spent)
    count_unit(a_row(), "run-2")

    assert before == value("catwalk_credits_total", **spent)


async def test_nothing_is_shown_unasked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No port, no file, and nothing in the registry that others show."""
    monkeypatch.delenv("CATWALK_METRICS", raising=False)
    monkeypatch.chdir(tmp_path)
    async with exported():
        pass

    assert [] == list(tmp_path.iterdir())
    assert not [metric.name for metric in THEIRS.collect() if metric.name.startswith("catwalk")]


async def test_a_file_is_there_to_the_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whole, for a collector that reads it after a short run."""
    path = tmp_path / "catwalk.prom"
    monkeypatch.setenv("CATWALK_METRICS", str(path))
    async with exported():
        count_unit(a_row(stage="last"), "run-1")

    assert 'catwalk_units_total{stage="last",status="done"} 1.0' in path.read_text("utf-8")


async def test_a_port_answers_while_a_run_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """On this machine alone, and again for the process's next flow run."""
    port = free_port()
    monkeypatch.setenv("CATWALK_METRICS", str(port))
    async with exported():
        pass
    async with exported(), httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://127.0.0.1:{port}/metrics")

    assert "catwalk_units_total" in answer.text
