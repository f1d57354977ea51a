"""What a budget pays for, whatever the prices."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from catalogs.plan_cut import Cut

# Items as the prices of their units, and a budget somewhere around what they cost.
ITEMS = st.lists(st.lists(st.integers(min_value=0, max_value=40), min_size=1, max_size=4), max_size=30)
LIMITS = st.integers(min_value=0, max_value=900)


def kept(items: list[list[int]], limit: int, shared: list[int] | None = None) -> list[int]:
    """How many units of each item are kept."""
    prices = [price for item in items for price in item]
    ends = list(accumulate(len(item) for item in items))
    return list(Cut(prices, shared or [0] * len(prices), ends, limit).kept())


def cost(items: list[list[int]], counts: list[int]) -> int:
    """What so many units of each item cost."""
    return sum(sum(item[:count]) for item, count in zip(items, counts, strict=True))


@given(ITEMS, LIMITS)
def test_what_is_kept_never_costs_more_than_the_budget(items: list[list[int]], limit: int) -> None:
    """And all of it is kept where the budget pays for all."""
    counts = kept(items, limit)

    assert cost(items, counts) <= limit
    if cost(items, [len(item) for item in items]) <= limit:
        assert [len(item) for item in items] == counts


@given(ITEMS, LIMITS)
def test_no_item_is_left_out_for_a_later_one_that_costs_as_much(items: list[list[int]], limit: int) -> None:
    """What is whole comes before, or costs less than, whatever before it is not."""
    counts = kept(items, limit)
    whole = [count == len(item) for item, count in zip(items, counts, strict=True)]

    for place, item in enumerate(items):
        later = [sum(other) for other, is_whole in zip(items[place:], whole[place:], strict=True) if is_whole]
        assert whole[place] or all(price < sum(item) for price in later)


@given(ITEMS, LIMITS)
def test_parts_are_paid_from_what_no_whole_item_could_have(items: list[list[int]], limit: int) -> None:
    """Without the parts the same items are whole, and each part goes as far as the credits do."""
    counts = kept(items, limit)
    only_whole = [count if count == len(item) else 0 for item, count in zip(items, counts, strict=True)]
    left_for_parts = limit - cost(items, only_whole)
    left = limit - cost(items, counts)

    for item, count in zip(items, counts, strict=True):
        assert count == len(item) or sum(item) > left_for_parts
        assert count == len(item) or item[count] > left


def test_leftover_credits_pay_the_first_stages_of_the_next_items() -> None:
    """In order: here the second item's first two, then the third's first."""
    assert [3, 2, 1, 0] == kept([[2, 30, 1], [2, 3, 50], [2, 30, 1], [2, 30, 1]], 41)


def test_a_cheaper_item_may_fit_where_a_dearer_one_does_not() -> None:
    """Its credits would otherwise lie idle."""
    assert [0, 1] == kept([[50], [10]], 20)


def test_a_picture_that_items_share_is_paid_once() -> None:
    """By the first that is chosen, which is the second here: the first item does not fit."""
    items = [[5, 90], [5, 1], [5, 1]]
    shared = [7, 0, 7, 0, 7, 0]

    # The first item's own share is paid by then, and the rest of it never fits.
    assert [1, 2, 2] == kept(items, 7, shared)


@given(ITEMS, LIMITS, st.data())
def test_shared_pictures_never_lead_over_the_budget(items: list[list[int]], limit: int, data: st.DataObject) -> None:
    """Whoever pays for them."""
    groups = [data.draw(st.integers(min_value=0, max_value=3)) for item in items for _ in item]
    by_group = {group: data.draw(st.integers(min_value=0, max_value=40)) for group in (1, 2, 3)}
    numbered = iter(groups)
    priced = [[by_group.get(next(numbered), price) for price in item] for item in items]

    counts = kept(priced, limit, groups)

    numbered, paid = iter(groups), dict[int, int]()
    alone = 0
    for item, count in zip(priced, counts, strict=True):
        for place, price in enumerate(item):
            group = next(numbered)
            if place < count and group:
                paid[group] = price
            elif place < count:
                alone += price
    assert alone + sum(paid.values()) <= limit
