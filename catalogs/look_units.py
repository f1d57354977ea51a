"""The units of one look of a recipe: the same rows, with columns, options, prices and fingerprints of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from blocks.account import VendorAccount
from blocks.errors import RecipeError
from blocks.operation import Slot
from catalogs.catalog import Catalog
from catalogs.cells import CellError
from catalogs.chain import Chain, Link
from catalogs.fingerprint import Fingerprints
from catalogs.looks import Look, LookColumns
from catalogs.recipe import Recipe
from catalogs.rows import Item, Reject
from catalogs.sources import PictureSources
from catalogs.template import Blank, columns_in

__all__ = ["LookUnits"]


class LookUnits:
    """A recipe in one of its looks, or, for `look` None, as it is without any."""

    def __init__(
        self,
        look: Look | None,
        catalog: Catalog,
        recipe: Recipe,
        sources: PictureSources,
        accounts: Mapping[type[VendorAccount], VendorAccount],
        versions: Mapping[str, str] | None = None,
    ) -> None:
        own = recipe.in_look(look)
        self.chain = Chain(own, sources, catalog.mapped, accounts, versions)
        # The gender's own word is for the message of a row that has none of the two.
        columns = own.columns().union([Slot.GENDER], columns_in(dict(look.columns)) if look else ())
        self.prints = Fingerprints(catalog, own, columns, versions or {}, look=look)
        self._look = look
        self._columns = LookColumns(look, catalog.mapped) if look else None
        self._own_names = catalog.mapped

    def links(self, items: Sequence[Item]) -> list[tuple[Item, Sequence[Link]] | Reject]:
        """Each row's item in this look with its units in order, or why one of them can't be."""
        dressed = [self._dressed(item) for item in items]
        made = iter(self.chain.links([item for item in dressed if isinstance(item, Item)]))
        return [item if isinstance(item, Reject) else _linked(item, next(made)) for item in dressed]

    def pictures(self, items: Sequence[Item]) -> list[str]:
        """The addresses of the pictures that the rows' units work on; none for a row that can't run."""
        return self.chain.pictures([item for item in map(self._dressed, items) if isinstance(item, Item)])

    def _dressed(self, item: Item) -> Item | Reject:
        if self._columns is None or self._look is None:
            return item
        try:
            return self._columns.dress(item)
        except (RecipeError, CellError) as error:
            column = error.place[0] if isinstance(error, Blank) else ""
            return Reject(
                row=item.row,
                sku=item.sku,
                column=self._own_names.get(column, column),
                value="",
                reason=f"the columns of look {self._look.name!r}: {error}",
                look=self._look.name,
            )


def _linked(item: Item, links: Sequence[Link] | Reject) -> tuple[Item, Sequence[Link]] | Reject:
    return links if isinstance(links, Reject) else (item, links)
