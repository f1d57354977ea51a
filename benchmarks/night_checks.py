"""What a run left, checked against itself: Prefect's records, manifest, report, and the vendors' bills."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import httpx

__all__ = ["Records", "records_of", "wrong_in_records", "wrong_in_report"]

STAGES = {"model": "claid.fashion_models", "refine": "ailabtools.try_on_refiner", "scene": "claid.scene"}
# As docs/architecture.md promises.
MOST_TASK_RUNS = 1000
CHUNK_ITEMS = 50
SHARD_ITEMS = 20_000

PAGE = 200
RECORDED_SECONDS = 180.0
# How the page shows a count of none.
NONE = "\N{EN DASH}"
TERMINAL = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}


@dataclass(frozen=True, slots=True)
class Records:
    """What Prefect's server has: name and state of each flow run and task run, so many seconds after the run's end."""

    flow_runs: list[tuple[str, str]]
    task_runs: list[tuple[str, str]]
    waited: float

    def settled(self, items: int) -> bool:
        """Whether as many as there have to be are at their ends."""
        runs = [*self.flow_runs, *self.task_runs]
        return len(runs) == _flow_runs(items) + expected_task_runs(items).total() and _states(runs).keys() <= TERMINAL


def expected_task_runs(items: int) -> Counter[str]:
    """The names of the task runs of a run in which nothing fails."""
    names: Counter[str] = Counter()
    for begin in range(0, items, SHARD_ITEMS):
        of_shard = min(SHARD_ITEMS, items - begin)
        if of_shard * len(STAGES) <= MOST_TASK_RUNS:
            names.update(f"{stage} {_sku(begin + number)}" for number in range(of_shard) for stage in STAGES)
        else:
            firsts = range(0, of_shard, CHUNK_ITEMS)
            names.update(f"items {first + 1} to {min(first + CHUNK_ITEMS, of_shard)}" for first in firsts)
    return names


def records_of(prefect: str, items: int) -> Records:
    """All there is on a server that knows this run alone, once it has settled, or after three minutes as it then is."""
    started = time.monotonic()
    with httpx.Client(base_url=prefect, timeout=60) as client:
        while True:
            waited = time.monotonic() - started
            found = Records(_all_of(client, "flow_runs"), _all_of(client, "task_runs"), waited)
            if found.settled(items) or waited > RECORDED_SECONDS:
                return found
            time.sleep(1)


def wrong_in_records(records: Records, items: int) -> Iterator[str]:
    """What is missing, too much, or not completed."""
    if len(records.flow_runs) != _flow_runs(items):
        yield f"{len(records.flow_runs)} flow runs instead of {_flow_runs(items)}"
    expected = expected_task_runs(items)
    recorded = Counter(name for name, _ in records.task_runs)
    for words, names in (("missing", expected - recorded), ("too many", recorded - expected)):
        if names:
            yield f"{names.total():,} task runs {words}, among them {next(iter(names))!r}"
    for kind, runs in (("flow", records.flow_runs), ("task", records.task_runs)):
        if (states := _states(runs)).keys() != {"COMPLETED"}:
            yield f"{kind} runs are {dict(states)}"


def wrong_in_report(output: Path, items: int, report: dict[str, Any], charges: list[dict[str, Any]]) -> Iterator[str]:
    """Where manifest, report, report page and bills differ from each other, or from all being done."""
    with duckdb.connect() as sql:
        sql.read_parquet(str(output / "manifest.parquet")).create_view("manifest")
        units = {(sku, stage): status for sku, stage, status in sql.sql(_UNITS).fetchall()}
        rows = sql.sql("SELECT count(*) FROM manifest").fetchall()[0][0]
        pictures = [Path(picture) for (picture,) in sql.sql("SELECT picture FROM manifest").fetchall()]
        by_stage = {stage: facts for stage, *facts in sql.sql(_STAGES).fetchall()}
        by_vendor = dict(sql.sql(_VENDORS).fetchall())
        jobs = {job for (job,) in sql.sql("SELECT DISTINCT job_id FROM manifest WHERE job_id IS NOT NULL").fetchall()}
    bills = Counter[str]()
    for charge in charges:
        bills[charge["vendor"]] += charge["credits"] if charge["billed"] else 0
    expected = {(_sku(number), stage): "done" for number in range(items) for stage in STAGES}
    page = _text((output / "runs" / report["run_id"] / "report.html").read_text())
    every = {stage: {"done": items} for stage in STAGES}
    claims: dict[str, tuple[Any, Any]] = {
        "units in the manifest": (expected, units),
        "rows in the manifest": (len(expected), rows),
        "pictures in storage": (len(expected), sum(picture.is_file() for picture in pictures)),
        "units in the report": (every, report["units"]),
        "items, delivered, troubled": ((items, items, 0), (report["items"], report["delivered"], report["troubled"])),
        "calls billed": (Counter(expected_calls(items)), Counter(charge["operation"] for charge in charges)),
        "jobs billed": (jobs, {charge["job_id"] for charge in charges} - {None}),
        "credits billed": (by_vendor, {_vendor(name): sum_ for name, sum_ in bills.items()}),
        "credits in the report": (by_vendor, report["credits"]),
        "credits by stage": (
            {stage: spent for stage, (_, spent) in by_stage.items()},
            {stage: sums["charged"] for stage, sums in report["spending_by_stage"].items()},
        ),
        "words of the page that it lacks": (
            [],
            [words for words in _page_words(items, by_stage, by_vendor) if words not in page],
        ),
    }
    for name, (wanted, found) in claims.items():
        if wanted != found:
            yield f"{name}: {_short(found)} instead of {_short(wanted)}"


def expected_calls(items: int) -> dict[str, int]:
    """The paid calls of a run in which each unit is paid once."""
    return dict.fromkeys(STAGES.values(), items)


def _page_words(items: int, by_stage: dict[str, Any], by_vendor: dict[str, float]) -> Iterator[str]:
    yield f"Items delivered {items:,} of {items:,}"
    yield "Rows without their pictures 0"
    for stage, operation in STAGES.items():
        yield f"{stage} {operation} {items:,} {items:,}" + 4 * f" {NONE}"
        yield f"{stage} {by_stage[stage][1]:,.0f} {NONE}"
    for vendor, spent in by_vendor.items():
        yield f"{vendor} {spent:,.0f} {NONE}"


def _all_of(client: httpx.Client, kind: str) -> list[tuple[str, str]]:
    """Name and state of each, page by page."""
    found: dict[str, tuple[str, str]] = {}
    while True:
        asked = {"limit": PAGE, "offset": len(found), "sort": "ID_DESC"}
        page = client.post(f"/{kind}/filter", json=asked).raise_for_status().json()
        found |= {run["id"]: (run["name"], run["state_type"] or "none") for run in page}
        if len(page) < PAGE:
            return list(found.values())


def _flow_runs(items: int) -> int:
    """The run's own, and where there are several shards one for each."""
    shards = -(-items // SHARD_ITEMS)
    return 1 if shards == 1 else 1 + shards


def _states(runs: list[tuple[str, str]]) -> Counter[str]:
    return Counter(state for _, state in runs)


def _sku(number: int) -> str:
    return f"SKU-{number:05}"


def _vendor(name: str) -> str:
    return {"claid": "Claid", "ailabtools": "AILabTools"}[name]


def _text(page: str) -> str:
    """What a reader of the page sees; what a mouse over a chart shows is left out."""
    return " ".join(re.sub(r"<title>[^<]*</title>|<[^>]+>", " ", page).split())


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 120 else f"{text[:100]}… ({len(value):,})"


_UNITS = "SELECT sku, stage, status FROM manifest"
_STAGES = "SELECT stage, count(*), sum(credits) FROM manifest GROUP BY stage"
_VENDORS = "SELECT vendor, sum(credits) FROM manifest GROUP BY vendor"
