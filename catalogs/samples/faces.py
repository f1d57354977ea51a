"""Heads: a face of few lines, and hair."""

from __future__ import annotations

from catalogs.samples.curves import Line, disc, folded, mirror, path
from catalogs.samples.fabrics import plain
from catalogs.samples.sketch import Color, Fold, Sketch, darker, lighter

__all__ = ["face", "short_hair", "tied_hair"]

AXIS = 400


def face(sketch: Sketch, skin: Color, *, jaw: float, brow: float, lips: Color, stubble: float = 0.0) -> None:
    """A head seen from the front; `jaw` and `brow` are widths in pixels, `stubble` its depth."""
    cloth = plain(skin)
    sketch.piece(_shape("M 452 132 C 464 124 466 146 458 160 C 454 166 450 164 449 160"), cloth, edge=0.4, round_=6)
    sketch.piece(_flip("M 452 132 C 464 124 466 146 458 160 C 454 166 450 164 449 160"), cloth, edge=0.4, round_=6)
    outline = folded(
        f"M 400 64 C 440 64 456 96 454 136 C 453 164 {400 + jaw} 190 {400 + jaw * 0.55} 198 Q 410 206 400 206", AXIS
    )
    cheeks = [
        Fold(path("M 428 158 C 438 164 440 176 430 188"), 18, 0.08),
        Fold(path("M 372 158 C 362 164 360 176 370 188"), 18, 0.08),
        Fold(path("M 386 92 C 396 86 410 86 416 96"), 26, -0.3),
        Fold(path("M 400 128 C 401 142 401 150 400 160"), 7, -0.4),
    ]
    sketch.piece(outline, cloth, edge=0.42, round_=18, cast=0.35, folds=[*cheeks, *_beard(stubble)])
    _features(sketch, skin, brow, lips)


def _beard(stubble: float) -> list[Fold]:
    if not stubble:
        return []
    jaw = path("M 446 140 C 448 176 430 200 400 202 C 370 200 352 176 354 140")
    return [Fold(jaw, 40, stubble), Fold(path("M 376 176 C 386 168 414 168 424 176"), 12, stubble)]


def _features(sketch: Sketch, skin: Color, brow: float, lips: Color) -> None:
    ink = darker(skin, 0.78)
    for flip in (False, True):
        side = _flip if flip else _shape
        sketch.fill(side("M 410 138 Q 421 129 434 135 Q 423 144 410 138"), (250, 246, 240))
        eye = AXIS + (-22 if flip else 22)
        sketch.fill(disc(eye, 136.4, 4.9), (74, 50, 38))
        sketch.fill(disc(eye, 136.4, 2.4), (20, 16, 18))
        sketch.fill(disc(eye + 1.6, 134.6, 1.1), (255, 255, 255))
        sketch.pen(side("M 407 139 Q 420 127 437 133"), ink, 3.4)
        sketch.pen(side("M 412 140 Q 423 146 433 137"), ink, 1.2, 0.6)
        sketch.pen(side("M 411 130 Q 421 124 433 128"), ink, 1.2, 0.45)
        sketch.pen(side("M 407 120 C 416 113 430 112 441 121"), ink, brow, 0.85)
        sketch.pen(side("M 404 163 Q 409 165 410 159"), ink, 2.2, 0.6)
    sketch.pen(_shape("M 394 164 Q 400 168 406 164"), ink, 1.8, 0.5)
    sketch.fill(
        path("M 379 178 Q 391 174 396 176 Q 400 178 404 176 Q 409 174 421 178 Q 400 186 379 178"), darker(lips, 0.16)
    )
    sketch.fill(path("M 379 178 Q 400 186 421 178 Q 410 190 400 190 Q 390 190 379 178"), lips)
    sketch.pen(path("M 377 178 Q 400 187 423 178"), darker(lips, 0.6), 1.8)
    sketch.pen(path("M 393 186 Q 400 188 407 186"), lighter(lips, 0.5), 2, 0.5)


def tied_hair(sketch: Sketch, hair: Color) -> None:
    """Hair parted in the middle and tied in a low bun."""
    cloth = plain(hair)
    half = "M 400 54 C 446 50 470 86 464 140 C 462 156 458 164 452 168 C 456 138 450 112 434 96 C 420 84 406 78 400 72"
    strands = [
        Fold(path(f"M 402 {60 + step} C 430 {64 + step} 452 {92 + step} 456 {146 + step}"), 7, -0.35)
        for step in (2, 12)
    ]
    mirrored = [Fold(mirror(fold.line, AXIS), fold.width, fold.strength) for fold in strands]
    for outline in (_shape(half), _flip(half)):
        sketch.piece(outline, cloth, edge=0.5, round_=8, cast=0.4, folds=strands + mirrored)
    for step in range(5):
        strand = f"M 401 {58 + step * 3} C {428 - step * 2} {62 + step * 4} {456 - step * 3} {92 + step * 5} {459 - step} {150 + step * 2}"
        for line in (_shape(strand), _flip(strand)):
            sketch.pen(line, lighter(hair, 0.25), 1.4, 0.5)


def short_hair(sketch: Sketch, hair: Color) -> None:
    """Hair cut short at the sides and swept up."""
    cloth = plain(hair)
    outline = path(
        "M 346 138 C 338 112 338 84 356 64 C 366 44 398 36 428 42 C 452 46 468 72 462 104 C 462 118 458 130 454 138"
        " C 454 122 450 108 440 98 C 424 100 404 96 386 88 C 374 92 360 100 354 112 C 350 120 348 128 346 138"
    )
    sketch.piece(outline, cloth, edge=0.45, round_=9, cast=0.4)
    for step in range(7):
        strand = f"M {358 + step * 9} {100 - step * 2} C {362 + step * 8} {74 - step} {384 + step * 9} {52 + step} {420 + step * 6} {54 + step * 6}"
        sketch.pen(path(strand), lighter(hair, 0.22), 1.6, 0.55)


def _shape(data: str) -> Line:
    return path(data)


def _flip(data: str) -> Line:
    return mirror(path(data), AXIS)
