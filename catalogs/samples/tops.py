"""The demo's four tops."""

from __future__ import annotations

from PIL import Image

from catalogs.samples.curves import band, folded, mirror, path
from catalogs.samples.fabrics import breton, knit, plain, ribbed
from catalogs.samples.sketch import Sketch, creases, darker, lighter

__all__ = ["bow_blouse", "breton_tee", "cable_sweater", "oxford_shirt"]


def breton_tee() -> Image.Image:
    """A boat-neck tee with three-quarter sleeves, navy on ecru."""
    sketch = Sketch()
    ecru, navy = (244, 238, 224), (40, 54, 92)
    cloth = breton(ecru, navy, 22, 8)
    sketch.piece(band("M 192 92 Q 300 108 408 92", "M 192 92 Q 300 190 408 92"), plain(darker(ecru, 0.16)))
    sketch.pair(
        path("M 400 130 L 430 100 C 492 108 514 160 528 230 L 566 446 Q 536 468 500 464 L 462 300 L 410 300"),
        cloth,
        turn=12,
        folds=creases(
            ("M 478 170 C 500 240 512 330 524 430", 26, -0.3),
            ("M 470 250 C 490 300 500 360 508 450", 22, 0.32),
            ("M 540 330 C 546 380 552 420 556 440", 16, 0.3),
            ("M 470 290 Q 500 300 524 284", 12, 0.3),
        ),
    )
    body = folded(
        "M 300 136 Q 366 136 410 90 L 446 106 C 428 160 432 230 464 292 C 456 380 446 430 452 500"
        " C 456 570 462 590 466 636 Q 390 650 300 650"
    )
    sketch.piece(
        body,
        cloth,
        round_=22,
        cast=0.35,
        folds=creases(
            ("M 446 300 C 420 340 390 360 352 372", 22, 0.26),
            ("M 450 420 C 420 440 392 446 362 444", 20, 0.22),
            ("M 424 500 C 428 580 420 600 424 640", 26, 0.3),
            ("M 352 470 C 360 560 350 600 356 644", 30, 0.2),
            ("M 386 480 C 392 560 388 600 390 640", 26, -0.3),
            ("M 362 200 C 380 250 372 300 350 340", 34, -0.3),
        ),
    )
    neck = band("M 190 90 Q 234 138 300 138 Q 366 138 410 90", "M 184 94 Q 232 150 300 150 Q 368 150 416 94")
    sketch.piece(neck, plain(ecru), edge=0.25, round_=5, cast=0.2)
    sketch.stitch(path("M 137 627 Q 210 639 300 639 Q 390 639 463 627"), darker(ecru, 0.35))
    for cuff in (path("M 499 454 Q 534 458 564 437"), mirror(path("M 499 454 Q 534 458 564 437"))):
        sketch.stitch(cuff, darker(ecru, 0.35))
    return sketch.finished()


def bow_blouse() -> Image.Image:
    """A rose silk blouse with full sleeves and a bow at the neck."""
    sketch = Sketch()
    rose = (214, 140, 146)
    silk = plain(rose)
    sketch.piece(band("M 246 90 Q 300 100 354 90", "M 246 90 Q 300 180 354 90"), plain(darker(rose, 0.3)))
    sketch.pair(
        path(
            "M 396 130 L 416 100 C 480 116 502 190 520 280 C 536 370 574 460 566 556 C 562 590 548 604 530 606"
            " C 512 610 496 604 488 590 C 478 500 462 400 450 310 L 400 300"
        ),
        silk,
        folds=creases(
            ("M 470 180 C 500 300 536 420 546 580", 30, -0.5),
            ("M 452 240 C 484 360 500 480 512 596", 24, 0.42),
            ("M 440 140 C 480 190 500 250 512 330", 18, 0.3),
            ("M 520 330 C 544 420 558 500 556 580", 18, 0.4),
            ("M 484 420 C 496 480 502 530 506 580", 18, -0.4),
            ("M 528 520 C 532 550 534 570 532 600", 10, 0.5),
        ),
    )
    sketch.pair(
        path("M 490 586 Q 526 612 566 588 L 562 632 Q 528 650 494 632"),
        silk,
        edge=0.4,
        round_=8,
        cast=0.25,
        folds=creases(("M 528 602 L 528 642", 16, -0.4)),
    )
    body = folded(
        "M 300 130 Q 338 116 352 88 L 424 106 C 412 170 420 240 450 306 C 440 390 430 430 434 490"
        " C 440 560 454 600 460 640 C 420 668 350 674 300 672"
    )
    sketch.piece(
        body,
        silk,
        round_=24,
        cast=0.35,
        folds=creases(
            ("M 386 112 C 384 220 396 330 384 440", 26, -0.42),
            ("M 360 112 C 352 240 366 360 354 470", 16, 0.34),
            ("M 412 130 C 408 220 424 320 420 420", 18, 0.34),
            ("M 424 480 C 436 570 438 600 440 650", 26, 0.4),
            ("M 384 470 C 400 560 402 600 398 664", 28, -0.5),
            ("M 350 480 C 356 570 350 610 354 668", 22, 0.34),
            ("M 322 300 C 330 420 320 520 326 668", 20, -0.28),
            ("M 446 310 C 424 340 410 350 390 356", 16, 0.3),
        ),
    )
    sketch.stroke(path("M 312 150 C 310 340 311 520 311 672"), silk.ink, 1.3, 0.7)
    sketch.stroke(path("M 288 150 C 290 340 289 520 289 672"), silk.ink, 1.3, 0.45)
    for y in range(262, 660, 72):
        sketch.button(300, y, 6.5, lighter(rose, 0.62))
    _bow(sketch, rose)
    return sketch.finished()


