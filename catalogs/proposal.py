"""A mapping proposed for a catalog, as YAML that says why each guess was made, for a person to edit."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from catalogs.column_facts import ColumnFacts, KeyFacts
from catalogs.inspection import Inspection, in_rows, told
from catalogs.mapping import PICTURE_COLUMNS, as_gender
from catalogs.synonyms import HANDLES, NAMES, STATUSES, gender_of, likeness

__all__ = ["propose_mapping"]

MOST_FIT = 0.5
MOST_WORDS_TOLD = 8
NOT_FOR_PICTURES = ("garments", *PICTURE_COLUMNS)
# What a shop often has once for all its products.
CONSTANTS = {"gender": "woman", "person_image": "model.jpg"}
GARMENTS = ("top_garment", "bottom_garment", "garments")


def propose_mapping(found: Inspection) -> str:
    """
    The text of a mapping file, ready for `--config`.

    What can't be decided by looking, such as which status is for sale, is there as a comment.
    """
    group, group_why = _group(found)
    columns = _columns(found, group)
    return "\n".join(
        [
            f"# Proposed by `catwalk inspect` for {told(found.uri, 200)}: {in_rows(found.rows)}, {len(found.columns)} columns.",
            "# Correct it, then see what it comes to: catwalk run CATALOG --config THIS-FILE --output … --dry-run",
            *_columns_text(found, columns),
            *_gender_text(found, columns),
            *_constants_text(columns),
            *([f"# {group_why}"] if group_why else []),
            *([f"group_by: {_word(group)}"] if group else []),
            *_blanks_text(found, columns),
            *_where_text(found),
            "",
        ]
    )


def _columns(found: Inspection, group: str | None) -> dict[str, tuple[str, str]]:
    """For each of ours the catalog's own column, and why."""
    chosen: dict[str, tuple[str, str]] = {}
    sku = _sku(found, group)
    if sku:
        chosen["sku"] = sku
    for ours, words in NAMES.items():
        taken = {theirs for theirs, _ in chosen.values()}
        ranked = sorted(
            (rank, name)
            for name, column in found.columns.items()
            if column.filled
            and name not in taken
            and (rank := likeness(name, words)) is not None
            and _fits(ours, column)
        )
        if ours != "sku" and ranked:
            chosen[ours] = (ranked[0][1], f"by its name{_contents(ours, found.columns[ranked[0][1]])}")
    if not any(ours in chosen for ours in PICTURE_COLUMNS):
        chosen |= _by_pictures(found, {theirs for theirs, _ in chosen.values()})
    if "gender" not in chosen:
        chosen |= _by_genders(found, {theirs for theirs, _ in chosen.values()})
    return chosen


def _fits(ours: str, column: ColumnFacts) -> bool:
    if ours in NOT_FOR_PICTURES:
        return column.share("pictures") >= MOST_FIT
    return not column.holds_pictures and not (ours == "gender" and column.values is None)


def _contents(ours: str, column: ColumnFacts) -> str:
    if ours in NOT_FOR_PICTURES:
        return f"; {column.share('pictures'):.0%} of those looked at are addresses of pictures"
    return f"; filled in {_percent(column)}" if column.filled < column.rows else ""


def _sku(found: Inspection, group: str | None) -> tuple[str, str] | None:
    if group:
        return group, "one product for each, see group_by"
    named = [name for name in found.keys if likeness(name, NAMES["sku"]) is not None and found.columns[name].filled]
    best = min(
        named, key=lambda name: found.keys[name].blank + found.keys[name].next + found.keys[name].later, default=None
    )
    if best:
        return best, f"by its name; {_uniqueness(found.keys[best])}"
    for name, column in found.columns.items():
        count = column.distinct
        if count and column.filled == column.rows and count[0] >= 0.95 * column.rows and not column.holds_pictures:
            return name, "a guess: every row has another one"
    return None


def _uniqueness(key: KeyFacts) -> str:
    if not (key.blank or key.next or key.later):
        return "every row has its own"
    return f"{in_rows(key.blank)} without a value, {key.next + key.later:,} repeat one: only the first of each is used"


def _by_pictures(found: Inspection, taken: set[str]) -> dict[str, tuple[str, str]]:
    for name, column in found.columns.items():
        if name not in taken and column.holds_pictures:
            share = column.share("pictures")
            return {
                "product_image": (name, f"by its content: {share:.0%} of those looked at are addresses of pictures")
            }
    return {}


def _by_genders(found: Inspection, taken: set[str]) -> dict[str, tuple[str, str]]:
    for name, column in found.columns.items():
        known = [word for word in column.values or () if len(word) > 1 and gender_of(word)]
        if name not in taken and known and len(known) >= MOST_FIT * len(column.values or ()):
            return {"gender": (name, f"by its content: {', '.join(map(told, known[:3]))}")}
    return {}


