"""A run's report as one HTML page that needs nothing else: it opens from a disk, a bucket, a mail or a printer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from catalogs.charts import range_bar, shares_bar, steps_chart
from catalogs.figures import Durations, FailureKind, Figures, StageCounts, Throughput
from catalogs.next_steps import next_step
from catalogs.page_templates import amount, digest, our_file, templates

__all__ = ["RunFacts", "ShownPicture", "Spent", "render_run_page"]

# In the order in which a bar shows them.
STATUSES = ("done", "failed", "unknown", "held", "blocked", "quarantined")
LABELS = {
    "done": "Done",
    "failed": "Failed",
    "unknown": "Outcome unknown",
    "held": "Held",
    "blocked": "Blocked",
    "quarantined": "Quarantined",
}
MINUTE, HOUR = 60, 3600
TENTHS_BELOW = 10
# A limit so far above all values would press them flat; the caption names it.
FARTHEST_LIMIT = 3

# How an error reads as text, see blocks/errors.py: the row, what happened, the vendor's words, what to do.
_ROW = re.compile(r"^(?:SKU '[^']*' )?(?:stage '[^']*')?: ")
_COMMAND = re.compile(r"`([^`]*)`")
_WORDS = re.compile(r"""\s*The vendor says: (?P<quote>['"])(?P<words>.*)(?P=quote)\.?\s*""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Spent:
    """What one vendor charged and may have charged; money where the account has a price for a credit."""

    vendor: str
    charged: float
    at_risk: float
    money: str | None


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A small picture to show, as a `data:` address."""

    sku: str
    picture: str


@dataclass(frozen=True, slots=True)
class RunFacts:
    """
    What the page says beside the figures.

    `links` are names with addresses relative to the page; `limits` are paid calls a minute by vendor, where there is a
    limit; `notes` say why a run ended early, if it did.
    """

    run_id: str
    recipe: str
    headline: str
    started_at: datetime
    finished_at: datetime
    items: int
    delivered: int
    unchanged: int
    quarantined: int
    output: str
    spent: Sequence[Spent]
    max_credits: float | None
    notes: Sequence[str]
    limits: Mapping[str, float]
    links: Mapping[str, str]
    failures_link: str | None
    looks: Sequence[ShownPicture] = ()


@dataclass(frozen=True, slots=True)
class _Cause:
    """What went wrong with one row, in its parts."""

    row: Mapping[str, Any]
    what: str
    words: str | None
    hint: str


def render_run_page(facts: RunFacts, figures: Figures) -> str:
    """The page."""
    return _templates().get_template("page.html.j2").render(facts=facts, figures=figures)


@cache
def _templates() -> Environment:
    environment = templates("run_page")
    style = our_file("run_page/page.css")
    filters: dict[str, Any] = environment.filters
    filters |= {"amount": amount, "duration": _duration, "utc": _utc, "causes": _causes, "label": _label}
    known: dict[str, Any] = environment.globals
    known |= {
        "statuses": STATUSES,
        "stage_bar": _stage_bar,
        "duration_bar": _duration_bar,
        "rate_chart": _rate_chart,
        "money_bar": _money_bar,
        "next_step": _next_step,
        "style": style,
        # The policy lets nothing else style the page.
        "style_hash": digest(style),
    }
    return environment


def _stage_bar(stage: StageCounts) -> Markup:
    shares = [(status, float(stage.by_status.get(status, 0))) for status in STATUSES]
    said = ", ".join(f"{count:.0f} {status}" for status, count in shares if count)
    return shares_bar(shares, label=f"{stage.stage}: {said} of {stage.units}")


def _duration_bar(each: Durations, figures: Figures) -> Markup:
    most = max(one.longest for one in figures.durations)
    label = f"{each.operation}: half within {_duration(each.median)}, 95 of 100 within {_duration(each.p95)}"
    return range_bar(each.median, each.p95, each.longest, most, label=label)


def _rate_chart(each: Throughput, limit: float | None) -> Markup:
    until = each.since + timedelta(seconds=each.bin_seconds * len(each.calls))
    peak = max(each.per_minute)
    label = f"{each.vendor}: paid calls a minute over time, {peak:g} at most" + (f", limit {limit:g}" if limit else "")
    near = limit if limit is not None and limit <= FARTHEST_LIMIT * peak else None
    return steps_chart(
        each.per_minute, limit=near, ends=(f"{each.since:%H:%M:%S} UTC", f"{until:%H:%M:%S} UTC"), label=label
    )


def _money_bar(charged: float, at_risk: float, most: float) -> Markup:
    """What was charged, what is at risk, and what is left of the budget."""
    left = max(0.0, most - charged - at_risk)
    label = f"{amount(charged)} credits charged, {amount(at_risk)} at risk, {amount(left)} left"
    return shares_bar([("done", charged), ("unknown", at_risk), ("left", left)], label=label)


def _next_step(kind: FailureKind, output: str) -> Markup:
    said = str(escape(next_step(kind.first[0], output))) if kind.first else ""
    return Markup(_COMMAND.sub(r"<code>\1</code>", said))  # noqa: S704 - escaped before


def _causes(kind: FailureKind) -> list[_Cause]:
    return [_cause(row) for row in kind.first]


def _cause(row: Mapping[str, Any]) -> _Cause:
    text = _ROW.sub("", row["error_message"] or row["reason"] or "")
    text = text[:1].upper() + text[1:]
    found = _WORDS.search(text)
    if found is None:
        return _Cause(row, text, None, "")
    return _Cause(row, text[: found.start()], found["words"], text[found.end() :])


def _label(status: str) -> str:
    return LABELS.get(status, status)


def _duration(seconds: float) -> str:
    if seconds < MINUTE:
        return f"{seconds:.1f} s" if seconds < TENTHS_BELOW else f"{seconds:.0f} s"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min {int(seconds % MINUTE)} s"
    return f"{int(seconds // HOUR)} h {int(seconds % HOUR // MINUTE)} min"


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%-d %B %Y, %H:%M:%S UTC")
