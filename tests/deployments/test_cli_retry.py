"""`catwalk retry`: what it would cost, what it has charged, and where it can't begin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.server import RunningSandbox
from tests.deployments.conftest import Catwalk

DELIVERED, NOT_DONE, PARTIAL = 0, 1, 3
PRICES = {"CLAID_CREDIT_PRICE": "0.05", "AILABTOOLS_CREDIT_PRICE": "0.02", "AILABTOOLS_CURRENCY": "EUR"}


@pytest.mark.server
def test_a_retry_says_what_it_costs_before_and_after(
    catwalk: Catwalk,
    offline_catwalk: Catwalk,
    sandbox: RunningSandbox,
    write_catalog: Callable[..., Path],
    charges: Callable[[], list[Any]],
    tmp_path: Path,
) -> None:
    """A dry run prices the failed stage and the one that waited for it; the retry itself charges that, and says so."""
    write_catalog(tmp_path)
    faults = f"{sandbox.url}/sandbox/faults"
    rule = {"fault": "job_error", "operation": "ailabtools.*", "times": 1}
    httpx.post(faults, json=rule, timeout=30, trust_env=False).raise_for_status()
    run = catwalk("run", "catalog.parquet", "--output", "pictures", "--limit", "2", folder=tmp_path, **PRICES)
    httpx.delete(faults, timeout=30, trust_env=False).raise_for_status()
    before = len(charges())

    priced = ("retry", "pictures", "failed", "--dry-run")
    dry = offline_catwalk(*priced, folder=tmp_path, **PRICES, CLAID_API_KEY=None)
    cut = offline_catwalk(*priced, "--max-credits", "9", folder=tmp_path, **PRICES, CLAID_API_KEY=None)
    unspent = len(charges())
    done = catwalk("retry", "pictures", "failed", folder=tmp_path, **PRICES)
    again = offline_catwalk("retry", "pictures", "failed", "--dry-run", folder=tmp_path)

    assert (PARTIAL, DELIVERED, DELIVERED, NOT_DONE) == (run.code, dry.code, done.code, again.code), done.err
    assert "1 items to do: nothing to pay" == cut.out.splitlines()[0]
    assert "  budget of 9 credits: leaves 0 items out and pays for a part of 1, by priority" in cut.out.splitlines()
    assert [
        "  AILabTools: 30 credits by the price list, 0.60 EUR, for 1 units",
        "  Claid: 1 credits by the price list, 0.05 USD, for 1 units",
    ] == [line.partition(";")[0] for line in dry.out.splitlines()[1:3]]
    assert dry.out.startswith("1 items to do: 2 units for 31 credits, ")
    assert "  refine: 1 units, 30 credits (1 failed before)" in dry.out.splitlines()
    assert before == unspent
    assert done.out.startswith("1 of 1 items delivered; credits: ")
    assert "30 AILabTools (0.60 EUR)" in done.out
    assert "1 Claid (0.05 USD)" in done.out
    assert before + 2 == len(charges())
    assert "has no unit that is failed" in again.err


def test_a_retry_without_a_manifest_says_what_to_check(offline_catwalk: Catwalk, tmp_path: Path) -> None:
    """A wrong address is said to be one, before a server is asked for."""
    said = offline_catwalk("retry", "elsewhere", "failed", "--dry-run", folder=tmp_path)

    assert NOT_DONE == said.code
    assert "there is no manifest at" in said.err
    assert "Check the address: it is the --output of a run." in said.err
