"""The demo's four dresses."""

from __future__ import annotations

from PIL import Image

from catalogs.samples.curves import band, folded, mirror, path
from catalogs.samples.fabrics import dotted, floral, gingham, plain
from catalogs.samples.sketch import Cloth, Fold, Sketch, creases, darker, lighter

__all__ = ["gingham_sundress", "slip_dress", "tea_dress", "wrap_dress"]


def tea_dress() -> Image.Image:
    """A floral tea dress with puff sleeves and a tied waist, on deep teal."""
    sketch = Sketch()
    teal = (34, 74, 84)
    petals = ((238, 214, 196), (228, 138, 120), (244, 236, 220))
    print_ = floral(teal, petals, (116, 156, 122), 5)
    sketch.piece(band("M 236 60 Q 300 70 364 60", "M 236 60 Q 300 250 364 60"), plain(darker(teal, 0.4)))
    sketch.pair(
        path("M 380 100 L 392 62 C 440 50 484 84 496 140 C 504 180 496 206 486 216 Q 452 232 424 214 L 396 190"),
        print_,
        turn=20,
        round_=18,
        folds=creases(
            ("M 412 76 C 436 110 450 160 456 220", 16, 0.45),
            ("M 440 80 C 468 120 474 170 472 216", 16, -0.35),
            ("M 430 150 C 436 180 438 200 438 222", 10, 0.45),
            ("M 402 110 C 418 140 424 180 428 212", 12, 0.4),
        ),
    )
    sketch.pair(path("M 422 210 Q 454 228 488 212 L 488 230 Q 456 246 424 228"), print_, edge=0.4, round_=6, cast=0.3)
    skirt = folded("M 300 318 L 378 318 C 412 420 462 560 484 728 Q 400 758 300 760")
    sketch.piece(skirt, print_, round_=26, folds=_flare())
    bodice = folded(
        "M 300 150 C 330 130 352 96 364 58 L 398 66 C 390 120 392 160 410 206 C 402 260 386 290 382 326 L 300 330"
    )
    sketch.piece(
        bodice,
        print_,
        cast=0.35,
        round_=18,
        folds=creases(
            ("M 344 240 C 348 270 346 300 344 330", 12, 0.4),
            ("M 322 250 C 324 280 324 300 322 330", 10, 0.32),
            ("M 366 150 C 356 190 352 220 354 260", 26, -0.35),
            ("M 404 212 C 388 240 376 250 360 256", 14, 0.35),
        ),
    )
    for y in range(176, 320, 30):
        sketch.button(300, y, 4.6, (240, 226, 206))
    _sash(sketch, plain(darker(teal, 0.18)))
    return sketch.finished()


def _flare() -> list[Fold]:
    return creases(
        ("M 316 330 C 330 480 342 620 350 790", 30, 0.5),
        ("M 332 330 C 356 470 374 620 386 780", 26, -0.4),
        ("M 348 330 C 378 460 404 620 420 780", 30, 0.52),
        ("M 366 340 C 404 470 438 600 456 770", 24, -0.34),
        ("M 304 340 C 308 480 312 620 316 790", 26, -0.3),
    )


def _sash(sketch: Sketch, cloth: Cloth) -> None:
    for tail in (
        "M 296 334 C 284 380 276 420 262 470 L 286 478 C 296 430 304 380 308 336",
        "M 298 334 C 316 380 324 430 332 492 L 354 486 C 346 430 330 376 310 332",
    ):
        sketch.piece(path(tail), cloth, edge=0.35, round_=8, cast=0.45)
    sketch.piece(
        band("M 216 314 Q 300 324 384 314", "M 216 340 Q 300 350 384 340"), cloth, edge=0.4, round_=7, cast=0.4
    )
    loop = path("M 302 328 C 322 306 350 306 358 318 C 362 334 344 350 328 348 C 316 346 306 340 302 334")
    sketch.pair(loop, cloth, edge=0.5, round_=7, cast=0.4)
    sketch.piece(path("M 292 322 Q 300 318 308 322 L 309 344 Q 300 350 291 344"), cloth, edge=0.5, round_=5, cast=0.4)


