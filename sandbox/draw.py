"""The drawing: from an order to finished picture files."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from sandbox.orders import (
    ConvertOrder,
    Drawn,
    EditOrder,
    FashionOrder,
    Order,
    PictureOrder,
    RefineOrder,
    RestyleOrder,
    SceneOrder,
)

__all__ = ["draw", "draw_quickly", "prepare"]

# Catalogs come back to the same garments and people, and equal orders make equal pictures.
ORDERS_REMEMBERED = 32


@lru_cache(maxsize=ORDERS_REMEMBERED)
def draw(order: Order) -> Drawn:
    """Draw an order; raises `UnusablePicture` when an input is broken."""
    # Imported by the process that draws: the one that answers requests never loads them.
    from sandbox import draw_edit, draw_fashion, draw_file, draw_refine, draw_restyle, draw_scene  # noqa: PLC0415

    match order:
        case FashionOrder():
            return draw_fashion.fashion(order)
        case EditOrder():
            return draw_edit.edit(order)
        case SceneOrder():
            return draw_scene.scene(order)
        case RestyleOrder():
            return draw_restyle.restyle(order)
        case RefineOrder():
            return draw_refine.refine(order)
        case ConvertOrder():
            return draw_file.convert(order)


def draw_quickly(order: PictureOrder) -> Drawn:
    """The order's inputs in small on a flat ground; raises `UnusablePicture` when an input is broken."""
    from sandbox import draw_quick  # noqa: PLC0415 - as above

    return draw_quick.quick(order)


def prepare() -> None:
    """Load what quick drawing needs, so that the first order is as quick as the rest."""
    import_module("sandbox.draw_quick")
