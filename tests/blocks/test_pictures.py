"""Tests for blocks/pictures.py and blocks/colours.py."""

from __future__ import annotations

import asyncio
import hashlib
import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from blocks.errors import CatalogError
from blocks.fitting import fit
from blocks.pictures import BrokenPicture, PictureInfo, PictureLimits, examine, off_loop

WEB = PictureLimits(frozenset({"JPEG", "PNG"}), max_bytes=5_000_000)
REFINER = PictureLimits(
    frozenset({"JPEG", "PNG", "BMP"}), max_bytes=5_000_000, min_bytes=5120, min_side=151, max_side=4095
)
FORMATS = ["AVIF", "BMP", "GIF", "HEIF", "JPEG", "PNG", "TIFF", "WEBP"]


def drawn(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A picture with a red left half and a blue right half, in any of Pillow's usual modes."""
    picture = Image.new("RGB", size, (200, 30, 30))
    picture.paste((30, 30, 200), (size[0] // 2, 0, size[0], size[1]))
    return picture.convert(mode)


def encoded(picture: Image.Image, name: str = "PNG", **settings: Any) -> bytes:
    """The picture's file."""
    buffer = BytesIO()
    picture.save(buffer, name, **settings)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    """The file's picture, decoded."""
    picture = Image.open(BytesIO(data))
    picture.load()
    return picture


def chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int) -> bytes:
    """A PNG that announces a size and holds next to nothing."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def near(actual: Any, expected: tuple[int, ...], tolerance: int = 12) -> bool:
    """Whether a pixel is what it should be, but for what lossy encoding does."""
    return all(abs(a - e) <= tolerance for a, e in zip(actual, expected, strict=True))


class TestExamine:
    """Bytes are measured when they are a whole picture, and refused with the reason otherwise."""

    @pytest.mark.parametrize("name", FORMATS)
    def test_measures_every_format(self, name: str) -> None:
        """Each readable format is recognised by its bytes and measured."""
        data = encoded(drawn(), name)

        info = examine(data, source="the row's picture")

        assert (name, 64, 48, len(data)) == (info.format, info.width, info.height, info.bytes)
        assert hashlib.sha256(data).hexdigest() == info.sha256

    def test_names_type_and_extension(self) -> None:
        """The media type and the extension follow the bytes, not any name."""
        info = examine(encoded(drawn(), "JPEG"), source="picture.png")

        assert (info.mime, info.extension) == ("image/jpeg", "jpg")

    def test_takes_a_phones_two_view_jpeg_as_jpeg(self) -> None:
        """MPO is a JPEG with more behind it, and every JPEG decoder shows its first view."""
        data = encoded(drawn(), "MPO", save_all=True, append_images=[drawn()])

        assert examine(data, source="phone").format == "JPEG"

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"", "empty (0 bytes)"),
            (b"<!DOCTYPE html><html><body>Not found</body></html>", "a web page (HTML), not a picture"),
            (b"\n  <html>", "a web page (HTML), not a picture"),
            (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "an XML document, not a picture"),
            (b'{"error": "expired"}', "a JSON document, not a picture"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing, which no vendor takes"),
            (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer, not a picture"),
            (b"%PDF-1.7", "a PDF, not a picture"),
            (b"Too many requests", "text, not a picture"),
            (b"\x00\x01\x02\x03" * 100, "in no format that is read"),
            (encoded(drawn(), "JPEG")[:3], "a JPEG that breaks off in its first bytes"),
        ],
    )
    def test_says_what_the_bytes_are_instead(self, data: bytes, said: str) -> None:
        """What is no picture is named for what it is, with its source."""
        with pytest.raises(BrokenPicture) as raised:
            examine(data, source="s3://shop/a.jpg")

        assert f"s3://shop/a.jpg is {said}" in str(raised.value)
        assert isinstance(raised.value, CatalogError)

    @pytest.mark.parametrize("name", [*FORMATS, "progressive JPEG"])
    def test_refuses_a_picture_cut_off_anywhere(self, name: str) -> None:
        """Wherever the end is missing, a picture is not taken for whole; a PNG's or GIF's end mark shows nothing."""
        noise = Image.effect_noise((64, 48), 60).convert("RGB")
        data = encoded(noise, "JPEG", progressive=True) if name == "progressive JPEG" else encoded(noise, name)
        last = len(data) - {"PNG": 4, "GIF": 2}.get(name, 0)

        for length in {*range(1, last, max(1, len(data) // 60)), *range(last - 20, last)}:
            with pytest.raises(BrokenPicture):
                examine(data[:length], source="cut")

    def test_refuses_flipped_bits_in_a_png(self) -> None:
        """A PNG's checksums are looked at, though its decoder would not."""
        data = bytearray(encoded(drawn()))
        data[-20] ^= 0xFF

        with pytest.raises(BrokenPicture):
            examine(bytes(data), source="flipped")

    @pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (10_000, 9_000), (2**31 - 1, 2**31 - 1)])
    def test_refuses_a_decompression_bomb_before_decoding(self, width: int, height: int) -> None:
        """A few bytes that announce gigabytes are refused by their announcement."""
        with pytest.raises(BrokenPicture):
            examine(png_header(width, height), source="bomb")

    @settings(max_examples=300, deadline=None)
    @given(st.binary(max_size=400))
    def test_any_bytes_are_measured_or_refused(self, data: bytes) -> None:
        """No bytes get anything else out of it."""
        try:
            info = examine(data, source="any")
        except BrokenPicture:
            return

        assert info.bytes == len(data)

    @settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.sampled_from(FORMATS),
        st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8),
    )
    def test_damaged_pictures_are_measured_or_refused(self, name: str, damage: list[tuple[int, int]]) -> None:
        """Bytes changed anywhere in a real file get nothing else out of it either, nor out of fitting."""
        data = bytearray(FILES[name])
        for where, value in damage:
            data[where % len(data)] = value

        try:
            _, info = fit(bytes(data), REFINER, source="damaged")
        except BrokenPicture:
            return

        assert info.format in REFINER.formats


