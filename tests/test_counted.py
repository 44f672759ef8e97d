"""Laws of numbers in messages."""

import pytest

from songkey.counted import counted


@pytest.mark.parametrize(
    "number, thing, said",
    [(1, "song", "1 song"), (0, "song", "0 songs"), (2, "song of ncs", "2 songs of ncs")],
)
def test_one_alone_has_no_plural(number, thing, said):
    assert counted(number, thing) == said