def _bow(sketch: Sketch, rose: tuple[int, int, int]) -> None:
    silk = plain(lighter(rose, 0.07))
    collar = band("M 242 92 Q 262 118 300 132 Q 338 118 358 92", "M 240 112 Q 258 142 300 158 Q 342 142 360 112")
    sketch.piece(collar, silk, edge=0.35, round_=6, cast=0.4)
    sketch.piece(
        path("M 296 156 C 276 210 262 270 240 336 L 276 350 C 296 286 304 220 308 160"),
        silk,
        round_=10,
        cast=0.5,
        folds=creases(("M 296 170 C 286 220 274 280 260 336", 12, -0.4)),
    )
    sketch.piece(
        path("M 298 156 C 322 220 334 300 342 376 L 376 366 C 364 290 342 210 314 158"),
        silk,
        round_=10,
        cast=0.5,
        folds=creases(("M 308 170 C 332 230 346 300 356 364", 12, -0.4)),
    )
    sketch.pair(
        path("M 304 146 C 330 108 380 100 398 120 C 412 150 398 196 380 202 C 350 204 322 184 304 164"),
        silk,
        round_=12,
        cast=0.5,
        folds=creases(
            ("M 312 152 C 340 140 364 138 388 146", 12, -0.5),
            ("M 310 158 C 336 164 356 176 372 192", 10, 0.5),
            ("M 312 148 C 334 128 356 116 378 116", 8, 0.4),
        ),
    )
    sketch.piece(
        path("M 286 140 Q 300 132 314 140 Q 320 158 314 174 Q 300 182 286 174 Q 280 158 286 140"),
        silk,
        round_=8,
        cast=0.5,
    )


def oxford_shirt() -> Image.Image:
    """A man's pale blue shirt with a button-down collar and a chest pocket."""
    sketch = Sketch()
    blue = (176, 203, 232)
    cloth = breton(blue, lighter(blue, 0.22), 4, 2)
    inside = plain(darker(blue, 0.28))
    thread = darker(blue, 0.32)
    sketch.piece(band("M 240 72 Q 300 56 360 72", "M 240 76 Q 300 240 360 76"), inside)
    sleeve = "M 410 140 L 440 108 C 506 122 518 196 528 280 L 572 590 Q 542 606 506 602 L 464 330 L 410 330"
    sketch.pair(
        path(sleeve),
        cloth,
        turn=8,
        folds=creases(
            ("M 482 180 C 510 300 526 440 540 580", 26, -0.45),
            ("M 470 280 C 490 380 504 490 516 590", 22, 0.32),
            ("M 476 330 Q 506 350 530 326", 14, 0.3),
            ("M 490 450 Q 520 470 548 440", 14, 0.26),
            ("M 540 420 C 550 480 556 540 560 586", 14, 0.3),
        ),
    )
    cuff = "M 505 598 Q 540 604 573 586 L 580 642 Q 546 660 510 654"
    sketch.pair(path(cuff), cloth, turn=8, edge=0.4, round_=8, cast=0.25)
    for line in (path("M 510 606 Q 540 612 570 597"), path("M 514 646 Q 546 651 575 636")):
        sketch.stitch(line, thread, width=1.1, on=4, off=3)
        sketch.stitch(mirror(line), thread, width=1.1, on=4, off=3)
    body = folded(
        "M 300 150 L 362 78 C 392 92 420 100 450 114 C 434 180 438 260 466 330 C 460 420 458 480 460 560"
        " C 462 620 462 650 456 676 C 430 690 400 700 372 716 C 350 728 320 730 300 730"
    )
    sketch.piece(
        body,
        cloth,
        round_=20,
        cast=0.35,
        folds=creases(
            ("M 448 340 C 420 376 390 392 350 402", 22, 0.24),
            ("M 436 480 C 432 560 438 620 432 680", 24, 0.28),
            ("M 400 430 C 404 540 396 620 398 700", 30, -0.4),
            ("M 360 470 C 366 560 356 640 360 716", 24, 0.22),
            ("M 420 150 C 410 220 420 280 430 330", 22, -0.35),
        ),
    )
    sketch.stroke(path("M 372 84 C 396 116 420 134 444 142"), cloth.ink, 1.2, 0.6)
    sketch.stroke(mirror(path("M 372 84 C 396 116 420 134 444 142")), cloth.ink, 1.2, 0.6)
    sketch.piece(path("M 284 152 L 318 152 L 318 729 L 284 729"), cloth, edge=0.25, round_=5, cast=0.12, line=1.0)
    for x in (289, 313):
        sketch.stitch([(x, 160), (x, 724)], thread, width=1.1, on=4, off=3)
    for y in range(196, 720, 82):
        sketch.button(301, y, 6, (245, 244, 238))
    pocket = path("M 348 262 L 426 262 L 426 340 L 387 358 L 348 340")
    sketch.piece(pocket, cloth, edge=0.25, round_=6, cast=0.2, line=1.2)
    sketch.stitch([(350, 276), (424, 276)], thread, width=1.1, on=4, off=3)
    sketch.stitch(path("M 352 264 L 352 337 L 387 353 L 422 337 L 422 264"), thread, width=1.1, on=4, off=3)
    _button_down(sketch)
    return sketch.finished()


