"""The demo's two models, seen from the front in neutral basics, arms a little away from the body."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from catalogs.samples.curves import Line, disc, folded, mirror, path, ribbon
from catalogs.samples.fabrics import plain, ribbed
from catalogs.samples.faces import face, short_hair, tied_hair
from catalogs.samples.sketch import Cloth, Color, Fold, Sketch, darker

__all__ = ["man", "woman"]

AXIS = 400
WOMAN_ARM = (
    "M 470 240 C 506 240 522 262 524 298 C 528 350 538 392 550 432 C 562 478 578 520 589 564 L 572 570"
    " C 552 530 528 484 518 444 C 506 404 492 350 480 316"
)


def woman() -> Image.Image:
    """A woman in a pale tank top, taupe shorts and flat shoes."""
    sketch = Sketch(800, 1200)
    skin: Color = (186, 128, 96)
    hair: Color = (44, 32, 34)
    sketch.piece(_whole("M 400 150 C 440 150 452 176 448 204 C 444 222 420 228 400 228"), plain(hair), round_=10)
    _woman_legs(sketch, skin)
    torso = _whole(
        "M 400 180 L 421 186 C 421 210 424 222 448 231 C 474 239 496 244 508 262 C 500 300 484 330 480 362"
        " C 477 396 460 412 459 440 C 461 474 488 500 493 548 L 492 590 L 400 600"
    )
    arms = [part for right in (path(WOMAN_ARM), *_hand(582, 566, 0.98)) for part in (right, mirror(right, AXIS))]
    sketch.piece(torso, plain(skin), edge=0.42, round_=15, folds=_collarbones(), joined=arms)
    _knuckles(sketch, skin, 582, 566, 0.98)
    sketch.pen(path("M 379 200 C 386 222 414 222 421 200"), darker(skin, 0.6), 16, 0.35)
    _shorts(sketch, plain((146, 132, 122)))
    tank = _whole(
        "M 400 294 C 428 292 440 270 444 230 L 464 236 C 464 276 474 308 486 324 C 480 350 480 372 476 390"
        " C 468 412 461 424 460 440 C 462 470 484 494 491 528 Q 440 538 400 538"
    )
    sketch.piece(tank, ribbed((236, 233, 228), 6), edge=0.4, round_=18, cast=0.35, folds=_tank_folds())
    for line in ("M 400 300 C 432 298 446 272 450 234", "M 459 238 C 459 278 470 312 483 328"):
        for side in (path(line), mirror(path(line), AXIS)):
            sketch.stroke(side, (150, 146, 142), 1, 0.8)
    face(sketch, skin, jaw=42, brow=4.2, lips=(176, 86, 82))
    tied_hair(sketch, hair)
    for x in (344, 456):
        sketch.button(x, 170, 3, (226, 190, 110))
    return _placed(sketch)


def man() -> Image.Image:
    """A man in a white T-shirt, charcoal trousers and white trainers."""
    sketch = Sketch(800, 1200)
    skin: Color = (224, 180, 150)
    _man_arms(sketch, skin)
    for x in (1, -1):
        _trainer(sketch, x)
    neck = _whole("M 400 170 L 430 180 C 430 206 434 222 456 232 C 460 260 440 280 400 280")
    sketch.piece(neck, plain(skin), edge=0.45, round_=14)
    sketch.pen(path("M 371 200 C 382 228 418 228 429 200"), darker(skin, 0.6), 18, 0.35)
    _trousers(sketch, plain((74, 76, 84)))
    _tee(sketch, plain((240, 239, 236)))
    face(sketch, skin, jaw=47, brow=6, lips=(188, 122, 108), stubble=0.3)
    short_hair(sketch, (62, 44, 36))
    return _placed(sketch)


def _woman_legs(sketch: Sketch, skin: Color) -> None:
    leg = (
        "M 492 540 C 502 610 494 690 482 760 C 477 800 475 830 477 858 C 481 905 480 980 464 1056"
        " C 462 1074 463 1084 465 1094 C 465 1112 460 1119 452 1119 C 443 1119 438 1110 438 1094 C 440 1064 434 1006 430 950 C 424 896 432 858 431 824 C 426 744 412 664 402 592"
    )
    shade = [
        Fold(path("M 474 600 C 474 690 462 760 458 830"), 26, -0.3),
        Fold(path("M 441 818 C 450 832 462 832 471 818"), 10, 0.34),
        Fold(path("M 456 880 C 462 930 458 990 452 1060"), 16, -0.32),
        Fold(path("M 412 610 C 424 690 436 760 438 810"), 20, 0.3),
    ]
    _limb(sketch, skin, path(leg), shade=shade)
    for outline in (shoe := _shoe(), mirror(shoe, AXIS)):
        sketch.piece(outline, plain((212, 190, 168)), edge=0.45, round_=8, cast=0.3)


def _shoe() -> Line:
    return path(
        "M 435 1086 C 428 1108 428 1140 446 1148 C 458 1151 472 1148 476 1138 C 480 1120 470 1102 467 1086"
        " C 466 1104 462 1117 452 1117 C 442 1117 437 1104 435 1086"
    )


def _shorts(sketch: Sketch, cloth: Cloth) -> None:
    leg = path("M 400 522 L 487 522 C 500 580 499 620 492 682 Q 452 692 416 682 C 412 650 406 620 402 596 L 400 596")
    folds = [
        Fold(path("M 404 596 C 420 592 440 582 452 566"), 12, 0.3),
        Fold(path("M 464 540 C 468 590 462 640 456 684"), 26, -0.3),
        Fold(path("M 486 560 C 488 600 484 650 480 684"), 14, 0.3),
    ]
    sketch.piece(leg, cloth, edge=0.45, round_=14, cast=0.3, folds=folds)
    flipped = [Fold(mirror(fold.line, AXIS), fold.width, fold.strength) for fold in folds]
    sketch.piece(mirror(leg, AXIS), cloth, edge=0.45, round_=14, cast=0.3, folds=flipped)
    hem = path("M 417 674 Q 452 684 492 674")
    for line in (hem, mirror(hem, AXIS)):
        sketch.stitch(line, cloth.ink, width=1, on=4, off=3)


def _collarbones() -> list[Fold]:
    bone = path("M 406 250 C 426 238 448 238 478 250")
    glow = path("M 410 258 C 430 250 450 250 476 260")
    return [
        fold
        for line, strength in ((bone, 0.34), (glow, -0.25))
        for fold in (Fold(line, 9, strength), Fold(mirror(line, AXIS), 9, strength))
    ]


def _tank_folds() -> list[Fold]:
    right = [
        Fold(path("M 476 344 C 460 372 436 380 412 374"), 18, 0.2),
        Fold(path("M 456 320 C 450 340 440 352 428 356"), 26, -0.4),
        Fold(path("M 462 452 C 466 480 474 506 478 530"), 14, 0.3),
    ]
    return right + [Fold(mirror(fold.line, AXIS), fold.width, fold.strength) for fold in right]


def _man_arms(sketch: Sketch, skin: Color) -> None:
    arm = (
        "M 512 310 L 548 310 C 556 350 562 396 572 440 C 580 486 590 530 597 570 L 572 576"
        " C 554 540 538 496 530 450 C 518 400 508 350 500 310"
    )
    _limb(sketch, skin, path(arm), _hand(586, 572, 1.1))
    _knuckles(sketch, skin, 586, 572, 1.1)


def _limb(sketch: Sketch, skin: Color, outline: Line, joined: Sequence[Line] = (), shade: Sequence[Fold] = ()) -> None:
    flipped = [Fold(mirror(fold.line, AXIS), fold.width, fold.strength) for fold in shade]
    sketch.piece(outline, plain(skin), edge=0.42, round_=13, folds=shade, joined=joined)
    mirrored = [mirror(part, AXIS) for part in joined]
    sketch.piece(mirror(outline, AXIS), plain(skin), edge=0.42, round_=13, folds=flipped, joined=mirrored)


def _hand(x: float, y: float, size: float) -> list[Line]:
    """The palm, the fingers and the thumb of a relaxed hand below a wrist at (x, y)."""

    def at(points: Line) -> Line:
        return [(x + dx * size, y + dy * size) for dx, dy in points]

    palm = path("M -12 -8 C -16 14 -15 34 -10 50 L 16 50 C 20 34 14 12 6 -8")
    bones = (
        (path("M -6 44 Q -7 64 -4 80"), 7.4),
        (path("M 1.5 46 Q 2 72 4 90"), 7.8),
        (path("M 9 46 Q 11 70 12 87"), 7.6),
        (path("M 14.5 42 Q 18 62 19 74"), 6.6),
        (path("M -10 10 Q -19 24 -18 46"), 8.6),
    )
    fingers = [part for line, width in bones for part in (ribbon(line, width, taper=False), disc(*line[-1], width / 2))]
    return [at(part) for part in (palm, *fingers)]


def _knuckles(sketch: Sketch, skin: Color, x: float, y: float, size: float) -> None:
    for data in ("M -2 50 L 0 78", "M 5.5 50 L 7.5 82", "M 12 50 L 15.5 74", "M -14 26 Q -10 34 -13 46"):
        line = [(x + dx * size, y + dy * size) for dx, dy in path(data)]
        for side in (line, mirror(line, AXIS)):
            sketch.pen(side, darker(skin, 0.6), 1.7, 0.8)


def _trousers(sketch: Sketch, cloth: Cloth) -> None:
    leg = path(
        "M 400 520 L 484 520 C 502 600 504 700 498 800 C 494 900 490 1000 484 1092 Q 456 1102 428 1094"
        " C 424 1000 420 900 418 820 C 414 740 408 680 402 622 L 400 620"
    )
    folds = [
        Fold(path("M 404 622 C 424 614 440 596 452 576"), 14, 0.22),
        Fold(path("M 406 636 C 426 638 446 630 464 618"), 12, 0.18),
        Fold(path("M 462 580 C 468 720 462 880 456 1090"), 30, -0.34),
        Fold(path("M 430 1060 C 446 1076 466 1076 484 1062"), 12, 0.2),
        Fold(path("M 428 700 C 434 820 436 960 440 1090"), 18, 0.34),
    ]
    flipped = [Fold(mirror(fold.line, AXIS), fold.width, fold.strength) for fold in folds]
    sketch.piece(leg, cloth, edge=0.55, round_=14, folds=folds)
    sketch.piece(mirror(leg, AXIS), cloth, edge=0.55, round_=14, folds=flipped)
    pocket = path("M 462 548 C 472 570 484 590 494 602")
    for line in (pocket, mirror(pocket, AXIS)):
        sketch.pen(line, cloth.ink, 3)
    sketch.pen(path("M 400 540 C 401 570 401 600 400 622"), cloth.ink, 3)


def _tee(sketch: Sketch, cloth: Cloth) -> None:
    sleeve = path("M 470 238 L 508 245 C 540 254 556 280 562 320 L 570 396 Q 544 410 514 404 L 500 330")
    for outline in (sleeve, mirror(sleeve, AXIS)):
        sketch.piece(outline, cloth, edge=0.45, round_=14)
    right = [
        Fold(path("M 500 336 C 478 372 446 386 412 384"), 22, 0.12),
        Fold(path("M 478 470 C 480 510 476 540 480 556"), 18, 0.28),
        Fold(path("M 452 480 C 450 510 446 540 448 560"), 14, 0.24),
    ]
    body = _whole(
        "M 400 268 C 430 266 446 250 452 230 C 480 236 506 242 522 252 C 510 280 506 310 508 344"
        " C 502 400 492 450 490 490 L 492 556 Q 440 566 400 566"
    )
    folds = right + [Fold(mirror(fold.line, AXIS), fold.width, fold.strength) for fold in right]
    sketch.piece(body, cloth, edge=0.42, round_=18, cast=0.3, folds=folds)
    for line in ("M 400 275 C 434 273 452 254 459 233", "M 516 396 Q 546 401 569 388"):
        for side in (path(line), mirror(path(line), AXIS)):
            sketch.stroke(side, cloth.ink, 1, 0.7)
    sketch.stitch(path("M 309 548 Q 360 558 400 558 Q 440 558 491 548"), cloth.ink, width=1, on=4, off=3)


def _trainer(sketch: Sketch, side: int) -> None:
    upper = path("M 430 1080 C 422 1112 424 1140 430 1148 L 488 1148 C 494 1132 488 1106 484 1080")
    sole = path("M 426 1142 Q 458 1150 491 1142 L 491 1156 Q 458 1164 426 1156")
    for outline, color in ((upper, (236, 234, 230)), (sole, (206, 202, 196))):
        laid = outline if side == 1 else mirror(outline, AXIS)
        sketch.piece(laid, plain(color), edge=0.45, round_=8)
    for y in (1106, 1116, 1126):
        lace = path(f"M 444 {y} L 470 {y}")
        sketch.stroke(lace if side == 1 else mirror(lace, AXIS), (150, 148, 146), 2.2)


def _whole(data: str) -> Line:
    return folded(data, AXIS)


def _placed(sketch: Sketch) -> Image.Image:
    return sketch.finished(margin=44)
