"""A stored plan's quote on Prefect's pages."""

from __future__ import annotations

from typing import Any

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from flows.artifacts import shown_in_time
from flows.quote_words import headline, lines_of
from flows.stored_plan import StoredPlan

__all__ = ["publish_quote"]


async def publish_quote(plan: StoredPlan) -> None:
    """Show the quote and the command that applies it, and a table of the stages."""
    await shown_in_time(_create_artifacts(plan), "The quote's artifacts")


async def _create_artifacts(plan: StoredPlan) -> None:
    await acreate_markdown_artifact(_markdown(plan), key="catwalk-quote", description=headline(plan.quote))
    if plan.quote.stages:
        await acreate_table_artifact(_table(plan), key="catwalk-plan", description="Planned units by stage.")


def _markdown(plan: StoredPlan) -> str:
    first, *lines = lines_of(plan.quote)
    told = "\n".join(line.removeprefix("  ") for line in lines)
    return "\n\n".join(
        [
            f"# {first}",
            f"Recipe **{plan.made_from.recipe.name}**, plan `{plan.plan_id}`, made {plan.made_at:%Y-%m-%d %H:%M:%S} UTC.",
            f"To apply it: `{plan.command()}`",
            f"```\n{told}\n```",
        ]
    )


def _table(plan: StoredPlan) -> list[dict[str, Any]]:
    return [
        {"stage": stage.stage, "vendor": stage.vendor, "to pay": stage.units, "credits": stage.credits}
        | stage.reasons
        | stage.left_out
        for stage in plan.quote.stages
    ]
