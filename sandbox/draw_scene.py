"""Scenes: a product cut out of its picture and stood in the place that words describe."""

from __future__ import annotations

from PIL import Image

from sandbox.draw_backdrop import ground_shadow
from sandbox.draw_cutout import cut_out
from sandbox.draw_file import capped, decode, finish, seed_of
from sandbox.draw_place import Place, place
from sandbox.orders import Drawn, Placement, SceneOrder

__all__ = ["scene", "stand_in"]

VARIANTS = 5
# A picture without a background to remove keeps it, as documented, and is shown as a print.
NO_BACKGROUND = 0.9
# Room that a full-scale object leaves at the top and the bottom.
FULL_HEIGHT = 0.84


def scene(order: SceneOrder) -> Drawn:
    """Draw the order's pictures."""
    size = capped(order.size, order.frame.longest_side)
    subject = _subject(order.picture)
    first = seed_of(order.frame.seed, order.picture, order.prompt) % VARIANTS
    pictures = [_picture(order, subject, size, (first + n) % VARIANTS) for n in range(order.frame.count)]
    return finish(order.frame, order.inputs, pictures)


def _picture(order: SceneOrder, subject: Image.Image, size: tuple[int, int], variant: int) -> Image.Image:
    ground = _ground(order, size, variant)
    if ground is None:
        sheet = Image.new("RGBA", size, (0, 0, 0, 0))
        stand_in(sheet, subject, order.placement, 0.93, shadow=0.0)
        return sheet
    picture = ground.picture.copy()
    turned = subject.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if order.frame.count > 1 and variant % 2 else subject
    stand_in(picture, turned, order.placement, ground.floor, shadow=0.55)
    return picture


def _ground(order: SceneOrder, size: tuple[int, int], variant: int) -> Place | None:
    if order.template is not None:
        return Place(decode(order.template).convert("RGB").resize(size, Image.Resampling.BICUBIC), 0.88)
    if order.color == "transparent":
        return None
    words = f"{order.prompt} {order.color}" if order.color else order.prompt
    return place(size, words, variant)


def _subject(data: bytes) -> Image.Image:
    picture = decode(data)
    cutout = cut_out(picture)
    if cutout.share < NO_BACKGROUND:
        return cutout.picture
    return _print_of(picture.convert("RGB"))


def _print_of(picture: Image.Image) -> Image.Image:
    edge = max(2, min(picture.size) // 28)
    sheet = Image.new("RGBA", (picture.width + 2 * edge, picture.height + 2 * edge), (250, 249, 246, 255))
    sheet.paste(picture, (edge, edge))
    return sheet


def stand_in(picture: Image.Image, subject: Image.Image, at: Placement, floor: float, *, shadow: float) -> None:
    """Place a subject: centred and as tall as the scene allows unless its placement says otherwise."""
    w, h = picture.size
    room = min(w * 0.92 / subject.width, h * FULL_HEIGHT / subject.height) * at.scale
    size = max(1, round(subject.width * room)), max(1, round(subject.height * room))
    body = subject.resize(size, Image.Resampling.BICUBIC)
    if at.rotation % 360:
        body = body.rotate(-at.rotation, Image.Resampling.BICUBIC, expand=True)
    x, y = at.x * w, (1 - at.y) * h
    if at.y == 0.5:  # noqa: PLR2004 - the default stands on the floor, everything else floats where it was put
        y = floor * h - body.height / 2
    sole = y + body.height / 2
    if shadow:
        _contact(picture, (x, sole), body, shadow)
    picture.paste(body, (round(x - body.width / 2), round(y - body.height / 2)), body)


def _contact(picture: Image.Image, at: tuple[float, float], body: Image.Image, strength: float) -> None:
    foot = body.getchannel("A").crop((0, int(body.height * 0.9), body.width, body.height)).getbbox()
    half = (foot[2] - foot[0]) / 2 if foot else body.width / 2
    middle = at[0] - body.width / 2 + ((foot[0] + foot[2]) / 2 if foot else body.width / 2)
    ground_shadow(picture, (middle, at[1] - body.height * 0.004), (half * 1.6, max(3.0, half * 0.34)), strength * 0.6)
    ground_shadow(picture, (middle, at[1] - body.height * 0.004), (half * 1.1, max(2.0, half * 0.16)), strength)
