"""Fingerprints: a hash of all in a row that can decide its units, made without looking at what the cells mean."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute

from catalogs.catalog import Catalog
from catalogs.cells import cell_values, is_text
from catalogs.looks import Look
from catalogs.mapping import PICTURE_COLUMNS
from catalogs.recipe import Recipe
from catalogs.rows import Rows
from catalogs.unit_key import SCHEME

__all__ = ["Fingerprints"]

DIGEST_BYTES = 16
DECIDING = ("sku", *PICTURE_COLUMNS, "garments", "gender", "category", "image_version")
SEPARATOR = "\x1f"
_ABSOLUTE = "^(https?|s3)://"

# Typed stubs take arrays and scalars for one another.
pc: Any = pyarrow.compute


class Fingerprints:
    """
    The fingerprints of a catalog's rows for one recipe.

    They go over the raw cells of the columns that a recipe uses, by our names, and over what else decides its units:
    stages, outfits, the look if there is one, the operations' versions, the mapping of values, where relative addresses start, and the version
    of this program, which reads the cells. Equal fingerprints mean equal units; unequal ones mean nothing, as two
    spellings of a cell can say the same.
    """

    def __init__(
        self,
        catalog: Catalog,
        recipe: Recipe,
        columns: Collection[str],
        versions: Mapping[str, str],
        *,
        look: Look | None = None,
    ) -> None:
        """`recipe` is that of the look, and has none itself."""
        ours = {name: catalog.mapped[name] for name in DECIDING if name in catalog.mapped}
        named = {name: catalog.mapped.get(name, name) for name in sorted(columns)}
        self._columns = ours | named
        self._pictures = [ours[name] for name in (*PICTURE_COLUMNS, "garments") if name in ours]
        self._folder = catalog.folder
        worn = [ref for outfit in recipe.outfits.values() for ref in outfit.model_dump().values() if ref]
        worn += look.columns.values() if look else ()
        self._outfit_is_relative = not all(re.match(_ABSOLUTE, ref) for ref in worn)
        self._common = json.dumps(
            [
                _release(),
                SCHEME,
                recipe.model_dump(mode="json", exclude={"description", "looks"}),
                [stage.work().version for stage in recipe.stages],
                catalog.source.model_dump(mode="json", exclude={"uri", "columns"}),
                sorted(versions.items()),
                *([look.model_dump(mode="json")] if look else []),
            ],
            sort_keys=True,
        )

    def of_rows(self, rows: Rows) -> list[str | None]:
        """One for each row; None where cells hold what would make it ambiguous, or what Arrow can't read."""
        try:
            return self._of_rows(rows)
        except (pa.ArrowException, UnicodeError):
            return [None] * len(rows.numbers)

    def _of_rows(self, rows: Rows) -> list[str | None]:
        kinds: list[tuple[str, str]] = []
        texts: list[Any] = []
        for name, own in self._columns.items():
            kind, text = _texts(rows.cells.get(own), len(rows.numbers))
            kinds.append((name, kind))
            texts.append(text)
        # Exports often lie in a folder of their day, which matters to relative addresses alone.
        relative = self._outfit_is_relative or any(_is_relative(rows.cells.get(name)) for name in self._pictures)
        folder = self._folder if relative else ""
        start = _digest(f"{self._common}{kinds}{folder}".encode())
        joined = pc.binary_join_element_wise(
            *texts, pa.scalar(SEPARATOR.encode(), pa.binary()), null_handling="replace", null_replacement=""
        )
        separator, expected = SEPARATOR.encode(), len(texts) - 1
        return [
            hashlib.blake2b(start + row, digest_size=DIGEST_BYTES).hexdigest()
            if row.count(separator) == expected
            else None
            for row in cast("list[bytes]", joined.to_pylist())
        ]


def _is_relative(column: pa.Array[Any] | None) -> bool:
    """Whether a cell may hold an address that starts where the catalog lies."""
    if column is None or column.null_count == len(column):
        return False
    if isinstance(column, pa.DictionaryArray):
        return _is_relative(cast("pa.Array[Any]", column.dictionary_decode()))
    if not is_text(column.type):
        return True
    return not pc.all(pc.match_substring_regex(column, _ABSOLUTE)).as_py()


def _texts(column: pa.Array[Any] | None, rows: int) -> tuple[str, Any]:
    """A column's kind, and its cells as bytes; all ways to store texts are one kind."""
    if column is None:
        return "text", pa.nulls(rows, pa.binary())
    if isinstance(column, pa.DictionaryArray):
        return _texts(cast("pa.Array[Any]", column.dictionary_decode()), rows)
    kind = column.type
    if pa.types.is_null(kind) or is_text(kind):
        return "text", column.cast(pa.binary())
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_float64(kind):
        return str(kind), column.cast(pa.string()).cast(pa.binary())
    values = [json.dumps(value, default=repr) for value in cell_values(column)]
    return str(kind), pa.array(values, pa.string()).cast(pa.binary())


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()


def _release() -> str:
    try:
        return version("catwalk")
    except PackageNotFoundError:
        return ""