def _button_down(sketch: Sketch) -> None:
    blue = (176, 203, 232)
    cloth = breton(lighter(blue, 0.12), lighter(blue, 0.3), 4, 2)
    stand = band("M 240 74 Q 300 62 360 74", "M 242 96 Q 300 84 358 96")
    sketch.piece(stand, plain(darker(blue, 0.2)), edge=0.3, round_=6)
    wing = (
        "M 300 152 C 322 136 346 104 358 70 C 366 76 372 84 376 92 C 378 130 374 168 366 204 C 344 194 320 176 300 152"
    )
    sketch.pair(path(wing), cloth, edge=0.3, round_=9, cast=0.45)
    inner = path("M 306 152 C 326 170 346 186 362 196 C 368 166 371 130 370 96")
    for line in (inner, mirror(inner)):
        sketch.stitch(line, darker(blue, 0.32), width=1.1, on=4, off=3)
    for x in (358, 242):
        sketch.button(x, 186, 4.2, (245, 244, 238))


def cable_sweater() -> Image.Image:
    """A man's forest-green crew-neck sweater with three cables."""
    sketch = Sketch()
    green = (62, 96, 78)
    cloth, rib = knit(green), ribbed(darker(green, 0.06), 9)
    sketch.piece(band("M 232 84 Q 300 66 368 84", "M 232 84 Q 300 230 368 84"), plain(darker(green, 0.45)))
    sketch.pair(
        path("M 390 140 L 420 100 C 496 110 518 190 530 270 L 574 566 Q 546 586 502 580 L 466 340 L 400 330"),
        cloth,
        turn=8,
        round_=20,
        edge=0.6,
        folds=creases(
            ("M 480 180 C 512 300 528 430 544 560", 34, -0.32),
            ("M 470 300 C 492 400 502 480 512 570", 26, 0.42),
            ("M 474 350 Q 506 372 534 344", 18, 0.4),
            ("M 490 480 Q 524 500 556 470", 16, 0.36),
        ),
    )
    sketch.pair(path("M 502 578 Q 546 584 574 564 L 574 634 Q 546 650 512 642"), rib, turn=6, round_=10, cast=0.35)
    body = folded(
        "M 300 150 Q 346 140 366 84 L 428 104 C 430 180 436 270 468 338 C 466 440 464 540 462 640 Q 380 652 300 652"
    )
    sketch.piece(
        body,
        cloth,
        round_=26,
        edge=0.6,
        cast=0.4,
        folds=creases(
            ("M 450 350 C 424 384 404 396 376 404", 26, 0.36),
            ("M 440 480 C 436 540 440 600 436 640", 28, 0.36),
            ("M 412 460 C 416 530 408 590 412 640", 28, -0.2),
            ("M 430 130 C 420 200 424 260 440 310", 24, -0.24),
        ),
    )
    for x, top in ((300, 172), (226, 232), (374, 232)):
        _cable(sketch, x, top, 640, green)
    sketch.piece(folded("M 300 648 Q 384 648 463 636 L 458 702 Q 384 716 300 716"), rib, round_=12, cast=0.4)
    sketch.piece(
        band("M 232 82 Q 252 150 300 152 Q 348 150 368 82", "M 216 90 Q 244 178 300 180 Q 356 178 384 90"),
        ribbed(darker(green, 0.06), 8),
        edge=0.4,
        round_=7,
        cast=0.4,
    )
    return sketch.finished()


def _cable(sketch: Sketch, x: float, top: int, bottom: int, green: tuple[int, int, int]) -> None:
    strand = plain(lighter(green, 0.1))
    for edge in (-25, 25):
        sketch.pen(path(f"M {x + edge} {top} L {x + edge} {bottom}"), darker(green, 0.5), 4, 0.5)
    for y in range(top, bottom - 30, 44):
        for side in (-1, 1):
            near, far = x + side * 15, x - side * 15
            outline = path(
                f"M {near - 10} {y} C {near - 10} {y + 22} {far - 10} {y + 26} {far - 10} {y + 52}"
                f" L {far + 10} {y + 52} C {far + 10} {y + 26} {near + 10} {y + 22} {near + 10} {y}"
            )
            sketch.piece(outline, strand, edge=0.55, round_=6, cast=0.3, line=1.0)
