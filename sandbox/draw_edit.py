"""AI edits: a picture changed as the prompt's words say, always to be seen."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

from sandbox.draw_backdrop import ground_shadow, studio
from sandbox.draw_colour import Colour, colours_in
from sandbox.draw_cutout import Cutout, cut_out
from sandbox.draw_file import capped, decode, finish, seed_of
from sandbox.draw_place import place, place_named
from sandbox.draw_props import PROPS, leaves, petals, rain, snow
from sandbox.draw_shapes import Pen
from sandbox.draw_skin import dyed, head_of, skin_mask
from sandbox.orders import Drawn, EditOrder

__all__ = ["edit", "scaled"]

WEATHER: dict[str, Callable[[Pen, int], None]] = {
    "snow": snow,
    "winter": snow,
    "christmas": snow,
    "autumn": leaves,
    "fall": leaves,
    "spring": petals,
    "blossom": petals,
    "rain": rain,
    "rainy": rain,
}
BACKGROUND_WORDS = frozenset({"background", "backdrop", "behind", "wall"})
NO_SUBJECT = 0.9
TINTS: tuple[tuple[frozenset[str], Colour], ...] = (
    (frozenset({"sunset", "golden", "warm", "sunny", "summer", "autumn"}), (255, 228, 192)),
    (frozenset({"night", "dark", "moody"}), (120, 128, 176)),
    (frozenset({"cold", "cool", "winter", "rain", "rainy"}), (214, 230, 255)),
)
GRADES: tuple[Colour, ...] = ((255, 226, 190), (206, 224, 255), (255, 214, 224), (214, 240, 214), (236, 220, 255))


def edit(order: EditOrder) -> Drawn:
    """Draw the order's pictures."""
    original = _on_white(decode(order.picture))
    size = capped(order.size or scaled(original.size, order.long_side), order.frame.longest_side)
    seed = seed_of(order.frame.seed, order.picture, order.prompt)
    fitted = ImageOps.fit(original, size, Image.Resampling.LANCZOS)
    pictures = [_edited(fitted, order.prompt, seed + n, n) for n in range(order.frame.count)]
    return finish(order.frame, order.inputs, pictures)


def _on_white(picture: Image.Image) -> Image.Image:
    """The picture without transparency, which an edit's result does not keep."""
    layer = picture.convert("RGBA")
    ground = Image.new("RGB", layer.size, "white")
    ground.paste(layer, mask=layer.getchannel("A"))
    return ground


def scaled(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """A size with that longest side, in the same proportions."""
    factor = long_side / max(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _edited(original: Image.Image, prompt: str, seed: int, take: int) -> Image.Image:
    words = set(re.findall(r"\w+", prompt.lower()))
    cutout = cut_out(original)
    picture, changed = _moved(original, cutout, prompt, words, seed)
    colours = colours_in(prompt)
    props = [prop for word, prop in PROPS.items() if word in words]
    weather = next((draw for word, draw in WEATHER.items() if word in words), None)
    if colours and not props and not words & BACKGROUND_WORDS and cutout.share < NO_SUBJECT:
        picture, changed = _recoloured(picture, cutout, colours[0]), True
    if props or weather:
        pen = _pen_on(picture, cutout)
        for prop in dict.fromkeys(props):
            prop(pen, colours[0] if colours else None)
        if weather:
            weather(pen, seed)
        layer = pen.layer()
        picture.paste(layer.picture, layer.corner, layer.picture)
        changed = True
    graded = _graded(picture, words)
    if graded is None:
        graded = picture if changed else _by_chance(picture, seed)
    return _varied(graded, seed, take)


def _moved(original: Image.Image, cutout: Cutout, prompt: str, words: set[str], seed: int) -> tuple[Image.Image, bool]:
    """The subject in another place, when the words name one or speak of the background."""
    named = place_named(prompt)
    if cutout.share >= NO_SUBJECT or not (named or words & BACKGROUND_WORDS):
        return original.copy(), False
    size = original.size
    ground = place(size, prompt, seed % 3).picture if named else studio(size, prompt, seed % 12)
    picture = ground.copy()
    left, _, right, bottom = cutout.box
    ground_shadow(picture, ((left + right) / 2, bottom), ((right - left) * 0.4, max(3.0, size[1] * 0.018)), 0.5)
    picture.paste(cutout.picture, cutout.box[:2], cutout.picture)
    return picture, True


def _recoloured(picture: Image.Image, cutout: Cutout, colour: Colour) -> Image.Image:
    cloth = ImageChops.subtract(cutout.picture.getchannel("A"), skin_mask(cutout.picture))
    person = cutout.picture.height > cutout.picture.width * 1.5
    if person:
        cloth.paste(0, (0, 0, cloth.width, round(cloth.height * 0.14)))
        cloth.paste(0, (0, round(cloth.height * 0.93), *cloth.size))
    mask = Image.new("L", picture.size, 0)
    mask.paste(cloth, cutout.box[:2])
    return dyed(picture, colour, mask.filter(ImageFilter.BoxBlur(1)))


def _pen_on(picture: Image.Image, cutout: Cutout) -> Pen:
    """A pen whose units fit the subject: a person's crown, or else the top of what was cut out."""
    if cutout.share >= NO_SUBJECT:
        return Pen(picture.size, picture.height / 1000, (picture.width / 2, 0), 2)
    left, top, right, bottom = cutout.box
    head = head_of(cutout.picture)
    if head is not None:
        return Pen(picture.size, head.scale, (left + head.middle, top + head.crown), 2)
    return Pen(picture.size, max(bottom - top, 1) / 1000, ((left + right) / 2, top), 2)


def _graded(picture: Image.Image, words: set[str]) -> Image.Image | None:
    """The whole picture in another light, when the words ask for it."""
    if words & {"monochrome", "greyscale", "grayscale", "noir"}:
        return ImageOps.autocontrast(picture.convert("L")).convert("RGB")
    if words & {"vintage", "sepia", "retro", "film"}:
        toned = ImageOps.colorize(picture.convert("L"), (44, 28, 18), (255, 240, 212), mid=(168, 128, 92))  # pyright: ignore[reportArgumentType] - tuples are taken as well
        return Image.blend(picture, toned, 0.72)
    if words & {"bright", "brighter", "lighter"}:
        return ImageEnhance.Brightness(picture).enhance(1.16)
    tint = next((tint for known, tint in TINTS if words & known), None)
    return ImageChops.multiply(picture, Image.new("RGB", picture.size, tint)) if tint else None


def _by_chance(picture: Image.Image, seed: int) -> Image.Image:
    dice = random.Random(seed)
    tinted = ImageChops.multiply(picture, Image.new("RGB", picture.size, dice.choice(GRADES)))
    return ImageEnhance.Contrast(tinted).enhance(dice.choice((1.12, 1.2, 0.9)))


def _varied(picture: Image.Image, seed: int, take: int) -> Image.Image:
    """Further takes differ from the first by a little light and framing."""
    if not take:
        return picture
    w, h = picture.size
    edge = 0.02 + 0.02 * take
    box = (round(w * edge), round(h * edge), round(w * (1 - edge)), round(h * (1 - edge)))
    closer = picture.crop(box).resize((w, h), Image.Resampling.BICUBIC)
    return ImageEnhance.Brightness(closer).enhance(1 + 0.05 * ((seed + take) % 3 - 1))
