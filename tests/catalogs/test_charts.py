"""Charts as SVG: right in their numbers, and harmless whatever a label says."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from catalogs.charts import range_bar, shares_bar, steps_chart


def parsed(svg: str) -> ET.Element:
    """The SVG as a browser would read it."""
    return ET.fromstring(svg)


def test_shares_fill_the_bar_in_proportion() -> None:
    """A share of one in a thousand can be seen, one of none is not there."""
    bar = parsed(shares_bar([("done", 999), ("failed", 1), ("held", 0)], label="model"))
    widths = {rect.attrib["class"]: float(rect.attrib["width"]) for rect in bar}

    assert {"s-done", "s-failed"} == widths.keys()
    assert widths["s-done"] > 590
    assert 2 == widths["s-failed"]


def test_a_label_is_read_out_and_opens_nothing() -> None:
    """Stage names come from a recipe that anyone may have written."""
    svg = shares_bar([("done", 1)], label='"><script>alert(1)</script>')

    assert "<script>" not in svg
    assert '"><script>alert(1)</script>' == parsed(svg).attrib["aria-label"]


def test_a_range_reaches_from_median_to_longest() -> None:
    """On a scale that all operations share."""
    bar = parsed(range_bar(5, 10, 20, 20, label="edit"))
    reach, span, mark = bar

    assert ("600.0", "300.0") == (reach.attrib["x2"], span.attrib["width"])
    assert 150 == float(mark.attrib["x"]) + 1.5


@pytest.mark.parametrize(
    ("most", "top"), [(0.2, "1"), (1, "1"), (7, "8"), (45, "50"), (60, "60"), (101, "200"), (999, "1,000")]
)
def test_a_scale_ends_at_a_round_number(most: float, top: str) -> None:
    """Half of it is round as well."""
    chart = parsed(steps_chart([0, most], limit=None, ends=("a", "b"), label="rate"))
    ticks = [text.text for text in chart if text.attrib.get("class") == "tick"]

    assert top == ticks[2]


def test_a_limit_is_drawn_where_it_lies() -> None:
    """Within the scale, though no value comes near it."""
    chart = parsed(steps_chart([10, 20], limit=60, ends=("a", "b"), label="rate"))
    names = [each.text for each in chart if each.attrib.get("class") == "limit-name"]

    assert ["limit 60"] == names
