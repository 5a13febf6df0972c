"""A stage ends at the armed passing of a crash point, and at no other."""

import io

import pytest

from lab.chaos.stage import Fuse


class Ended(Exception):
    pass


def end() -> None:
    raise Ended


def passed_until_the_end(fuse: Fuse, *points: str) -> int:
    for count, point in enumerate(points):
        try:
            fuse.passing(point)
        except Ended:
            return count
    return -1


def test_it_ends_at_the_nth_passing_of_its_point() -> None:
    fuse = Fuse(end)
    fuse.arm("written 2")
    assert passed_until_the_end(fuse, "read", "written", "read", "written", "committed") == 3


def test_unarmed_or_disarmed_it_continues() -> None:
    fuse = Fuse(end)
    assert passed_until_the_end(fuse, "read", "written") == -1
    fuse.arm("read 1")
    fuse.arm("")
    assert passed_until_the_end(fuse, "read", "written") == -1


def test_the_end_of_the_input_is_the_end() -> None:
    with pytest.raises(Ended):
        Fuse(end).listen(io.StringIO("read 1\n"))
