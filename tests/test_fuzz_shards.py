"""A short form of `just fuzz-shards`."""

import pytest
from fuzz_shards import KINDS, fuzz
from small_split import COUNTED, EQUAL, FAULTS, REFUSED, SmallSplit

EVERY, ROUNDS = 307, 40


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_of_damaged_shards_is_as_packed_or_counted_or_refused(tmp_path, kind):
    counted = fuzz(SmallSplit(tmp_path, *KINDS[kind]), EVERY, ROUNDS, seed=5)
    assert {one: counted[one] for one in FAULTS} == dict.fromkeys(FAULTS, 0)
    assert counted.keys() == {EQUAL, COUNTED, REFUSED} and counted.total() > 3 * ROUNDS
