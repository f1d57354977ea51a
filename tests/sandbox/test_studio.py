"""When small quick pictures are drawn: after the replies, but not too late."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from sandbox import studio
from sandbox.orders import Frame, Placement, SceneOrder
from sandbox.studio import Studio
from tests.sandbox.caller import garment_png

ORDER = SceneOrder(
    Frame(longest_side=64), garment_png(), None, "a room", (1024, 1024), None, top_view=False, placement=Placement()
)
TURNS = 20


@pytest.mark.parametrize(
    ("patience", "quiet", "drawn"),
    [(0.0, 60.0, True), (60.0, 60.0, False), (60.0, 0.0, True)],
    ids=["busy and late", "busy", "quiet"],
)
async def test_drawing_waits_for_a_quiet_moment(
    monkeypatch: pytest.MonkeyPatch, patience: float, quiet: float, drawn: bool
) -> None:
    """A drawing waits until no request came for a while, or for as long as it has the time."""
    monkeypatch.setattr(studio, "QUIET_SECONDS", quiet)
    room = Studio(0, "quick", patience)
    room.disturb()
    drawing = asyncio.create_task(room.draw(ORDER))
    for _ in range(TURNS):
        await asyncio.sleep(0)
    was_drawn = drawing.done()
    drawing.cancel()

    assert drawn == was_drawn


async def test_one_at_a_time() -> None:
    """Between two drawings the event loop gets its turn."""
    room = Studio(0, "quick")
    done: list[str] = []
    drawings = [asyncio.create_task(room.draw(ORDER)) for _ in range(3)]
    for drawing in drawings:
        drawing.add_done_callback(lambda _: done.append("drawing"))
    while not all(drawing.done() for drawing in drawings):
        done.append("turn")
        await asyncio.sleep(0)

    assert ("drawing", "drawing") not in pairwise(done)
