"""Another model in the same outfit: a photographed outfit gets a new person, a flat one is put on."""

from __future__ import annotations

from dataclasses import replace

from PIL import Image, ImageChops

from sandbox.draw_backdrop import ground_shadow, studio
from sandbox.draw_colour import colour_of
from sandbox.draw_cutout import Cutout, cut_out
from sandbox.draw_dressed import dressed
from sandbox.draw_fashion import bearing_of
from sandbox.draw_figure import Stance, figure
from sandbox.draw_file import capped, decode, finish, seed_of
from sandbox.draw_garment import garment_from
from sandbox.draw_person import Look, preset_look
from sandbox.draw_place import place
from sandbox.draw_portrait import Sitter
from sandbox.draw_shapes import Layer
from sandbox.draw_skin import Head, dyed, head_of, skin_mask
from sandbox.orders import Drawn, RestyleOrder, UnusablePicture

__all__ = ["check_sizes", "restyle"]

LONGEST_SIDE = 4096
# Scenes by the vendor's preset numbers; it shows them as pictures without names, so these are our own.
SCENES = {
    "001": "plain light studio",
    "033": "city street, daylight",
    "034": "living room interior with window",
    "035": "botanical garden",
    "036": "beach at sunset",
}
OTHER_SCENES = (
    "brick loft",
    "marble hall",
    "desert dunes",
    "snowy mountains",
    "pink podium",
    "wooden cafe",
    "neon club",
)
# In the figure's units.
CHIN = 118


def restyle(order: RestyleOrder) -> Drawn:
    """Draw the order's pictures."""
    picture = decode(order.picture)
    mask = decode(order.mask).convert("L") if order.mask is not None else None
    check_sizes(picture.size, mask.size if mask else None)
    size = capped(picture.size, order.frame.longest_side)
    seed = seed_of(order.frame.seed, order.picture, order.model_id, order.scene_id, order.color)
    shown = picture.resize(size, Image.Resampling.LANCZOS) if size != picture.size else picture
    cutout = cut_out(_masked(shown, mask))
    look = preset_look(order.model_id, order.expression)
    takes = [_take(order, shown, cutout, look, seed + n, n) for n in range(order.frame.count)]
    return finish(order.frame, order.inputs, takes)


def check_sizes(picture: tuple[int, int], mask: tuple[int, int] | None) -> None:
    """Raises `UnusablePicture` for a picture too large or a mask that does not fit it."""
    if max(picture) > LONGEST_SIDE:
        raise UnusablePicture(f"image: larger than {LONGEST_SIDE} pixels")
    if mask is not None and mask != picture:
        raise UnusablePicture(f"mask: {mask[0]}x{mask[1]} differs from the image's {picture[0]}x{picture[1]}")


def _masked(shown: Image.Image, mask: Image.Image | None) -> Image.Image:
    """The picture with everything but the mask's white cleared."""
    if mask is None:
        return shown
    clear = shown.convert("RGBA")
    clear.putalpha(mask.resize(shown.size))
    return clear


def _take(order: RestyleOrder, shown: Image.Image, cutout: Cutout, look: Look, seed: int, n: int) -> Image.Image:
    ground = _ground(order, shown, seed)
    varied = replace(look, smile=min(1.0, look.smile + 0.16 * (n % 3)))
    # A photograph cut off at the hips shows a garment, but not a whole figure to recast.
    head = None if cutout.grounded else head_of(cutout.picture)
    subject, soles = _recast(cutout, head, varied) if head else _dressed(order, varied, shown.height, seed)
    if n % 2:
        subject = subject.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    w, h = ground.size
    height = round(subject.height * (1 - 0.035 * n))
    body = subject.resize((max(1, round(subject.width * height / subject.height)), height), Image.Resampling.BICUBIC)
    floor = h * 0.95
    x = w / 2 + (-1) ** n * w * 0.02 * n
    if order.scene_type != "none":
        ground_shadow(ground, (x, floor), (height * 0.17, height * 0.02), 0.5)
    top = round(floor - soles * height / subject.height)
    ground.paste(body, (round(x - body.width / 2), top), body)
    return ground


def _ground(order: RestyleOrder, shown: Image.Image, seed: int) -> Image.Image:
    size = shown.size
    match order.scene_type:
        case "none":
            return Image.new("RGBA", size, (0, 0, 0, 0))
        case "color":
            return Image.new("RGB", size, colour_of(order.color or "#ffffff"))
        case "original":
            return _emptied(shown.convert("RGB"))
        case "preset":
            number = order.scene_id or "001"
            words = SCENES.get(number) or OTHER_SCENES[int(number) % len(OTHER_SCENES)]
            if "studio" in words:
                return studio(size, words, seed % 12).copy()
            return place(size, words, seed % 3).picture.copy()


def _emptied(picture: Image.Image) -> Image.Image:
    """The picture's own background, spanned from its edges."""
    w, h = picture.size
    strip = max(1, w // 24)
    sides = Image.new("RGB", (2, h))
    for x, left in ((0, 0), (1, w - strip)):
        sides.paste(picture.crop((left, 0, left + strip, h)).resize((1, h), Image.Resampling.BOX), (x, 0))
    return sides.resize((w, h), Image.Resampling.BICUBIC)


def _dressed(order: RestyleOrder, look: Look, height: int, seed: int) -> tuple[Image.Image, float]:
    garment = garment_from(order.picture, 0, True)
    tall = round(height * 0.87)
    sheet, person = dressed(Sitter(look), [garment], bearing_of("", seed), tall)
    box = sheet.getbbox() or (0, 0, *sheet.size)
    return sheet.crop((0, box[1], sheet.width, box[3])), person.origin[1] + tall - box[1]


def _recast(cutout: Cutout, head: Head, look: Look) -> tuple[Image.Image, float]:
    """The photographed body with the new model's skin, and the new model's head in place of the old one."""
    body = cutout.picture
    body = dyed(body, look.skin, ImageChops.multiply(skin_mask(body), body.getchannel("A")))
    alpha = body.getchannel("A")
    alpha.paste(0, (0, 0, body.width, round(head.crown + CHIN * head.scale)))
    body.putalpha(alpha)
    person = figure(look, Stance(), round(1000 * head.scale))
    shift = round(head.middle - person.origin[0]), round(head.crown - person.origin[1])
    edge = max(0, -shift[0], person.size[0] + shift[0] - body.width)
    rise = max(0, -shift[1])
    sheet = Image.new("RGBA", (body.width + 2 * edge, body.height + rise), (0, 0, 0, 0))
    for layer in (person.behind, Layer(body, (-shift[0], -shift[1])), person.head):
        sheet.alpha_composite(layer.picture, (layer.corner[0] + shift[0] + edge, layer.corner[1] + shift[1] + rise))
    box = sheet.getbbox() or (0, 0, *sheet.size)
    return sheet.crop((0, box[1], sheet.width, box[3])), float(sheet.height - box[1])
