"""Small charts as SVG that stands in a page: no script, no style but the page's own classes, no request."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10

from markupsafe import Markup, escape

__all__ = ["range_bar", "shares_bar", "steps_chart"]

BAR_WIDTH, BAR_HEIGHT = 600, 14
CHART_WIDTH, CHART_HEIGHT = 480, 170
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 12, 22
SHORTEST_SHARE = 2.0


def shares_bar(shares: Sequence[tuple[str, float]], *, label: str) -> Markup:
    """One bar of all, each share in the colour of its class; a share that is there is never too thin to be seen."""
    total = sum(count for _, count in shares)
    parts: list[str] = []
    at = 0.0
    for name, count in shares:
        if not count:
            continue
        width = max(SHORTEST_SHARE, BAR_WIDTH * count / total)
        title = f"<title>{escape(name)}: {count:,.10g}</title>"
        parts.append(
            f'<rect class="s-{escape(name)}" x="{at:.1f}" width="{width:.1f}" height="{BAR_HEIGHT}">{title}</rect>'
        )
        at += width
    return _svg(max(at, 1.0), BAR_HEIGHT, "".join(parts), label, "bar")


def range_bar(median: float, p95: float, longest: float, most: float, *, label: str) -> Markup:
    """From nothing to the longest of all: a thin line to the longest, a bar to the 95th percentile, a mark at the median."""
    scale = BAR_WIDTH / most if most else 0.0
    middle = BAR_HEIGHT / 2
    body = (
        f'<line class="reach" x1="0" x2="{longest * scale:.1f}" y1="{middle}" y2="{middle}"/>'
        f'<rect class="span" width="{max(p95 * scale, SHORTEST_SHARE):.1f}" y="3" height="{BAR_HEIGHT - 6}"/>'
        f'<rect class="mark" x="{max(median * scale - 1.5, 0):.1f}" width="3" height="{BAR_HEIGHT}"/>'
    )
    return _svg(BAR_WIDTH, BAR_HEIGHT, body, label, "bar")


def steps_chart(values: Sequence[float], *, limit: float | None, ends: tuple[str, str], label: str) -> Markup:
    """A value for each of equal stretches as filled steps over a scale of round numbers, and a limit as a dashed line."""
    top = _round_up(max([*values, limit or 0.0, 1.0]))
    width, height = CHART_WIDTH - LEFT - RIGHT, CHART_HEIGHT - TOP - BOTTOM
    step = width / len(values)

    def y(value: float) -> float:
        return TOP + height * (1 - value / top)

    path = f"M{LEFT} {y(0):.1f}" + "".join(f"V{y(value):.1f}h{step:.2f}" for value in values) + f"V{y(0):.1f}Z"
    lines = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{LEFT + width}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:,.10g}</text>'
        for tick in (0.0, top / 2, top)
    )
    dashed = ""
    if limit is not None:
        dashed = (
            f'<line class="limit" x1="{LEFT}" x2="{LEFT + width}" y1="{y(limit):.1f}" y2="{y(limit):.1f}"/>'
            f'<text class="limit-name" x="{LEFT + width}" y="{y(limit) - 4:.1f}" text-anchor="end">limit {limit:,.10g}</text>'
        )
    times = (
        f'<text class="tick" x="{LEFT}" y="{CHART_HEIGHT - 6}">{escape(ends[0])}</text>'
        f'<text class="tick" x="{LEFT + width}" y="{CHART_HEIGHT - 6}" text-anchor="end">{escape(ends[1])}</text>'
    )
    return _svg(CHART_WIDTH, CHART_HEIGHT, f'{lines}<path class="steps" d="{path}"/>{dashed}{times}', label, "chart")


def _svg(width: float, height: float, body: str, label: str, kind: str) -> Markup:
    # A bar fills its cell whatever its shape; a chart keeps its shape, so that its letters do.
    stretch = ' preserveAspectRatio="none"' if kind == "bar" else ""
    return Markup(  # noqa: S704 - numbers, and texts that were escaped
        f'<svg class="{kind}" viewBox="0 0 {width:.1f} {height}" role="img" aria-label="{escape(label)}"{stretch}>{body}</svg>'
    )


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 5, 6, 8 or 10 times a power of ten: half of it is a round number too."""
    power = 10.0 ** floor(log10(value))
    return (
        next(each for each in (1, 2, 4, 5, 6, 8, 10) if each * power >= ceil(value / power * 1e6) / 1e6 * power) * power
    )
