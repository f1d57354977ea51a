"""The demo's four bottoms."""

from __future__ import annotations

from PIL import Image

from catalogs.samples.curves import Line, band, folded, mirror, path
from catalogs.samples.fabrics import denim, glen_check, plain, twill
from catalogs.samples.sketch import Cloth, Color, Fold, Sketch, creases, darker, lighter

__all__ = ["check_trousers", "chinos", "pleated_skirt", "wide_jeans"]


def wide_jeans() -> Image.Image:
    """High-rise indigo jeans with wide legs and copper stitching."""
    sketch = Sketch()
    indigo, copper = (62, 88, 132), (214, 150, 84)
    cloth = denim(indigo)
    leg = "M 300 100 L 398 100 C 420 150 432 210 436 270 C 446 420 462 600 470 752 Q 396 764 324 756 C 318 600 312 440 304 318 L 296 318 L 300 100"
    sketch.pair(
        path(leg),
        cloth,
        round_=20,
        edge=0.55,
        folds=creases(
            ("M 374 210 C 386 380 392 560 398 740", 66, -0.5),
            ("M 304 318 C 320 306 340 286 350 262", 14, 0.16),
            ("M 306 328 C 326 330 346 326 364 314", 12, 0.14),
            ("M 432 300 C 440 440 446 600 450 740", 26, 0.3),
            ("M 330 440 C 338 560 342 660 350 748", 24, 0.3),
            ("M 352 640 C 380 660 410 656 440 640", 12, 0.18),
        ),
    )
    sketch.pen(path("M 300 112 C 302 200 300 260 300 322"), cloth.ink, 3)
    _jeans_seams(sketch, cloth, copper)
    waist = band("M 206 62 Q 300 54 394 62", "M 202 104 Q 300 98 398 104")
    sketch.piece(waist, cloth, edge=0.4, round_=6, cast=0.3)
    for edge in ("M 208 68 Q 300 60 392 68", "M 205 98 Q 300 92 395 98"):
        sketch.stitch(path(edge), copper)
    for x in (232, 366):
        loop = path(f"M {x - 7} 56 L {x + 7} 56 L {x + 7} 112 L {x - 7} 112")
        sketch.piece(loop, cloth, edge=0.3, round_=4, cast=0.4)
        for side in (-4, 4):
            sketch.stitch([(x + side, 60), (x + side, 108)], copper, width=1.1)
    sketch.button(302, 80, 10, (196, 152, 100))
    return sketch.finished()


def _jeans_seams(sketch: Sketch, cloth: Cloth, copper: Color) -> None:
    fly = path("M 330 108 C 334 180 332 230 304 268")
    for line in (fly, [(x - 6, y) for x, y in fly]):
        sketch.stitch(line, copper)
    pocket = path("M 344 106 C 352 150 384 172 424 168")
    for line in (pocket, mirror(pocket)):
        sketch.pen(line, cloth.ink, 3, 0.8)
        sketch.stitch([(x, y + 5) for x, y in line], copper)
        sketch.stitch([(x, y + 10) for x, y in line], copper)
    for line in (path("M 426 190 C 436 420 450 600 462 750"), path("M 330 742 Q 398 750 464 738")):
        sketch.stitch(line, copper, width=1.1)
        sketch.stitch(mirror(line), copper, width=1.1)


def pleated_skirt() -> Image.Image:
    """A rust satin midi skirt in knife pleats."""
    sketch = Sketch()
    rust = (190, 92, 54)
    satin = plain(rust)
    sketch.piece(folded("M 300 98 L 396 98 C 424 220 474 440 512 716 Q 410 740 300 740"), satin)
    for number in range(-8, 8):
        _pleat(sketch, satin, number)
    band_ = band("M 204 62 Q 300 54 396 62", "M 200 104 Q 300 98 400 104")
    sketch.piece(band_, satin, edge=0.4, round_=8, cast=0.4)
    sketch.stitch(path("M 206 98 Q 300 92 394 98"), lighter(rust, 0.25), width=1.1)
    return sketch.finished()


