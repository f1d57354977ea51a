"""A picture's pixels made plain: upright, 8 bits a channel, grey or RGB in sRGB, with transparency only if in use."""

from __future__ import annotations

from io import BytesIO

from PIL import ExifTags, Image, ImageCms, ImageOps

__all__ = ["UPRIGHT", "flattened", "is_plain", "orientation", "plain"]

PLAIN_MODES = frozenset({"L", "RGB", "RGBA"})
UPRIGHT = 1


def is_plain(picture: Image.Image) -> bool:
    """Whether every vendor's decoder will show these pixels as they are."""
    return picture.mode in PLAIN_MODES and orientation(picture) == UPRIGHT


def orientation(picture: Image.Image) -> int:
    """How the EXIF says to turn the picture; damaged EXIF counts as upright, as viewers take it."""
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, UPRIGHT))
    except Exception:  # noqa: BLE001 - EXIF is free-form bytes, and Pillow raises a dozen kinds on a damaged one
        return UPRIGHT


def plain(picture: Image.Image) -> Image.Image:
    """Turn upright and convert to L, RGB or RGBA in sRGB; an alpha channel that hides nothing is dropped."""
    if orientation(picture) != UPRIGHT:
        picture = ImageOps.exif_transpose(picture)
    profile = picture.info.get("icc_profile")
    picture = _eight_bits(picture)
    alpha = _alpha(picture)
    if alpha is None and picture.mode == "RGBA":
        picture = picture.convert("RGB")
    if alpha is not None:
        picture = picture.convert("RGBA")
    if isinstance(profile, bytes):
        picture = _to_srgb(picture, profile)
    if picture.mode not in PLAIN_MODES:
        picture = picture.convert("RGB")
    # What the file said of its pixels (profile, transparent colour) no longer holds, and would be written out again.
    picture.info.clear()
    return picture


def flattened(picture: Image.Image) -> Image.Image:
    """Lay a transparent picture on white."""
    if picture.mode != "RGBA":
        return picture
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode == "1":
        return picture.convert("L")
    if picture.mode == "F":
        return _scaled(picture, 255.0 if _brightest(picture) <= 1 else 1.0)
    if picture.mode == "I" or picture.mode.startswith("I;16"):
        # Pillow's own conversion cuts off at 255 instead of scaling, which turns 16-bit scans white.
        deep = picture.convert("I")
        deep.info.pop("transparency", None)
        return _scaled(deep, 1 / 257 if _brightest(deep) > 255 else 1.0)  # noqa: PLR2004 - the largest 8-bit value
    return picture


def _brightest(picture: Image.Image) -> float:
    extrema = picture.getextrema()
    return float(extrema[1]) if isinstance(extrema[1], int | float) else 0.0


def _scaled(picture: Image.Image, factor: float) -> Image.Image:
    return picture.convert("F").point(lambda value: value * factor + 0.0).convert("L")


def _alpha(picture: Image.Image) -> Image.Image | None:
    if not picture.has_transparency_data:
        return None
    alpha = picture.convert("RGBA").getchannel("A")
    return None if alpha.getextrema() == (255, 255) else alpha


def _to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    opaque = picture.convert("RGB") if alpha is not None else picture
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        target = ImageCms.createProfile("sRGB")  # pyright: ignore[reportUnknownVariableType] - C module without types
        converted = ImageCms.profileToProfile(opaque, source, target, outputMode="RGB")  # pyright: ignore[reportUnknownArgumentType]
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        # A damaged profile, or one for another colour space than the pixels': viewers ignore it as well.
        return picture
    if converted is None:
        return picture
    if alpha is not None:
        converted.putalpha(alpha)
    return converted
