"""Pictures at hand: bounded, and the least wanted goes first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flows.recent import RecentPicture, RecentPictures


def test_a_picture_is_at_hand_until_newer_ones_need_its_place() -> None:
    """What was asked for last stays longest."""
    recent = RecentPictures(30)
    for name in "abc":
        recent.put(name, RecentPicture(name.encode() * 10))
    recent.get("a")
    recent.put("d", RecentPicture(b"d" * 10))

    assert (RecentPicture(b"a" * 10), None) == (recent.get("a"), recent.get("b"))
    assert (RecentPicture(b"c" * 10), RecentPicture(b"d" * 10)) == (recent.get("c"), recent.get("d"))


def test_one_picture_larger_than_all_places_displaces_nothing() -> None:
    """It would only be thrown out again."""
    recent = RecentPictures(30)
    recent.put("a", RecentPicture(b"a" * 20))
    recent.put("huge", RecentPicture(b"h" * 31))

    assert (RecentPicture(b"a" * 20), None) == (recent.get("a"), recent.get("huge"))


def test_a_picture_put_twice_takes_one_place() -> None:
    """Two stages that fetched the same address at one time count once; what is known last is kept."""
    recent = RecentPictures(30)
    for changed in (False, False, True):
        recent.put("a", RecentPicture(b"a" * 15, changed=changed))
    recent.put("b", RecentPicture(b"b" * 15))

    assert (RecentPicture(b"a" * 15, changed=True), RecentPicture(b"b" * 15)) == (recent.get("a"), recent.get("b"))


def test_once_cleared_nothing_is_at_hand_and_all_places_are_free() -> None:
    """When the work is over the memory is for others."""
    recent = RecentPictures(30)
    recent.put("a", RecentPicture(b"a" * 30))
    recent.clear()
    recent.put("b", RecentPicture(b"b" * 30))

    assert (None, RecentPicture(b"b" * 30)) == (recent.get("a"), recent.get("b"))


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 40))))
def test_what_is_held_never_exceeds_the_limit(puts: list[tuple[int, int]]) -> None:
    """However pictures come, their bytes together stay within it."""
    recent = RecentPictures(50)
    for name, size in puts:
        recent.put(str(name), RecentPicture(b"x" * size))

        held = [recent.get(str(number)) for number in range(21)]

        assert sum(len(picture.data) for picture in held if picture) <= 50