def gingham_sundress() -> Image.Image:
    """A tiered gingham sundress with tied straps, in sage and white."""
    sketch = Sketch()
    sage = (116, 148, 112)
    check = gingham((250, 248, 240), sage, 11)
    for line in ("M 356 128 C 360 100 366 76 370 52", "M 356 128 C 364 104 374 78 382 56"):
        for strap in (path(line), mirror(path(line))):
            sketch.piece([*strap, *[(x + 9, y) for x, y in strap[::-1]]], check, edge=0.3, round_=4)
    knot = path("M 374 58 C 392 30 414 38 410 56 C 404 68 388 66 376 62")
    sketch.pair(knot, check, edge=0.4, round_=5)
    sketch.pair(path("M 378 60 C 362 36 342 42 346 58 C 352 68 366 66 374 62"), check, edge=0.4, round_=5)
    _tier(sketch, check, (574, 765), (440, 500), 13)
    _tier(sketch, check, (420, 596), (392, 452), 11)
    _tier(sketch, check, (278, 442), (360, 404), 9)
    bodice = folded(
        "M 300 150 Q 336 146 352 122 Q 366 118 376 124 C 380 160 384 180 392 204 C 388 240 374 266 368 292 L 300 294"
    )
    sketch.piece(
        bodice,
        check,
        cast=0.35,
        round_=18,
        folds=creases(
            ("M 388 206 C 370 226 350 236 330 238", 14, 0.3), ("M 346 150 C 340 190 342 220 344 250", 24, -0.3)
        ),
    )
    for y in range(226, 292, 9):
        sketch.stitch(
            path(f"M {224 + (y - 226) * 0.14} {y} Q 300 {y + 6} {376 - (y - 226) * 0.14} {y}"),
            darker(sage, 0.3),
            width=1.3,
            on=3,
            off=3,
        )
    sketch.piece(
        band("M 224 122 Q 248 146 300 148 Q 352 146 376 122", "M 222 132 Q 248 158 300 160 Q 352 158 378 132"),
        check,
        edge=0.4,
        round_=4,
        cast=0.3,
    )
    return sketch.finished()


def _tier(sketch: Sketch, cloth: Cloth, span: tuple[int, int], reach: tuple[int, int], gathers: int) -> None:
    top, foot = span
    width = 2 * gathers
    outline = folded(
        f"M 300 {top} L {reach[0]} {top} C {reach[0] + 22} {top + 30} {reach[1] - 8} {foot - 70} {reach[1]} {foot - 16}"
        f" Q {(reach[1] + 300) / 2} {foot} 300 {foot}"
    )
    folds: list[Fold] = []
    for number in range(gathers + 1):
        share = number / gathers * 2 - 1
        near, far = 300 + share * (reach[0] - 300), 300 + share * (reach[1] - 300)
        length = (foot - top) * (0.62 if number % 2 else 1.1)
        folds.append(Fold(path(f"M {near} {top - 10} L {near + (far - near) * 0.9} {top + length}"), width * 0.55, 0.3))
    folds += creases((f"M {reach[0] - 34} {top} L {reach[1] - 44} {foot}", width * 1.6, -0.3))
    sketch.piece(outline, cloth, folds=folds, round_=18, cast=0.4)


def slip_dress() -> Image.Image:
    """A midnight satin slip dress cut on the bias, with a cowl neck."""
    sketch = Sketch()
    midnight = (38, 42, 84)
    satin = plain(midnight)
    for strap in (path("M 352 150 C 352 124 348 108 342 86"), mirror(path("M 352 150 C 352 124 348 108 342 86"))):
        sketch.piece([*strap, *[(x + 5, y) for x, y in strap[::-1]]], satin, edge=0.2, round_=3)
    back = band("M 250 160 Q 300 176 350 160", "M 250 160 Q 300 260 350 160")
    sketch.piece(back, plain(darker(midnight, 0.5)))
    dress = folded(
        "M 300 206 Q 336 190 352 146 L 362 148 C 374 176 384 196 394 210 C 384 270 372 300 372 340"
        " C 384 400 408 440 414 500 C 424 600 436 680 446 748 Q 380 764 300 766"
    )
    sketch.piece(
        dress,
        satin,
        round_=26,
        edge=0.62,
        folds=creases(
            ("M 352 160 C 344 196 324 218 300 226", 12, -0.5),
            ("M 358 176 C 346 220 326 240 300 248", 14, 0.5),
            ("M 364 196 C 350 240 326 258 300 268", 14, -0.42),
            ("M 376 212 C 358 262 330 282 300 290", 14, 0.4),
            ("M 344 300 C 340 360 376 440 372 560 C 372 640 380 700 384 752", 36, -0.62),
            ("M 320 330 C 322 440 342 540 338 640 C 338 690 340 720 342 756", 24, 0.5),
            ("M 368 350 C 388 420 404 480 404 560 C 410 640 420 700 424 750", 22, -0.34),
            ("M 300 380 C 312 480 306 600 312 760", 26, -0.4),
            ("M 388 430 C 398 520 404 620 408 750", 18, 0.5),
            ("M 366 330 C 344 346 322 350 304 350", 12, 0.42),
        ),
    )
    hem = path("M 156 736 Q 220 752 300 753 Q 380 752 444 736")
    sketch.stitch(hem, lighter(midnight, 0.25), width=1, on=3, off=3)
    return sketch.finished()


