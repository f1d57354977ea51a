"""What the drawing processes are asked for and give back: plain, small to pickle, and free of vendor words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "ConvertOrder",
    "Drawn",
    "EditOrder",
    "Facts",
    "FashionOrder",
    "Frame",
    "Gender",
    "Order",
    "PictureFormat",
    "PictureOrder",
    "Placement",
    "RefineOrder",
    "RestyleOrder",
    "SceneOrder",
    "UnusablePicture",
]

Gender = Literal["woman", "man"]
PictureFormat = Literal["PNG", "JPEG", "WEBP", "AVIF"]


@dataclass(frozen=True, slots=True)
class Frame:
    """How many pictures, as what, and how large at most; equal seeds and inputs make equal pictures."""

    count: int = 1
    format: PictureFormat = "PNG"
    longest_side: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class FashionOrder:
    """A person wearing garments."""

    frame: Frame
    clothing: tuple[bytes, ...]
    person: bytes | None
    pose: str
    background: str
    size: tuple[int, int] | None

    @property
    def inputs(self) -> tuple[bytes, ...]:
        """The picture files, in the order in which they are described."""
        return (*self.clothing, *_given(self.person))


@dataclass(frozen=True, slots=True)
class EditOrder:
    """A picture changed as words say; `long_side` scales to it, `size` overrules it."""

    frame: Frame
    picture: bytes
    prompt: str
    size: tuple[int, int] | None
    long_side: int

    @property
    def inputs(self) -> tuple[bytes, ...]:
        """The picture files, in the order in which they are described."""
        return (self.picture,)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an object stands: centre in shares of the scene (y upwards), size as a share, degrees clockwise."""

    x: float = 0.5
    y: float = 0.5
    scale: float = 1.0
    rotation: float = 0.0


@dataclass(frozen=True, slots=True)
class SceneOrder:
    """A product standing in a scene; a `template` picture serves as the scene itself."""

    frame: Frame
    picture: bytes
    template: bytes | None
    prompt: str
    size: tuple[int, int]
    color: str | None
    top_view: bool
    placement: Placement

    @property
    def inputs(self) -> tuple[bytes, ...]:
        """The picture files, in the order in which they are described."""
        return (self.picture, *_given(self.template))


@dataclass(frozen=True, slots=True)
class RestyleOrder:
    """The same outfit on another person, in another place."""

    frame: Frame
    picture: bytes
    mask: bytes | None
    model_id: str
    scene_type: Literal["original", "preset", "color", "none"]
    scene_id: str | None
    color: str | None
    expression: str

    @property
    def inputs(self) -> tuple[bytes, ...]:
        """The picture files, in the order in which they are described."""
        return (self.picture, *_given(self.mask))


@dataclass(frozen=True, slots=True)
class RefineOrder:
    """A coarse try-on made crisp."""

    frame: Frame
    person: bytes
    top: bytes
    bottom: bytes | None
    coarse: bytes
    gender: Gender

    @property
    def inputs(self) -> tuple[bytes, ...]:
        """The picture files, in the order in which they are described."""
        return (self.person, self.top, *_given(self.bottom), self.coarse)


@dataclass(frozen=True, slots=True)
class ConvertOrder:
    """A picture in another format."""

    picture: bytes
    format: PictureFormat

    @property
    def inputs(self) -> tuple[bytes, ...]:
        """The picture files, in the order in which they are described."""
        return (self.picture,)


PictureOrder = FashionOrder | EditOrder | SceneOrder | RestyleOrder | RefineOrder
Order = PictureOrder | ConvertOrder


@dataclass(frozen=True, slots=True)
class Facts:
    """What a picture file is; `format` in upper case, as the vendors' live replies have it."""

    width: int
    height: int
    format: str

    @property
    def mime(self) -> str:
        """The media type."""
        return f"image/{self.format.lower()}"

    @property
    def extension(self) -> str:
        """The usual end of the file's name."""
        return self.format.lower()


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the order's pictures were, in its own order, and what was drawn."""

    inputs: tuple[Facts, ...]
    pictures: tuple[tuple[bytes, Facts], ...]


class UnusablePicture(Exception):
    """An input picture that can't be decoded or breaks a limit; `code` and `status` are the vendor's."""

    def __init__(self, reason: str, code: str = "", status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.status = status

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.code, self.status)


def _given(picture: bytes | None) -> tuple[bytes, ...]:
    return () if picture is None else (picture,)
