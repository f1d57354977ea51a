from __future__ import annotations
from PIL import Image
from sandbox.draw_file import *
from sandbox.orders import *


def scene(order: SceneOrder) -> Drawn:
    datas = [getattr(order, a) for a in ("picture", "coarse", "person") if getattr(order, a, None)] + list(
        getattr(order, "clothing", ())
    )
    pics = [decode(d) for d in datas]
    size = capped(getattr(order, "size", None) or pics[0].size, order.frame.longest_side)
    return finish(order.frame, datas, [pics[0].convert("RGB").resize(size) for _ in range(order.frame.count)])
