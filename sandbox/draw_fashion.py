"""Fashion models: a person in the given garments, in a studio or wherever the words say."""

from __future__ import annotations

import random

from PIL import Image

from sandbox.draw_backdrop import backdrop_words, ground_shadow, studio
from sandbox.draw_dressed import Bearing, dressed
from sandbox.draw_file import capped, facts_of, finish, seed_of
from sandbox.draw_garment import Garment, garment_from
from sandbox.draw_person import gender_in, look_of
from sandbox.draw_place import place
from sandbox.draw_portrait import Sitter, sitter_of
from sandbox.orders import Drawn, FashionOrder

__all__ = ["bearing_of", "fashion", "stand"]

# A figure's crown and soles within the picture, in shares of its height.
FULL_BODY = (0.075, 0.945)
CLOSE_WORDS = ("upper body", "half body", "half-body", "waist up", "portrait", "close-up", "close up", "torso")
CLOSE_ZOOM = 1.75


def fashion(order: FashionOrder) -> Drawn:
    """Draw the order's pictures."""
    facts = facts_of(order.inputs[-1])
    size = capped(order.size or (facts.width, facts.height), order.frame.longest_side)
    alone = len(order.clothing) == 1
    garments = [garment_from(data, n, alone) for n, data in enumerate(order.clothing)]
    seed = seed_of(order.frame.seed, *order.clothing, order.person, order.pose, order.background)
    sitter = _sitter(order, garments, seed)
    pictures = [_picture(order, garments, sitter, size, seed + n) for n in range(order.frame.count)]
    return finish(order.frame, order.inputs, pictures)


def _sitter(order: FashionOrder, garments: list[Garment], seed: int) -> Sitter:
    gender = gender_in(f"{order.pose} {order.background}")
    if order.person is not None:
        return sitter_of(order.person, order.frame.seed, gender)
    if gender is None and any(one.kind == "dress" for one in garments):
        gender = "woman"
    return Sitter(look_of(seed, gender))


def _picture(
    order: FashionOrder, garments: list[Garment], sitter: Sitter, size: tuple[int, int], seed: int
) -> Image.Image:
    words = order.background
    ground = studio(size, words, seed // 7 % 12) if backdrop_words(words) else place(size, words, seed // 7 % 3).picture
    picture = ground.copy()
    stand(picture, sitter, garments, bearing_of(order.pose, seed), zoom=_zoom(order.pose), seed=seed)
    return picture


def _zoom(pose: str) -> float:
    return CLOSE_ZOOM if any(word in pose.lower() for word in CLOSE_WORDS) else 1.0


def bearing_of(pose: str, seed: int) -> Bearing:
    """How the person stands: as the words say, else one of a few ways."""
    words = pose.lower()
    if "hip" in words:
        return Bearing(40, 40, 62)
    if "walk" in words or "stride" in words:
        return Bearing(20, 8, 10, (20, 66))
    if "arms open" in words or "wide" in words:
        return Bearing(44, 44, 6, (58, 58))
    ways = (Bearing(), Bearing(10, 16, 8, (36, 50)), Bearing(16, 12, 12, (50, 40)), Bearing(12, 12, 4, (34, 34)))
    return ways[seed % len(ways)]


def stand(
    picture: Image.Image, sitter: Sitter, garments: list[Garment], bearing: Bearing, *, zoom: float, seed: int
) -> None:
    """Put the dressed person onto the picture, soles on its floor."""
    w, h = picture.size
    crown, soles = FULL_BODY
    height = round(min((soles - crown) * h, w * 1.75) * zoom)
    sheet, person = dressed(sitter, garments, bearing, height)
    shift = random.Random(seed).uniform(-0.02, 0.02) * w
    x = w / 2 + shift
    top = soles * h - height if zoom == 1.0 else crown * h
    if zoom == 1.0:
        ground_shadow(picture, (x, soles * h - height * 0.008), (height * 0.2, height * 0.026), 0.5)
    picture.paste(sheet, (round(x - person.origin[0]), round(top - person.origin[1])), sheet)
