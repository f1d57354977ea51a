"""Draw the demo catalog anew: `python -m catalogs.samples.draw_samples`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from catalogs.samples import demo_catalog
from catalogs.samples.bottoms import check_trousers, chinos, pleated_skirt, wide_jeans
from catalogs.samples.dresses import gingham_sundress, slip_dress, tea_dress, wrap_dress
from catalogs.samples.figures import man, woman
from catalogs.samples.studio import model_photo, product_photo, slim
from catalogs.samples.tops import bow_blouse, breton_tee, cable_sweater, oxford_shirt

__all__ = ["GARMENTS", "SampleGarment", "draw"]


@dataclass(frozen=True, slots=True)
class SampleGarment:
    """One SKU of the demo; `worn_with` is the SKU of the other half of its outfit."""

    sku: str
    title: str
    category: str
    gender: str
    color: str
    price: float
    setting: str
    worn_with: str | None
    drawing: Callable[[], Image.Image]


GARMENTS = (
    SampleGarment(
        "CW-T101",
        "Breton stripe boat-neck tee",
        "top",
        "woman",
        "navy and ecru",
        49.0,
        "whitewashed harbour steps in clear morning light",
        "CW-B201",
        breton_tee,
    ),
    SampleGarment(
        "CW-T102",
        "Silk pussy-bow blouse",
        "top",
        "woman",
        "dusty rose",
        129.0,
        "quiet gallery with tall windows and pale oak floors",
        "CW-B202",
        bow_blouse,
    ),
    SampleGarment(
        "CW-T103",
        "Button-down Oxford shirt",
        "top",
        "man",
        "pale blue",
        89.0,
        "leafy university courtyard in early autumn",
        "CW-B203",
        oxford_shirt,
    ),
    SampleGarment(
        "CW-T104",
        "Cable-knit crew sweater",
        "top",
        "man",
        "forest green",
        149.0,
        "stone cottage doorway on a misty morning",
        "CW-B204",
        cable_sweater,
    ),
    SampleGarment(
        "CW-B201",
        "High-rise wide-leg jeans",
        "bottom",
        "woman",
        "mid indigo",
        110.0,
        "brick loft with warm evening light",
        "CW-T102",
        wide_jeans,
    ),
    SampleGarment(
        "CW-B202",
        "Pleated satin midi skirt",
        "bottom",
        "woman",
        "rust",
        119.0,
        "sunlit terracotta arcade in late afternoon",
        "CW-T101",
        pleated_skirt,
    ),
    SampleGarment(
        "CW-B203",
        "Slim stretch chinos",
        "bottom",
        "man",
        "sand",
        79.0,
        "rooftop café above a coastal town",
        "CW-T104",
        chinos,
    ),
    SampleGarment(
        "CW-B204",
        "Prince-of-Wales wool trousers",
        "bottom",
        "man",
        "charcoal check",
        159.0,
        "wood-panelled library with brass lamps",
        "CW-T103",
        check_trousers,
    ),
    SampleGarment(
        "CW-D301",
        "Floral puff-sleeve tea dress",
        "dress",
        "woman",
        "deep teal",
        139.0,
        "walled rose garden in soft overcast light",
        None,
        tea_dress,
    ),
    SampleGarment(
        "CW-D302",
        "Tiered gingham sundress",
        "dress",
        "woman",
        "sage and white",
        99.0,
        "orchard picnic under dappled shade",
        None,
        gingham_sundress,
    ),
    SampleGarment(
        "CW-D303",
        "Bias-cut satin slip dress",
        "dress",
        "woman",
        "midnight blue",
        169.0,
        "sunlit marble terrace by the sea",
        None,
        slip_dress,
    ),
    SampleGarment(
        "CW-D304",
        "Polka-dot wrap dress",
        "dress",
        "woman",
        "poppy red",
        125.0,
        "parisian side street after light rain",
        None,
        wrap_dress,
    ),
)


def draw(folder: Path) -> None:
    """Write the catalog and all its pictures into `folder`."""
    for room in ("garments", "studio", "models"):
        (folder / room).mkdir(parents=True, exist_ok=True)
    for garment in GARMENTS:
        drawing = garment.drawing()
        slim(drawing).save(folder / _flat(garment.sku), optimize=True)
        product_photo(drawing).save(folder / f"studio/{garment.sku}.jpg", quality=84, optimize=True)
    for name, figure in (("woman", woman), ("man", man)):
        model_photo(figure()).save(folder / f"models/{name}.jpg", quality=88, optimize=True)
    pq.write_table(pa.Table.from_pylist([_row(garment) for garment in GARMENTS]), folder / "catalog.parquet")


def _row(garment: SampleGarment) -> dict[str, str | float | None]:
    mine, other = _flat(garment.sku), _flat(garment.worn_with) if garment.worn_with else None
    top, bottom = (other, mine) if garment.category == "bottom" else (mine, other)
    return {
        "sku": garment.sku,
        "title": garment.title,
        "category": garment.category,
        "gender": garment.gender,
        "color": garment.color,
        "top_garment": top,
        "bottom_garment": bottom,
        "person_image": f"models/{garment.gender}.jpg",
        "product_image": f"studio/{garment.sku}.jpg",
        "price": garment.price,
        "setting": garment.setting,
    }


def _flat(sku: str) -> str:
    return f"garments/{sku}.png"


if __name__ == "__main__":
    draw(demo_catalog().parent)
