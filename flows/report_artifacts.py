"""What Prefect is told of a run's end: the report as artifacts, and events."""

from __future__ import annotations

from typing import Any

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from flows.artifacts import shown_in_time
from flows.events import canary_ended, run_ended
from flows.report import RunReport, Spending, as_state

__all__ = ["publish_report"]

# What an event tells of a report.
TOLD = {"recipe", "business_date", "manifest", "gallery", "items", "delivered", "unchanged", "quarantined", "credits"}


async def publish_report(report: RunReport) -> None:
    """
    Put the report where the Prefect UI shows it: a summary, a table of stages, a table of troubles.

    The run's events say so too.
    """
    _emit_events(report)
    await shown_in_time(_create_artifacts(report), "The report's artifacts")


def _emit_events(report: RunReport) -> None:
    state = as_state(report)
    outcome = "failed" if state.is_failed() else "partial" if state.name == "Partial" else "completed"
    run_ended(report.run_id, report.output, outcome, report.model_dump(mode="json", include=TOLD) | _words(report))
    if report.canary is not None:
        canary_ended(report.run_id, report.output, report.canary.model_dump(mode="json") | _words(report))


def _words(report: RunReport) -> dict[str, str]:
    return {"headline": report.headline()}


async def _create_artifacts(report: RunReport) -> None:
    await acreate_markdown_artifact(_markdown(report), key="catwalk-report", description=report.headline())
    await acreate_table_artifact(
        _stages(report), key="catwalk-stages", description="Units by stage and status, and their credits."
    )
    if report.troubles:
        await acreate_table_artifact(_failures(report), key="catwalk-failures", description=_failures_words(report))


def _failures(report: RunReport) -> list[dict[str, Any]]:
    """A row for each item without all its pictures, what one looks for first."""
    return [
        {
            "sku": trouble.item if trouble.sku else f"(row {trouble.row})",
            "stage": trouble.stage,
            "status": trouble.status,
            "kind": trouble.kind,
            "cause": (trouble.message or "").removeprefix(f"SKU {trouble.sku!r} stage {trouble.stage!r}: "),
            "next step": trouble.next_step,
            "job": trouble.job_id,
            "request": trouble.request_id,
        }
        for trouble in report.troubles
    ]


def _failures_words(report: RunReport) -> str:
    all_of_them = f"All are in `{report.failures}`. " if report.failures else ""
    return (
        f"{report.troubled:,} items without all their pictures, {len(report.troubles)} of them here. {all_of_them}"
        f"`catwalk explain {report.output} SKU` tells one item's whole chain."
    )


def _stages(report: RunReport) -> list[dict[str, Any]]:
    none = Spending()
    return [
        {"stage": stage, **counts, "credits": spent.charged, "credits at risk": spent.at_risk}
        for stage, counts in report.units.items()
        for spent in [report.spending_by_stage.get(stage, none)]
    ]


def _markdown(report: RunReport) -> str:
    lines = [
        f"**{report.headline()}**",
        (
            f"Recipe **{report.recipe}**, run `{report.run_id}`{_for_its_day(report)}, {report.started_at:%Y-%m-%d %H:%M:%S} to "
            f"{report.finished_at:%H:%M:%S} UTC."
        ),
        " · ".join(f"[{name}]({link})" for name, link in report.links.items()),
        "\n".join(
            f"- {name}: `{address}`"
            for name, address in (
                ("Output", report.output),
                ("Manifest", report.manifest),
                ("Report", report.page),
                ("Gallery", report.gallery),
                ("All failures", report.failures),
            )
            if address
        ),
    ]
    return "\n\n".join(line for line in lines if line)


def _for_its_day(report: RunReport) -> str:
    return f" for {report.business_date}" if report.business_date else ""
