"""The figure dressed: garments between its sheets, with the shadows they throw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageFilter

from sandbox.draw_figure import Figure, Stance, figure
from sandbox.draw_garment import Fitted, Garment, fit, shaded
from sandbox.draw_portrait import Sitter

__all__ = ["Bearing", "dressed"]

HIPS = 44
_FAINT = [v * 96 // 255 for v in range(256)]


@dataclass(frozen=True, slots=True)
class Bearing:
    """How the person carries itself, where no garment decides it."""

    left_arm: int = 13
    right_arm: int = 13
    bend: int = 6
    ankles: tuple[int, int] = (42, 42)


def dressed(sitter: Sitter, garments: Sequence[Garment], bearing: Bearing, height: int) -> tuple[Image.Image, Figure]:
    """The person in those garments, `height` pixels tall; what is missing of an outfit is added, as documented."""
    look = sitter.look
    fits = [(one, fit(one, look.gender)) for one in garments]
    stance = _stance(fits, bearing)
    person = figure(look, stance, height)
    sheet = Image.new("RGBA", person.size, (0, 0, 0, 0))
    person.behind.onto(sheet)
    person.legs.onto(sheet)
    _put_on(sheet, person, [one for one in fits if one[0].kind in ("bottom", "shoes")])
    person.arms.onto(sheet)
    if person.shirt is not None:
        person.shirt.onto(sheet)
    _put_on(sheet, person, [one for one in fits if one[0].kind in ("top", "dress")])
    person.head.onto(sheet)
    if sitter.portrait is not None:
        sitter.portrait.onto(sheet, person.origin, person.scale)
    _put_on(sheet, person, [one for one in fits if one[0].kind == "bag"])
    return sheet, person


def _stance(fits: Sequence[tuple[Garment, Fitted]], bearing: Bearing) -> Stance:
    kinds = {one.kind for one, _ in fits}
    arms = next((at.arms for one, at in fits if one.kind in ("top", "dress") and at.arms), None)
    ankles = next((at.ankles for _, at in fits if at.ankles), None) or bearing.ankles
    left, right = (bearing.left_arm, bearing.right_arm) if arms is None else arms
    return Stance(
        left_arm=left,
        right_arm=right,
        bend=bearing.bend if max(left, right) < HIPS else max(bearing.bend, 14),
        left_ankle=min(max(ankles[0], 22), 96),
        right_ankle=min(max(ankles[1], 22), 96),
        jeans=not kinds & {"bottom", "dress"},
        shirt=not kinds & {"top", "dress"},
        shoes=None if "shoes" in kinds else (44, 42, 48),
    )


def _put_on(sheet: Image.Image, person: Figure, worn: Sequence[tuple[Garment, Fitted]]) -> None:
    for garment, at in worn:
        size = max(1, round(at.width * person.scale)), max(1, round(at.height * person.scale))
        cloth = shaded(garment.picture.resize(size, Image.Resampling.BICUBIC))
        left = round(person.origin[0] + at.left * person.scale)
        top = round(person.origin[1] + at.top * person.scale)
        drop = max(1, round(7 * person.scale))
        box = (max(left, 0), max(top, 0), min(left + size[0], sheet.width), min(top + size[1] + drop, sheet.height))
        if box[2] <= box[0] or box[3] <= box[1]:
            continue
        region = sheet.crop(box)
        corner = (left - box[0], top - box[1])
        _shadow(region, cloth, corner, drop)
        region.paste(cloth, corner, cloth)
        _keep_opaque(region, sheet.crop(box), cloth, corner)
        sheet.paste(region, box[:2])


def _shadow(region: Image.Image, cloth: Image.Image, corner: tuple[int, int], drop: int) -> None:
    """The shadow of a garment on the person, and nowhere else."""
    shadow = Image.new("L", region.size, 0)
    shadow.paste(cloth.getchannel("A"), (corner[0], corner[1] + drop))
    soft = shadow.filter(ImageFilter.BoxBlur(max(1, drop * 0.7))).point(_FAINT)
    alpha = region.getchannel("A")
    region.paste((30, 22, 26), (0, 0, *region.size), ImageChops.multiply(soft, alpha))
    region.putalpha(alpha)


def _keep_opaque(region: Image.Image, before: Image.Image, cloth: Image.Image, corner: tuple[int, int]) -> None:
    # Pasting blends the alpha too, which would let soft edges of the cloth make the person see-through.
    covered = Image.new("L", region.size, 0)
    covered.paste(cloth.getchannel("A"), corner)
    region.putalpha(ImageChops.lighter(before.getchannel("A"), covered))
