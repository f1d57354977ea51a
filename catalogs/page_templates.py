"""What our HTML pages are made from: templates that escape whatever a catalog says, and files of our own, in the page."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["amount", "digest", "our_file", "templates"]


def templates(folder: str) -> Environment:
    """The templates in a folder of this package; a name that they are not given is an error."""
    return Environment(
        loader=PackageLoader("catalogs", folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def our_file(path: str) -> Markup:
    """A style or script of this package, never of a catalog, to stand in a page as it is."""
    return Markup((files("catalogs") / path).read_text(encoding="utf-8").strip())  # noqa: S704 - our own file


def digest(text: str) -> str:
    """How a page's content security policy allows this text, and no other, as its style or script."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def amount(credits_: float) -> str:
    """Credits as people read them: 1,200 or 0.25."""
    return f"{credits_:,.2f}".rstrip("0").rstrip(".")