FILES = {name: encoded(drawn(size=(32, 24)), name) for name in FORMATS}


class TestFit:
    """Pictures come out within the limits, looking as they did."""

    @pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
    def test_leaves_alone_what_fits(self, mode: str) -> None:
        """A picture that fits is the same object, bit for bit."""
        data = encoded(drawn(mode))

        fitted, info = fit(data, WEB, source="row")

        assert fitted is data
        assert examine(data, source="row") == info

    @pytest.mark.parametrize("name", ["AVIF", "GIF", "HEIF", "TIFF", "WEBP", "BMP"])
    def test_converts_formats_that_the_vendor_does_not_take(self, name: str) -> None:
        """Other formats become one that it takes, with the picture as it was."""
        fitted, info = fit(encoded(drawn(), name), WEB, source="row")

        assert info.format in {"JPEG", "PNG"}
        assert near(opened(fitted).convert("RGB").getpixel((5, 24)), (200, 30, 30))

    @pytest.mark.parametrize("orientation", range(2, 9))
    @pytest.mark.parametrize("name", ["JPEG", "PNG", "TIFF", "WEBP"])
    def test_turns_pictures_upright(self, name: str, orientation: int) -> None:
        """What EXIF says of turning is done to the pixels, once, and said no more."""
        exif = Image.Exif()
        exif[0x0112] = orientation
        takes_all = PictureLimits(frozenset({"JPEG", "PNG", "TIFF", "WEBP"}), max_bytes=5_000_000)
        data = encoded(drawn(), name, exif=exif)

        fitted, info = fit(data, takes_all, source="row")

        shown = opened(fitted)
        assert ((48, 64) if orientation >= 5 else (64, 48)) == (info.width, info.height) == shown.size
        assert shown.getexif().get(0x0112, 1) == 1
        # Red was on the left: orientations 1 and 4 leave it there.
        corner = {2: "blue", 3: "blue", 4: "red", 5: "red", 6: "red", 7: "blue", 8: "blue"}[orientation]
        expected = (200, 30, 30) if corner == "red" else (30, 30, 200)
        assert near(shown.convert("RGB").getpixel((2, 2)), expected, tolerance=20)

    @pytest.mark.parametrize("mode", ["1", "P", "CMYK", "YCbCr", "I;16", "I", "F", "LA"])
    def test_makes_unusual_modes_plain(self, mode: str) -> None:
        """Whatever a scanner or a print shop stores is grey or RGB afterwards."""
        data = encoded(drawn("L").convert(mode), "TIFF")

        fitted, _ = fit(data, WEB, source="row")

        assert opened(fitted).mode in {"L", "RGB"}

    def test_scales_sixteen_bits_to_eight(self) -> None:
        """Deep grey keeps its greys instead of going white."""
        deep = Image.frombytes("I;16", (64, 64), struct.pack("<4096H", *(0x8080,) * 4096))

        fitted, _ = fit(encoded(deep), WEB, source="row")

        assert opened(fitted).getpixel((5, 5)) == 128

    def test_reads_cmyk_through_its_profile(self) -> None:
        """A profile decides what the inks look like; without one a plain conversion does."""
        data = encoded(drawn("CMYK"), "JPEG", quality=95)

        fitted, _ = fit(data, WEB, source="row")

        assert near(opened(fitted).getpixel((5, 24)), (200, 30, 30), tolerance=20)

    def test_converts_a_profile_to_srgb(self) -> None:
        """Colours in another space are brought to sRGB, and the profile is gone."""
        srgb, lab = (ImageCms.ImageCmsProfile(ImageCms.createProfile(name)) for name in ("sRGB", "LAB"))
        measured = ImageCms.profileToProfile(drawn(), srgb, lab, outputMode="LAB")
        assert measured is not None
        data = encoded(measured, "TIFF", icc_profile=lab.tobytes())

        fitted, _ = fit(data, WEB, source="row")

        assert near(opened(fitted).getpixel((5, 24)), (200, 30, 30), tolerance=3)
        assert "icc_profile" not in opened(fitted).info

    @pytest.mark.parametrize("profile", [b"garbage", b"\x00" * 200])
    def test_survives_a_broken_profile(self, profile: bytes) -> None:
        """A damaged profile is ignored, as viewers do."""
        data = encoded(drawn(), "WEBP", lossless=True, icc_profile=profile)

        fitted, _ = fit(data, WEB, source="row")

        assert near(opened(fitted).convert("RGB").getpixel((5, 24)), (200, 30, 30))

    def test_lays_transparency_on_white_where_it_can_not_be_kept(self) -> None:
        """A cut-out garment for a vendor of JPEGs stands on white, not on black."""
        cut_out = Image.new("RGBA", (64, 64), (0, 0, 0, 0))

        fitted, info = fit(encoded(cut_out), PictureLimits(frozenset({"JPEG"}), 5_000_000), source="row")

        assert info.format == "JPEG"
        assert opened(fitted).getpixel((5, 5)) == (255, 255, 255)

    def test_keeps_transparency_where_it_can(self) -> None:
        """A transparent palette or WEBP picture stays transparent as a PNG."""
        cut_out = Image.new("RGBA", (64, 64), (10, 20, 30, 0))
        cut_out.paste((200, 30, 30, 255), (0, 0, 32, 64))

        for data in (encoded(cut_out, "WEBP", lossless=True), encoded(cut_out.quantize(), "PNG")):
            fitted, _ = fit(data, WEB, source="row")
            alpha = opened(fitted).getchannel("A")

            assert [alpha.getpixel((x, 9)) for x in (5, 60)] == [255, 0]

    def test_shrinks_to_the_longest_side_and_the_area(self) -> None:
        """Too large a picture keeps its shape within both limits."""
        data = encoded(drawn(size=(2000, 1000)))

        _, by_side = fit(data, PictureLimits(frozenset({"PNG"}), 5_000_000, max_side=500), source="row")
        _, by_area = fit(data, PictureLimits(frozenset({"PNG"}), 5_000_000, max_pixels=80_000), source="row")

        assert (by_side.width, by_side.height) == (500, 250)
        assert (by_area.width, by_area.height) == (400, 200)

    def test_enlarges_to_the_shortest_side(self) -> None:
        """A thumbnail of a garment becomes large enough to be taken."""
        _, info = fit(encoded(drawn(size=(40, 28))), REFINER, source="row")

        assert (info.height, info.width) == (151, 216)

    @pytest.mark.parametrize("size", [(1, 1), (15, 15), (300, 3)])
    def test_refuses_what_is_too_small_to_show_anything(self, size: tuple[int, int]) -> None:
        """A tracking pixel is no garment."""
        with pytest.raises(BrokenPicture, match="too few to show anything"):
            fit(encoded(drawn(size=size)), REFINER, source="row")

    def test_refuses_what_is_too_narrow(self) -> None:
        """A banner can't have both sides within the limits."""
        with pytest.raises(BrokenPicture, match="too narrow"):
            fit(encoded(drawn(size=(4000, 20))), REFINER, source="row")

    def test_lowers_quality_then_size_to_get_under_the_bytes(self) -> None:
        """Noise, which hardly compresses, ends up under the limit."""
        noise = Image.effect_noise((800, 800), 120).convert("RGB")

        fitted, info = fit(encoded(noise), PictureLimits(frozenset({"JPEG", "PNG"}), max_bytes=60_000), source="row")

        assert len(fitted) == info.bytes <= 60_000
        assert min(info.width, info.height) > 200

    def test_shrinks_a_transparent_picture_rather_than_losing_its_transparency(self) -> None:
        """A cut-out that is too large in bytes stays a cut-out."""
        noise = Image.effect_noise((400, 400), 120).convert("RGBA")
        noise.putalpha(Image.effect_noise((400, 400), 120))

        fitted, info = fit(encoded(noise), PictureLimits(frozenset({"JPEG", "PNG"}), max_bytes=100_000), source="row")

        assert opened(fitted).mode == "RGBA"
        assert info.bytes <= 100_000

    def test_fills_up_to_the_fewest_bytes(self) -> None:
        """A flat picture of few bytes is stored in more of them, unchanged."""
        flat = Image.new("RGB", (200, 200), (250, 250, 250))
        data = encoded(flat)

        fitted, info = fit(data, REFINER, source="row")

        assert len(data) < 5120 <= info.bytes
        assert opened(fitted).getpixel((100, 100)) == (250, 250, 250)

    def test_says_when_no_encoding_comes_within_the_bytes(self) -> None:
        """A flat picture can't be blown up for ever, nor noise squeezed to nothing."""
        flat, noise = Image.new("RGB", (200, 200)), Image.effect_noise((200, 200), 120)
        for picture, limits in (
            (flat, PictureLimits(frozenset({"JPEG"}), max_bytes=90_000, min_bytes=80_000)),
            (noise, PictureLimits(frozenset({"JPEG"}), max_bytes=300, min_side=100)),
        ):
            with pytest.raises(BrokenPicture, match="can't be brought to"):
                fit(encoded(picture), limits, source="row")

    def test_limits_name_a_format_to_convert_to(self) -> None:
        """Limits that nothing could be converted to are a mistake in the program."""
        with pytest.raises(ValueError, match="neither JPEG nor PNG"):
            PictureLimits(frozenset({"WEBP"}), max_bytes=1000)

    def test_ignores_damaged_exif(self) -> None:
        """A picture whose EXIF is garbage is shown as it is."""
        data = encoded(drawn(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")

        fitted, _ = fit(data, WEB, source="row")

        assert fitted is data

    @settings(max_examples=60, deadline=None)
    @given(st.integers(16, 700), st.integers(16, 700), st.sampled_from(FORMATS), st.integers(1, 300), st.integers(1, 4))
    def test_what_it_returns_is_within_the_limits(
        self, width: int, height: int, name: str, min_side: int, spread: int
    ) -> None:
        """Any picture either fits afterwards, whole, or is refused."""
        limits = PictureLimits(
            frozenset({"JPEG", "PNG"}),
            max_bytes=200_000,
            min_bytes=2_000,
            min_side=min_side,
            max_side=min_side * spread,
        )
        try:
            fitted, info = fit(encoded(drawn(size=(width, height)), name), limits, source="any")
        except BrokenPicture:
            return

        assert examine(fitted, source="any") == info
        assert limits.min_side <= min(info.width, info.height) <= max(info.width, info.height) <= limits.max_side
        assert limits.min_bytes <= info.bytes <= limits.max_bytes


class TestOffLoop:
    """Picture work happens in threads."""

    async def test_leaves_the_event_loop_free(self) -> None:
        """Other coroutines run while pictures are examined."""
        data = encoded(drawn())

        infos = await asyncio.gather(*(off_loop(examine, data, source="row") for _ in range(20)))

        assert [PictureInfo.of(data, "PNG", (64, 48))] * 20 == infos

    async def test_brings_errors_back(self) -> None:
        """What a thread raises arrives at the caller."""
        with pytest.raises(BrokenPicture):
            await off_loop(examine, b"", source="row")