def _pleat(sketch: Sketch, satin: Cloth, number: float) -> None:
    lines = [_pleat_line(number + shift) for shift in (0.0, 1.0)]
    shade, gleam = _pleat_line(number + 0.12), _pleat_line(number + 0.62)
    sketch.piece(
        lines[0] + lines[1][::-1],
        satin,
        folds=[Fold(shade, 16, 0.75), Fold(gleam, 17, -0.5)],
        edge=0.3,
        round_=5,
        line=1.0,
    )


def _pleat_line(number: float) -> Line:
    top, foot = 300 + number * 12, 300 + number * 26.5
    depth = 740 - number * number * 0.38
    return path(f"M {top} 98 C {top + number * 3.5} 220 {foot - number * 4.8} 440 {foot} {depth}")


def chinos() -> Image.Image:
    """A man's sand-coloured chinos with a slim leg."""
    sketch = Sketch()
    sand = (201, 172, 130)
    _trousers(sketch, twill(sand), sand, 0)
    return sketch.finished()


def check_trousers() -> Image.Image:
    """A man's charcoal Prince-of-Wales trousers with front pleats and turn-ups."""
    sketch = Sketch()
    grey = (122, 124, 130)
    cloth = glen_check(grey, (58, 60, 70), (150, 70, 70))
    _trousers(sketch, cloth, grey, 30)
    for x in (352, 366):
        pleat = path(f"M {x} 106 C {x + 2} 140 {x + 4} 170 {x + 6} 206")
        sketch.pen(pleat, cloth.ink, 3.5)
        sketch.pen(mirror(pleat), cloth.ink, 3.5)
    cuff = band("M 335 714 Q 378 722 417 712", "M 337 750 Q 378 758 417 748")
    sketch.pair(cuff, cloth, edge=0.4, round_=8, cast=0.4)
    return sketch.finished()


def _trousers(sketch: Sketch, cloth: Cloth, color: Color, ease: float) -> None:
    sketch.pair(_leg(ease), cloth, round_=20, edge=0.55, folds=_leg_folds())
    sketch.pen(path("M 300 104 C 302 200 300 270 300 326"), cloth.ink, 3)
    thread = darker(color, 0.4)
    sketch.stitch(path("M 326 108 C 330 190 328 230 304 266"), thread, width=1.1, on=4, off=3)
    crease = path("M 366 210 C 372 380 378 560 378 748")
    pocket = path("M 376 104 C 388 140 404 170 424 196")
    for line in (pocket, mirror(pocket)):
        sketch.pen(line, cloth.ink, 4)
    for line in (stitches := [(x - 5, y + 3) for x, y in pocket], mirror(stitches)):
        sketch.stitch(line, thread, width=1.1, on=4, off=3)
    for line in (crease, mirror(crease)):
        sketch.pen(line, cloth.ink, 1.8, 0.55)
    waist = band("M 204 62 Q 300 54 396 62", "M 201 102 Q 300 96 399 102")
    sketch.piece(waist, cloth, edge=0.4, round_=6, cast=0.3)
    for x in (228, 268, 332, 372):
        loop = path(f"M {x - 5} 56 L {x + 5} 56 L {x + 5} 108 L {x - 5} 108")
        sketch.piece(loop, cloth, edge=0.3, round_=4, cast=0.4, line=1.2)
    sketch.button(302, 80, 7, darker(color, 0.35))


def _leg(ease: float) -> Line:
    return path(
        f"M 300 98 L 399 98 C 416 150 {424 + ease / 3} 220 {426 + ease / 3} 290 C {428 + ease / 2} 420 420 600 416 750"
        f" Q 380 760 338 752 C {334 - ease / 4} 600 318 440 304 326 L 296 326"
    )


def _leg_folds() -> list[Fold]:
    return creases(
        ("M 352 240 C 362 400 366 580 364 744", 30, -0.5),
        ("M 404 240 C 404 400 402 580 398 744", 28, -0.3),
        ("M 304 326 C 320 316 340 296 350 272", 14, 0.18),
        ("M 306 336 C 326 340 344 336 362 324", 12, 0.14),
        ("M 320 400 C 336 520 344 640 352 748", 20, 0.32),
        ("M 424 300 C 420 440 416 600 412 744", 18, 0.32),
    )
