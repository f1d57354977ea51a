"""Drawings turned into product photos and model photos."""

from __future__ import annotations

from PIL import Image, ImageFilter, ImageStat

__all__ = ["model_photo", "product_photo", "slim"]

CARD = (700, 900)
EDGES = 32  # steps from transparent to opaque
OPAQUE = 236


def product_photo(garment: Image.Image) -> Image.Image:
    """The garment laid on a light-grey studio card, with the soft shadow of a lamp above it."""
    card = _backdrop(CARD, (238, 238, 240), (216, 216, 220))
    scale = min((CARD[0] - 90) / garment.width, (CARD[1] - 90) / garment.height)
    laid = garment.resize((round(garment.width * scale), round(garment.height * scale)), Image.Resampling.LANCZOS)
    corner = ((CARD[0] - laid.width) // 2, (CARD[1] - laid.height) // 2)
    for drop, blur, depth in ((14, 18, 0.26), (4, 4, 0.3)):
        shadow = Image.new("L", CARD)
        shadow.paste(laid.getchannel("A").point(_share(depth)), (corner[0], corner[1] + drop))
        card.paste((52, 48, 60), mask=shadow.filter(ImageFilter.GaussianBlur(blur)))
    card.paste(laid, corner, laid)
    return card


def model_photo(figure: Image.Image) -> Image.Image:
    """The figure standing on a plain light backdrop."""
    photo = _backdrop(figure.size, (246, 245, 243), (224, 222, 220))
    ground = Image.new("L", figure.size)
    feet = figure.getchannel("A").crop((0, figure.height - 90, figure.width, figure.height - 40))
    ground.paste(feet.resize((figure.width, 22)).point(_share(0.4)), (0, figure.height - 60))
    photo.paste((60, 54, 60), mask=ground.filter(ImageFilter.GaussianBlur(9)))
    photo.paste(figure, (0, 0), figure)
    return photo


def slim(drawing: Image.Image) -> Image.Image:
    """The drawing with a palette of 256, a third of the size; its edges stay smooth."""
    alpha = drawing.getchannel("A")
    few = drawing.convert("RGB").quantize(256 - EDGES, Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
    inks = (few.getpalette() or [])[: 3 * (256 - EDGES)]
    red, green, blue = _rim(drawing)
    colors = [(*inks[at : at + 3], 255) for at in range(0, len(inks), 3)]
    edges = [(red, green, blue, round(255 * step / EDGES)) for step in range(EDGES)]
    few.paste(alpha.point([len(colors) + value * EDGES // 256 for value in range(256)]), mask=alpha.point(_below(0)))
    few.putpalette([part for color in colors + edges for part in color], "RGBA")
    return few


def _below(least: int) -> list[int]:
    """Picks the pixels from `least` up to the opaque ones."""
    return [255 if least <= value < OPAQUE else 0 for value in range(256)]


def _rim(drawing: Image.Image) -> tuple[int, int, int]:
    """The mean colour of the drawing's soft edge."""
    rim = drawing.getchannel("A").point(_below(1))
    red, green, blue = ImageStat.Stat(drawing.convert("RGB"), rim).mean
    return round(red), round(green), round(blue)


def _backdrop(size: tuple[int, int], centre: tuple[int, int, int], rim: tuple[int, int, int]) -> Image.Image:
    vignette = Image.radial_gradient("L").resize(size, Image.Resampling.BICUBIC)
    return Image.composite(Image.new("RGB", size, rim), Image.new("RGB", size, centre), vignette)


def _share(share: float) -> list[int]:
    return [round(value * share) for value in range(256)]