def wrap_dress() -> Image.Image:
    """A polka-dot wrap dress with three-quarter sleeves, cream on poppy red."""
    sketch = Sketch()
    poppy = (190, 52, 54)
    dots = dotted(poppy, (250, 240, 226), 26, 4.2)
    sketch.piece(band("M 250 60 Q 300 70 350 60", "M 250 60 Q 300 330 350 60"), plain(darker(poppy, 0.42)))
    sketch.pair(
        path("M 376 110 L 388 68 C 440 78 460 120 470 190 L 500 372 Q 470 392 440 386 L 412 230 L 380 220"),
        dots,
        turn=10,
        folds=creases(
            ("M 428 120 C 446 200 458 280 466 376", 22, -0.36),
            ("M 416 220 C 430 280 440 330 448 384", 18, 0.42),
            ("M 418 244 Q 444 258 468 238", 12, 0.4),
            ("M 476 280 C 480 320 486 350 490 374", 12, 0.36),
        ),
    )
    skirt = folded("M 300 320 L 376 320 C 410 390 430 450 438 520 C 446 600 456 680 464 744 Q 390 764 300 764")
    sketch.piece(skirt, dots, round_=26, folds=_flare()[::2])
    flap = "M 226 322 L 376 322 C 410 390 430 450 438 520 C 446 600 456 680 464 744 Q 420 756 376 760 C 372 640 340 470 252 336"
    sketch.piece(
        path(flap),
        dots,
        cast=0.6,
        edge=0.42,
        folds=[
            Fold(path("M 364 330 C 392 470 412 620 420 770"), 26, 0.42),
            Fold(path("M 340 330 C 376 450 396 600 402 770"), 22, -0.34),
            Fold(path("M 378 340 C 420 460 436 600 444 770"), 22, -0.3),
            Fold(path("M 320 330 C 352 430 374 560 384 700"), 20, 0.4),
        ],
    )
    left = path(
        "M 250 58 L 212 68 C 220 120 216 170 196 224 C 208 270 220 290 222 326 L 352 326 C 330 260 282 170 250 58"
    )
    right = path(
        "M 350 58 L 388 68 C 380 120 384 170 404 224 C 392 270 380 290 378 326 L 222 326 C 226 290 320 180 350 58"
    )
    for side in (left, right):
        sketch.piece(
            side,
            dots,
            cast=0.5,
            round_=16,
            folds=creases(
                ("M 400 226 C 372 262 340 290 300 310", 16, 0.36),
                ("M 390 250 C 366 284 344 300 320 318", 12, -0.3),
                ("M 364 120 C 366 170 360 210 344 250", 22, -0.3),
            ),
        )
    _tie(sketch, plain(darker(poppy, 0.2)))
    return sketch.finished()


def _tie(sketch: Sketch, cloth: Cloth) -> None:
    sketch.piece(
        band("M 220 312 Q 300 322 380 312", "M 219 340 Q 300 350 381 340"), cloth, edge=0.4, round_=7, cast=0.4
    )
    for tail in (
        "M 236 334 C 226 390 222 430 208 486 L 232 492 C 242 440 248 390 250 336",
        "M 240 334 C 256 380 262 420 266 464 L 288 458 C 280 410 268 370 252 332",
    ):
        sketch.piece(path(tail), cloth, edge=0.35, round_=8, cast=0.45)
    for loop in (
        "M 244 328 C 262 302 296 304 300 320 C 300 336 276 350 256 342",
        "M 240 328 C 226 304 192 306 190 322 C 192 338 220 350 236 342",
    ):
        sketch.piece(path(loop), cloth, edge=0.5, round_=7, cast=0.4)
    sketch.piece(path("M 233 320 Q 242 316 252 320 L 253 344 Q 242 350 232 344"), cloth, edge=0.5, round_=5, cast=0.4)
