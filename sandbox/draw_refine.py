"""The refiner: a coarse try-on made crisp, with light on it and weave in its fabric."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import lru_cache

from PIL import Image, ImageChops, ImageEnhance, ImageFilter

from sandbox.draw_backdrop import OVAL
from sandbox.draw_cutout import cut_out
from sandbox.draw_file import capped, decode, facts_of, finish
from sandbox.draw_skin import skin_mask
from sandbox.orders import Drawn, Facts, RefineOrder, UnusablePicture

__all__ = ["check_files", "refine"]

# Larger than 150 x 150 and smaller than 4096 x 4096, read as exclusive bounds.
LEAST_SIDE, MOST_SIDE = 151, 4095
# Weave shows in pictures from this size on.
WEAVE_PIXELS = 500_000
_CONTRAST = [max(0, min(255, round((v - 128) * 1.1 + 131))) for v in range(256)] * 3


def refine(order: RefineOrder) -> Drawn:
    """Draw the order's picture."""
    check_files(order)
    coarse = decode(order.coarse).convert("RGB")
    size = capped(coarse.size, order.frame.longest_side)
    if size != coarse.size:
        coarse = coarse.resize(size, Image.Resampling.LANCZOS)
    return finish(order.frame, order.inputs, [_refined(coarse)])


def check_files(order: RefineOrder, facts_of: Callable[[bytes], Facts] = facts_of) -> None:
    """Raises `UnusablePicture`, naming the file, for one that is broken or not of a size that the vendor takes."""
    files = {
        "person_image": order.person,
        "top_garment": order.top,
        "bottom_garment": order.bottom,
        "coarse_image": order.coarse,
    }
    for name, data in files.items():
        if data is not None:
            _check_size(name, data, facts_of)


def _check_size(name: str, data: bytes, facts_of: Callable[[bytes], Facts]) -> None:
    try:
        facts = facts_of(data)
    except UnusablePicture as error:
        raise UnusablePicture(f"{name}: The file could not be decoded.", error.code, error.status) from error
    sides = (facts.width, facts.height)
    if min(sides) < LEAST_SIDE or max(sides) > MOST_SIDE:
        reason = f"{name}: The image resolution must be larger than 150x150px and smaller than 4096x4096px."
        raise UnusablePicture(reason, "FILE_RESOLUTION_EXCEEDS_LIMITS", 413)


def _refined(coarse: Image.Image) -> Image.Image:
    if coarse.width * coarse.height < WEAVE_PIXELS:
        crisp = coarse.point(_CONTRAST)
    else:
        crisp = _woven(coarse.filter(ImageFilter.UnsharpMask(1.4, 130, 2)).point(_CONTRAST))
        crisp = ImageEnhance.Color(crisp).enhance(1.1)
    return Image.composite(Image.new("RGB", crisp.size, (255, 246, 230)), crisp, _key_light(crisp.size))


@lru_cache(maxsize=8)
def _key_light(size: tuple[int, int]) -> Image.Image:
    # From the upper left, as a window would throw it.
    w, h = size
    light = OVAL.resize((round(w * 1.5), round(h * 1.3))).crop((w // 2, h // 3, w // 2 + w, h // 3 + h))
    return light.point([v * 38 // 255 for v in range(256)])


def _woven(picture: Image.Image) -> Image.Image:
    cutout = cut_out(picture)
    cloth = Image.new("L", picture.size, 0)
    cloth.paste(ImageChops.subtract(cutout.picture.getchannel("A"), skin_mask(cutout.picture)), cutout.box)
    head = round(cutout.box[1] + (cutout.box[3] - cutout.box[1]) * 0.14)
    cloth.paste(0, (0, 0, picture.width, head))
    soft = cloth.filter(ImageFilter.BoxBlur(2)).point([v * 150 // 255 for v in range(256)])
    return Image.composite(ImageChops.overlay(picture, _weave(picture.size)), picture, soft)


@lru_cache(maxsize=4)
def _weave(size: tuple[int, int]) -> Image.Image:
    """A twill: a small tile of light and dark threads, repeated."""
    dice = random.Random(7)
    tile = Image.new("L", (64, 64))
    threads = bytes(
        max(0, min(255, 128 + (44 if (x + y) % 4 < 2 else -36) + dice.randint(-14, 14)))  # noqa: PLR2004 - two up, two down
        for y in range(64)
        for x in range(64)
    )
    tile.frombytes(threads)
    sheet = Image.new("L", size)
    for x in range(0, size[0], 64):
        for y in range(0, size[1], 64):
            sheet.paste(tile, (x, y))
    return Image.merge("RGB", (sheet, sheet, sheet))