def _group(found: Inspection) -> tuple[str | None, str | None]:
    """The column by which rows are one product, and what to know about it."""
    filled = {name: key for name, key in found.keys.items() if found.columns[name].filled}
    handles = sorted(
        (rank, name) for name in filled if (rank := likeness(name, HANDLES)) is not None and filled[name].next
    )
    for _, name in handles:
        if not filled[name].blank:
            return name, _group_reason(name, filled[name])
    for name, key in filled.items():
        if likeness(name, NAMES["sku"]) is not None and key.next:
            return name, _group_reason(name, key)
    for _, name in handles:
        return None, (
            f"group_by: {_word(name)} would make one product of rows with the same, but {in_rows(filled[name].blank)} "
            "without would join the row before; fill it first"
        )
    for name, key in filled.items():
        if likeness(name, NAMES["sku"]) is not None and not key.later and _carried_on(found, key):
            return (
                name,
                f"rows without {told(name)} ({key.blank:,}) carry on the product before: its sizes and further pictures",
            )
    return None, None


def _carried_on(found: Inspection, key: KeyFacts) -> bool:
    """Whether rows without a key have no title either: they add to a product, while a mere gap has a title."""
    titles = [column for name, column in found.columns.items() if likeness(name, NAMES["title"]) is not None]
    return key.blank > 0 and any(column.filled and column.rows - column.filled >= key.blank for column in titles)


def _group_reason(name: str, key: KeyFacts) -> str:
    again = f"; {key.later:,} come again further down: sort by {told(name)}, or they are refused" if key.later else ""
    blank = f", {key.blank:,} have none" if key.blank else ""
    return f"{in_rows(key.next)} with the same {told(name)} as the row before{blank}: sizes or further pictures of it{again}"


def _columns_text(found: Inspection, columns: dict[str, tuple[str, str]]) -> Iterator[str]:
    yield "columns:" if columns else "columns: {}"
    if "sku" not in columns:
        yield "  # sku: ?   # no column looks like it; without one no run is possible"
    width = max((len(ours) + len(_word(theirs)) for ours, (theirs, _) in columns.items()), default=0)
    for ours, (theirs, why) in columns.items():
        pad = " " * (width - len(ours) - len(_word(theirs)))
        yield f"  {ours}: {_word(theirs)}{pad}  # {why}"
    if not any(ours in columns for ours in PICTURE_COLUMNS):
        yield "  # product_image: ?   # no column looks like addresses of pictures"
    if not any(ours in columns for ours in GARMENTS) and "product_image" in columns:
        same = _word(columns["product_image"][0])
        yield f"  # top_garment: {same}   # or bottom_garment: recipes that dress a model ask for it; one column may be both"
    mapped = {theirs for theirs, _ in columns.values()}
    further = [name for name, column in found.columns.items() if name not in mapped and column.holds_pictures]
    if further:
        yield f"  # also pictures: {', '.join(map(told, further))}; map them where they show something to wear, as garments"


def _gender_text(found: Inspection, columns: dict[str, tuple[str, str]]) -> Iterator[str]:
    if "gender" not in columns:
        return
    words = found.columns[columns["gender"][0]].values or {}
    known = {word: gender for word in words if (gender := gender_of(word)) and as_gender(word) is None}
    neither = [word for word in words if gender_of(word) is None]
    if known:
        yield "values:"
        yield "  gender:"
        yield from (f"    {_word(word)}: {gender}  # {in_rows(words[word])}" for word, gender in known.items())
    if neither:
        listed = ", ".join(f"{told(word)!r} ({in_rows(words[word])})" for word in neither[:MOST_WORDS_TOLD])
        yield f"# neither woman nor man: {listed}{' …' if len(neither) > MOST_WORDS_TOLD else ''}"


def _constants_text(columns: dict[str, tuple[str, str]]) -> Iterator[str]:
    lacking = {ours: example for ours, example in CONSTANTS.items() if ours not in columns}
    if lacking:
        said = ", ".join(f"{ours}: {example}" for ours, example in lacking.items())
        yield f"# no column says {' or '.join(lacking)}: constants: {{ {said} }} says it for all"


def _blanks_text(found: Inspection, columns: dict[str, tuple[str, str]]) -> Iterator[str]:
    rows: dict[str, int] = {}
    for column in found.columns.values():
        for word, count in column.odd_words.items():
            rows[word] = rows.get(word, 0) + count
    title = columns.get("title", ("", ""))[0]
    if rows:
        listed = ", ".join(f"{word!r} ({in_rows(count)})" for word, count in rows.items())
        doubt = " (also in the title: is it meant there?)" if title and found.columns[title].odd_words else ""
        yield f"# read as blank: {listed}{doubt}"
        yield f"blanks: [{', '.join(map(_word, rows))}]"


def _where_text(found: Inspection) -> Iterator[str]:
    for name, column in found.columns.items():
        if likeness(name, STATUSES) is not None and column.values and len(column.values) > 1:
            commonest = max(column.values, key=lambda word: (column.values or {})[word])
            listed = ", ".join(
                f"{told(word)} {count:,}" for word, count in list(column.values.items())[:MOST_WORDS_TOLD]
            )
            yield f"# only some of them? {told(name)} has: {listed}"
            yield "# where:"
            yield f"#   - {{ column: {_word(name)}, is: {_word(commonest)} }}"
            return


def _percent(column: ColumnFacts) -> str:
    return f"{column.filled / column.rows:.0%} of the rows"


def _word(text: str | None) -> str:
    """A text as YAML writes it on one line."""
    written = yaml.safe_dump({"a": text}, allow_unicode=True, width=10_000, default_flow_style=True)
    return written.removeprefix("{a: ").rstrip().removesuffix("}")
