"""Markdown as the reference pages use it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["anchor", "paragraphs", "table"]


def anchor(heading: str) -> str:
    """The fragment by which GitHub finds a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def paragraphs(*parts: str) -> str:
    """A page of parts with a blank line between; empty ones are left out."""
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; without rows, nothing."""
    lines = [_line(row) for row in rows]
    return "\n".join([_line(head), "|---" * len(head) + "|", *lines]) if lines else ""


def _line(cells: Sequence[str]) -> str:
    flat = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(flat)} |"
